"""What takes a campaign on: submitted, approved or rejected, paused, resumed, aborted.

Each step is one compare-and-set on its row; the workflow is only woken to look at it.
"""

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ab_tests import AbTestState
from domain.campaign import FINAL, CampaignState, Step
from domain.campaign_canary import CanaryState
from domain.contract.campaign import CampaignRequest, Submit
from domain.errors import Conflict, Invalid
from services import campaign_runs as runs
from services.access import Actor
from services.app import App
from services.auditing import audit_row, named
from services.campaign_judging import judge, look_up
from services.campaign_rows import find_row, refused
from services.campaign_views import view
from services.fields import validated
from services.versions import check_version
from stores import campaign_deliveries as deliveries
from stores import campaigns as store

NO_DEADLINE: Final = Submit()
_S = CampaignState
_DONE: Final = {
    Step.PAUSE: frozenset({_S.PAUSED}),
    Step.RESUME: frozenset({_S.APPROVED, _S.SENDING}),
    Step.ABORT: frozenset({_S.ABORTED}),
}
"""Where a step has been taken already, so that to repeat it is harmless."""


async def submit(
    app: App,
    actor: Actor,
    id_text: str,
    request: Submit = NO_DEADLINE,
    if_match: int | None = None,
) -> dict[str, Any]:
    """Freeze a draft and let its audience be resolved; raises Invalid, Conflict.

    Without Temporal it is promised all the same, and started by the sweeper.
    """
    actor.require("campaigns:write")
    if request.approve_by is not None and request.approve_by <= datetime.now(UTC):
        raise Invalid.field("approve_by", "must be later than now")

    async def work(conn: AsyncConnection) -> Any:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        asked = validated(CampaignRequest, row.definition)
        named = await look_up(conn, row.module_id, asked)
        frozen = judge(asked, named, usual_hours=app.settings.off_hours)
        submitted = await store.step(
            conn, row.id, Step.SUBMIT, frozen=frozen, start_at=asked.window.start_at,
            end_at=asked.window.end_at, approve_by=request.approve_by,
        )  # fmt: skip
        if submitted is None:
            raise refused(row, Step.SUBMIT)
        await audit_row(conn, actor, "campaign.submitted", "cmp", row, {"run": row.run + 1})
        return await find_row(conn, actor, id_text)

    row = await app.db.retrying(work)
    await runs.start(app, row)
    return view(row)


async def pause(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Let nothing more leave until it is resumed; what is under way ends within a second."""
    return await _step(app, actor, id_text, Step.PAUSE, "campaign.paused")


async def resume(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Go on where it was paused."""
    return await _step(app, actor, id_text, Step.RESUME, "campaign.resumed")


async def abort(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """End it: what was not sent is cancelled, and can be sent again later as missed."""
    return await _step(app, actor, id_text, Step.ABORT, "campaign.aborted")


async def _step(app: App, actor: Actor, id_text: str, step: Step, action: str) -> dict[str, Any]:
    actor.require("campaigns:write")

    async def work(conn: AsyncConnection) -> tuple[Any, bool]:
        row = await find_row(conn, actor, id_text, lock=True)
        if row.state in _DONE[step]:
            return row, False
        sets = _overriding(row, actor) if step is Step.RESUME else {}
        if await store.step(conn, row.id, step, **sets) is None:
            raise refused(row, step)
        told = {"canary": CanaryState.OVERRIDDEN} if sets else {}
        await audit_row(conn, actor, action, "cmp", row, {"from": row.state, **told})
        return await find_row(conn, actor, id_text), True

    row, taken = await app.db.retrying(work)
    if taken:
        await runs.wake(app, row)
    return view(row)


def _waves_anew(row: Any) -> dict[str, Any]:
    """Return what is written of a canary or test that was not decided: it waits from its end on
    once more.
    """
    found: dict[str, Any] = {}
    if row.canary and row.canary["state"] == CanaryState.WAITING:
        found["canary"] = {**row.canary, "state": CanaryState.SENDING, "decide_at": None}
    if row.ab_test and row.ab_test["state"] == AbTestState.WAITING:
        found["ab_test"] = {"state": AbTestState.TESTING}
    return found


def _overriding(row: Any, actor: Actor) -> dict[str, Any]:
    """Return what is written when somebody resumes what the canary stopped: it goes on."""
    if row.canary is None or row.canary["state"] != CanaryState.STOPPED:
        return {}
    return {"canary": {**row.canary, "state": CanaryState.OVERRIDDEN, "by": named(actor)}}


async def resend_missed(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Let the rows that were missed wait once more, and ask for approval of just them.

    Missed is what failed, expired, was cancelled with the campaign, or is known not to be sent.
    Nothing is asked anew. Raises Conflict when nothing was missed.
    """
    actor.require("campaigns:write")

    async def work(conn: AsyncConnection) -> Any:
        row = await find_row(conn, actor, id_text, lock=True)
        missed = await deliveries.reopen_missed(conn, row.id)
        if not missed and row.state in FINAL:
            raise Conflict("Nothing was missed: what is unknown is settled first.")
        rows = await deliveries.hash_waiting(conn, row.id)
        again = sha256(f"{row.hash}:{row.run + 1}:{rows}".encode()).hexdigest()
        # A window that is over would end it at once; its approval is of going on without.
        over = row.end_at is not None and row.end_at <= datetime.now(UTC)
        sets: dict[str, Any] = {"start_at": None, "end_at": None} if over else {}
        sets |= _waves_anew(row)
        if await store.step(conn, row.id, Step.RESEND, hash=again, **sets) is None:
            raise refused(row, Step.RESEND)
        detail = {"run": row.run + 1, "deliveries": missed}
        await audit_row(conn, actor, "campaign.resend_missed", "cmp", row, detail)
        return await find_row(conn, actor, id_text)

    row = await app.db.retrying(work)
    await runs.start(app, row)
    return view(row)
