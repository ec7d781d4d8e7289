"""Changes by the client: compare-and-set on the rows, so that a race has one winner."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict
from domain.vocabulary import State
from stores.ledger import events
from stores.ledger.close import close_unplanned
from stores.ledger.fold import fold
from stores.ledger.settle import touched

_LOCK = text("""
    SELECT d.id, d.state, d.attempts FROM deliveries d
    WHERE d.notification_id = :id ORDER BY d.id FOR UPDATE
""")

_CANCEL = text(f"""
    WITH chosen AS (
        SELECT id, state AS before FROM deliveries
        WHERE notification_id = ANY(CAST(:ids AS uuid[]))
            AND state IN ('accepted', 'scheduled', 'held')
        ORDER BY id FOR UPDATE
    )
    UPDATE deliveries d SET state = 'cancelled', reason = :reason, due_at = NULL,
        lease_token = NULL, lease_until = NULL, settled_at = clock_timestamp(),
        version = d.version + 1
    FROM chosen c WHERE d.id = c.id
    RETURNING {events.CHANGED}, c.before
""")  # noqa: S608 - only constants are put together

_CHANGE = text("""
    UPDATE notifications n SET
        send_at = r.send_at, expires_at = r.expires_at, priority = r.priority, data = r.data,
        content = NULLIF(r.content, 'null'::jsonb), channels = r.channels, metadata = r.metadata,
        due_at = r.due_at, start_deadline = r.start_deadline, workflow_id = r.workflow_id,
        state = r.state, expiry_asked = r.expiry_asked, uncollected = r.uncollected,
        swept_at = NULL, version = n.version + 1
    FROM jsonb_populate_record(NULL::notifications, CAST(:row AS jsonb)) r
    WHERE n.id = :id AND n.version = :version AND n.finished_at IS NULL
    RETURNING n.id, n.module_id, n.category, n.class AS class_, n.priority, n.state, n.version
""")

_CHANGE_DELIVERIES = text("""
    UPDATE deliveries d SET expires_at = :expires_at, priority = :priority,
        due_at = CASE WHEN w.id IS NULL THEN :due_at ELSE least(w.due_at, :expires_at) END,
        digest_id = w.id, lease_token = NULL, lease_until = NULL, version = d.version + 1
    FROM deliveries o LEFT JOIN digests w
        ON w.id = o.digest_id AND w.due_at > clock_timestamp() AND NOT :leaves
    WHERE d.notification_id = :id AND d.state IN ('accepted', 'scheduled', 'held') AND o.id = d.id
    RETURNING d.digest_id
""")


async def cancel(conn: AsyncConnection, notification_id: UUID) -> bool:
    """Cancel what waits; False when it was cancelled before. Raises Conflict from sending on."""
    rows = (await conn.execute(_LOCK, {"id": notification_id})).all()
    if not rows:
        return await _cancel_unplanned(conn, notification_id)
    if all(row.state == State.CANCELLED for row in rows):
        return False
    _refuse_after_start(rows)
    if not await cancel_waiting(conn, [notification_id], "cancelled"):
        raise Conflict("It is finished; there is nothing left to cancel.")
    await fold(conn, [notification_id])
    return True


async def cancel_waiting(
    conn: AsyncConnection, notification_ids: Sequence[UUID], reason: str
) -> list[UUID]:
    """Cancel the deliveries that wait, and return the notifications they are of, to be folded."""
    result = await conn.execute(_CANCEL, {"ids": list(notification_ids), "reason": reason})
    changed = result.all()
    await events.append(conn, events.delivery_events(changed))
    return touched(changed)


async def change(
    conn: AsyncConnection,
    notification_id: UUID,
    version: int,
    row: dict[str, Any],
    *,
    leaves_digest: bool = False,
) -> bool:
    """Write a changed notification over the version it was read at; False when that is stale.

    Raises Conflict from sending on. Leases that were not marked are taken away, so that what is
    about to be sent is read anew. What waits for a digest goes on waiting, unless it leaves it.
    """
    _refuse_after_start((await conn.execute(_LOCK, {"id": notification_id})).all())
    result = await conn.execute(_CHANGE, {"id": notification_id, "version": version, "row": row})
    changed = result.one_or_none()
    if changed is None:
        return False
    found = await conn.execute(
        _CHANGE_DELIVERIES,
        {
            "id": notification_id, "expires_at": row["expires_at"], "priority": row["priority"],
            "due_at": row["due_at"], "leaves": leaves_digest,
        },
    )  # fmt: skip
    if any(found.scalars()):
        await fold(conn, [notification_id])
    await events.append(conn, [events.notification_event("changed", changed)])
    return True


async def _cancel_unplanned(conn: AsyncConnection, notification_id: UUID) -> bool:
    closed = await close_unplanned(conn, [notification_id], [State.CANCELLED], "cancelled")
    if not closed:
        raise Conflict("It started to be sent this moment.")
    return True


def _refuse_after_start(rows: Sequence[Row[Any]]) -> None:
    if any(row.attempts > 0 or row.state == State.SENDING for row in rows):
        raise Conflict("It is being sent or was sent already.")
