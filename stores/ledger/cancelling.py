"""Cancels what waits of notifications, whoever wants it."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from stores.ledger import events

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


async def cancel_waiting(
    conn: AsyncConnection, notification_ids: Sequence[UUID], reason: str
) -> list[UUID]:
    """Cancel the deliveries that wait, and return the notifications they are of, to be folded."""
    result = await conn.execute(_CANCEL, {"ids": list(notification_ids), "reason": reason})
    changed = result.all()
    await events.append(conn, [events.delivery_event(row) for row in changed])
    return sorted({row.notification_id for row in changed if row.campaign_id is None})
