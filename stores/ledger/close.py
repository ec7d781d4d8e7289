"""Ends what can no longer be sent: expired, never started in time, cancelled before planning."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Settlement
from domain.ids import new_id
from domain.vocabulary import State
from stores.ledger import events
from stores.ledger.fold import fold
from stores.ledger.settle import settle

_OVERDUE = text("""
    SELECT n.id, CASE WHEN n.expires_at <= clock_timestamp() THEN 'expired' ELSE 'failed' END
        AS state
    FROM notifications n
    WHERE n.id = ANY(CAST(:ids AS uuid[])) AND n.planned_at IS NULL AND n.finished_at IS NULL
        AND (n.expires_at <= clock_timestamp() OR n.start_deadline <= clock_timestamp())
    ORDER BY n.id
    FOR UPDATE
""")

_CLOSE = text(f"""
    WITH closed AS (
        UPDATE notifications n SET state = r.state, planned_at = clock_timestamp(),
            finished_at = clock_timestamp(), version = n.version + 1
        FROM unnest(CAST(:ids AS uuid[]), CAST(:deliveries AS uuid[]), CAST(:states AS text[]))
            AS r(id, delivery_id, state)
        WHERE n.id = r.id AND n.planned_at IS NULL AND n.finished_at IS NULL
        RETURNING n.*, r.delivery_id
    )
    INSERT INTO deliveries AS d (id, notification_id, module_id, category, class, priority,
        channel, address, state, reason, created_at, expires_at, settled_at)
    SELECT c.delivery_id, c.id, c.module_id, c.category, c.class, c.priority, c.channels[1], '',
        c.state, :reason, clock_timestamp(), c.expires_at, clock_timestamp()
    FROM closed c
    RETURNING {events.CHANGED}, NULL AS before
""")  # noqa: S608 - only constants are put together

_EXPIRED = text("""
    SELECT d.id, d.maybe_sent FROM deliveries d
    WHERE d.notification_id = ANY(CAST(:ids AS uuid[]))
        AND d.state IN ('accepted', 'scheduled', 'held') AND d.expires_at <= clock_timestamp()
        AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())
    ORDER BY d.id
""")


async def close_unplanned(
    conn: AsyncConnection, ids: Sequence[UUID], states: Sequence[State], reason: str
) -> set[UUID]:
    """End notifications that have no deliveries yet and return those that were ended.

    Each becomes one delivery without address, so that the balance accounts for it.
    """
    result = await conn.execute(
        _CLOSE,
        {
            "ids": list(ids), "deliveries": [new_id() for _ in ids], "states": list(states),
            "reason": reason,
        },
    )  # fmt: skip
    rows = result.all()
    await events.append(conn, events.delivery_events(rows))
    return {row.notification_id for row in rows}


async def close_overdue(conn: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """End what expired or missed its start deadline before any attempt; return what ended."""
    overdue = (await conn.execute(_OVERDUE, {"ids": list(ids)})).all()
    closed = set[UUID]()
    if overdue:
        states = [State(row.state) for row in overdue]
        closed = await close_unplanned(conn, [row.id for row in overdue], states, "too_late")
    expired = (await conn.execute(_EXPIRED, {"ids": list(ids)})).all()
    changed = await settle(conn, [_expiry(row) for row in expired])
    return closed | await fold(conn, sorted({row.notification_id for row in changed}))


def _expiry(row: Row[Any]) -> Settlement:
    state = State.UNKNOWN if row.maybe_sent else State.EXPIRED
    return Settlement(row.id, None, state, "expired", None, row.maybe_sent)
