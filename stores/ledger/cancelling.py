"""Cancels what waits of notifications, whoever wants it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from stores.ledger import events

_CANCELLED = f"""
    UPDATE deliveries d SET state = 'cancelled', reason = :reason, due_at = NULL,
        lease_token = NULL, lease_until = NULL, settled_at = clock_timestamp(),
        version = d.version + 1
    FROM chosen c WHERE d.id = c.id
    RETURNING {events.CHANGED}, c.before
"""  # noqa: S608 - only constants are put together

_CANCEL = text(f"""
    WITH chosen AS (
        SELECT id, state AS before FROM deliveries
        WHERE notification_id = ANY(CAST(:ids AS uuid[]))
            AND state IN ('accepted', 'scheduled', 'held')
        ORDER BY id FOR UPDATE
    )
    {_CANCELLED}
""")  # noqa: S608

_CANCEL_STEPS = text(f"""
    WITH chosen AS (
        SELECT id, state AS before FROM deliveries
        WHERE profile_id = :profile AND step IS NOT NULL
            AND state IN ('accepted', 'scheduled', 'held')
        ORDER BY id FOR UPDATE
    )
    {_CANCELLED}
""")  # noqa: S608


async def cancel_steps(conn: AsyncConnection, profile_id: UUID, reason: str) -> list[UUID]:
    """Cancel what waits of the steps of others' notifications that go to a profile; return these
    notifications, to be folded.
    """
    result = await conn.execute(_CANCEL_STEPS, {"profile": profile_id, "reason": reason})
    return await _told(conn, result.all())


async def cancel_waiting(
    conn: AsyncConnection, notification_ids: Sequence[UUID], reason: str
) -> list[UUID]:
    """Cancel the deliveries that wait, and return the notifications they are of, to be folded."""
    result = await conn.execute(_CANCEL, {"ids": list(notification_ids), "reason": reason})
    return await _told(conn, result.all())


async def _told(conn: AsyncConnection, changed: Sequence[Row[Any]]) -> list[UUID]:
    await events.append(conn, events.delivery_events(changed))
    return sorted({row.notification_id for row in changed if row.campaign_id is None})
