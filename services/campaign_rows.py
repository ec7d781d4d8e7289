"""The rows of campaigns, as far as an actor may see them, and what their states forbid."""

from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import Step
from domain.contract.campaign import CampaignRequest
from domain.errors import Conflict, NotFound
from domain.ids import InvalidId, decode
from services.access import Actor
from stores import campaigns as store

_TOLD: Final = {
    Step.EDIT: "be changed any more, but for its pace",
    Step.SUBMIT: "be submitted",
    Step.APPROVE: "be approved",
    Step.REJECT: "be rejected",
    Step.PAUSE: "be paused",
    Step.RESUME: "be resumed",
    Step.ABORT: "be aborted",
    Step.RESEND: "send again what was missed",
}


async def find_row(conn: AsyncConnection, actor: Actor, id_text: str, *, lock: bool = False) -> Any:
    """Return the stored row of a campaign; raises NotFound, also for another module's."""
    try:
        module_id = None if actor.all_modules else actor.module_id
        row = await store.find(conn, decode("cmp", id_text), module_id, lock=lock)
    except InvalidId:
        row = None
    if row is None:
        raise NotFound(f"There is no campaign {id_text[:80]}.")
    return row


def refused(row: Any, step: Step) -> Conflict:
    """Return the problem of a step that the state of a campaign does not allow."""
    return Conflict(f"It is {row.state}, and so it cannot {_TOLD[step]}.")


def definition(request: CampaignRequest) -> dict[str, Any]:
    """Return a campaign as it was asked for; what was left out stays out."""
    return request.model_dump(mode="json", by_alias=True, exclude_unset=True)
