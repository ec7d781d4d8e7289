"""Acknowledging: a client system, a user or a recipient says that somebody has taken notice."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict, Gone
from domain.ids import encode
from domain.preference_links import Purpose
from services import notifications, starting
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.brands import PLAIN, Look, look_of
from services.notification_rows import find_row
from services.preference_links import RECIPIENT, read_link
from stores import acknowledgements, audit
from stores.ledger import escalations
from stores.ledger.cancelling import cancel_waiting
from stores.ledger.fold import fold

_ACTION: Final = "notification.acknowledged"


@dataclass(frozen=True, slots=True)
class Notice:
    """What the link of a message is about; `acknowledged_at` once somebody acknowledged it."""

    module: str
    asked_at: datetime
    locale: str | None = None
    acknowledged_at: datetime | None = None
    look: Look = PLAIN


async def acknowledge(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Note that a notification was taken notice of, and stop its escalation; repeatable, the first
    one stays. Raises NotFound, Conflict before anything was sent.
    """
    actor.require("notifications:write")

    async def work(conn: AsyncConnection) -> tuple[bool, str]:
        row = await find_row(conn, actor, id_text)
        if row.planned_at is None:
            raise Conflict("It was not sent yet; cancel it instead.")
        changed = await _acknowledge(conn, row.id, actor.name, escalates=row.escalation is not None)
        if changed:
            detail = {"state": row.state, "category": row.category}
            await audit_row(conn, actor, _ACTION, "ntf", row, detail)
        return changed, row.workflow_id

    changed, workflow_id = await app.db.retrying(work)
    if changed:
        await starting.wake(app, workflow_id)
    return await notifications.get(app, actor, id_text)


async def look(app: App, token: str) -> Notice:
    """Return what a link acknowledges; nothing changes by looking. Raises NotFound, Gone."""
    link = read_link(app.links, token, Purpose.ACKNOWLEDGE)
    async with app.db.leader() as conn:
        return await _notice(conn, await _find(conn, link.id))


async def acknowledge_by_link(app: App, token: str) -> Notice:
    """Acknowledge what a link is about, as the recipient of its message; repeatable."""
    link = read_link(app.links, token, Purpose.ACKNOWLEDGE)

    async def work(conn: AsyncConnection) -> tuple[Any, Notice]:
        row = await _find(conn, link.id)
        by = encode("prf", row.profile_id) if row.profile_id else RECIPIENT
        if await _acknowledge(conn, row.id, by, escalates=row.escalation is not None):
            await audit.record(
                conn, module_id=row.module_id, actor=by, action=_ACTION,
                subject=encode("ntf", row.id),
            )  # fmt: skip
        return row, await _notice(conn, await _find(conn, link.id))

    row, notice = await app.db.retrying(work)
    if row.acknowledged_at is None:
        await starting.wake(app, row.workflow_id)
    return notice


async def _acknowledge(conn: AsyncConnection, id: UUID, by: str, *, escalates: bool) -> bool:
    if not await escalations.acknowledge(conn, id, by):
        return False
    if escalates:
        await escalations.stop_met(conn, [id])
        await cancel_waiting(conn, [id], "acknowledged")
        await fold(conn, [id])
    return True


async def _find(conn: AsyncConnection, delivery_id: UUID) -> Any:
    row = await acknowledgements.find(conn, delivery_id)
    if row is None:
        raise Gone("The message of this link is no longer there.")
    return row


async def _notice(conn: AsyncConnection, row: Any) -> Notice:
    brand = await look_of(conn, row.module_id)
    return Notice(brand.name, row.created_at, row.locale, row.acknowledged_at, brand)
