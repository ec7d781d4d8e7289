"""Deputies: who decides on campaigns in a user's stead while they are away."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.user import DelegationRequest
from domain.errors import Forbidden, Invalid, NotFound
from domain.ids import InvalidId, decode, encode
from domain.roles import APPROVERS
from services.access import Actor
from services.app import App
from services.auditing import audit_subject
from services.times import stamp
from services.users import find_row
from stores import users as store


async def put(app: App, actor: Actor, id_text: str, request: DelegationRequest) -> dict[str, Any]:
    """Name a user's deputy for a time, in place of one before; by the user, or who keeps users.

    Raises NotFound, Forbidden, Invalid for a deputy who may not approve or a time that is over.
    """
    _check_may(actor, id_text)
    async with app.db.leader() as conn:
        row = await find_row(conn, id_text)
        deputy = await _deputy(conn, request.to)
        if deputy.id == row.id:
            raise Invalid.field("to", "must be somebody else")
        if deputy.id == actor.user_id:
            raise Forbidden("Nobody makes themselves somebody's deputy; they name you.")
        if request.until <= datetime.now(UTC):
            raise Invalid.field("until", "is over already")
        await store.put_delegation(conn, row.id, deputy.id, request.from_at, request.until)
        told = {"to": encode("usr", deputy.id), "from": stamp(request.from_at),
                "until": stamp(request.until)}  # fmt: skip
        await audit_subject(conn, actor, "delegation.given", id_text, None, told)
        return view(await store.get_delegation(conn, row.id))


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return {user, to, to_name, from, until, version}; raises NotFound where nobody was named."""
    if not _own(actor, id_text):
        actor.require("users:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, id_text)
        found = await store.get_delegation(conn, row.id)
    if found is None:
        raise NotFound("This user has named no deputy.")
    return view(found)


async def remove(app: App, actor: Actor, id_text: str) -> None:
    """End a delegation; what the deputy decided until now stays. Raises NotFound, Forbidden."""
    _check_may(actor, id_text)
    async with app.db.leader() as conn:
        row = await find_row(conn, id_text)
        if not await store.remove_delegation(conn, row.id):
            raise NotFound("This user has named no deputy.")
        await audit_subject(conn, actor, "delegation.ended", id_text, None)


def view(row: Any) -> dict[str, Any]:
    """Return a delegation in the contract's shape."""
    return {
        "user": encode("usr", row.user_id),
        "to": encode("usr", row.deputy_id),
        "to_name": row.deputy_name,
        "from": stamp(row.from_at),
        "until": stamp(row.until_at),
        "version": row.version,
    }


async def _deputy(conn: AsyncConnection, given: str) -> Any:
    try:
        row = await store.get(conn, decode("usr", given))
    except InvalidId:
        row = None
    if row is None or not row.active or row.role not in APPROVERS:
        raise Invalid.field("to", "must be the id of an active administrator or approver")
    return row


def _own(actor: Actor, id_text: str) -> bool:
    return actor.user_id is not None and id_text == encode("usr", actor.user_id)


def _check_may(actor: Actor, id_text: str) -> None:
    if _own(actor, id_text):
        actor.require("approvals:write")
    else:
        actor.require("users:write")
