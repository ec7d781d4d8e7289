"""How far the notifications of a workflow are, and when they must be looked at again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_STATES = text("""
    SELECT d.state, count(*) AS n FROM deliveries d
    WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) GROUP BY d.state
""")

_NEXT = text("""
    SELECT next_due, channel, reason, class AS class_, rounds FROM (
        SELECT CASE WHEN d.state = 'sending' THEN d.lease_until + interval '50 milliseconds'
                ELSE greatest(d.due_at, d.lease_until + interval '50 milliseconds') END AS next_due,
            d.channel, CASE WHEN d.state = 'sending' THEN 'sender_died' ELSE d.reason END AS reason,
            d.class, d.rounds
        FROM deliveries d JOIN notifications n ON n.id = d.notification_id
        WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) AND n.workflow_id = :workflow
            AND d.state IN ('accepted', 'scheduled', 'held', 'sending')
        UNION ALL
        SELECT n.due_at, n.channels[1], 'scheduled', n.class, 0 FROM notifications n
        WHERE n.id = ANY(CAST(:ids AS uuid[])) AND n.workflow_id = :workflow
            AND n.planned_at IS NULL AND n.finished_at IS NULL
        UNION ALL
        SELECT n.step_due_at, n.escalation->'steps'->n.step->'channels'->>0,
            'step ' || (n.step + 1) || ', unless '
                || (n.escalation->'steps'->n.step->>'stop_on') || ' before', n.class, 0
        FROM notifications n
        WHERE n.id = ANY(CAST(:ids AS uuid[])) AND n.workflow_id = :workflow
            AND n.step_due_at IS NOT NULL AND n.finished_at IS NULL
    ) waiting ORDER BY next_due LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Next:
    """The first delivery or step that becomes due, and why it waits."""

    due_at: datetime
    channel: str
    reason: str
    class_: str
    rounds: int


async def count_states(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[str, int]:
    """Return how many deliveries of notifications are in which state."""
    rows = (await conn.execute(_STATES, {"ids": list(ids)})).all()
    return {row.state: row.n for row in rows}


async def find_next(conn: AsyncConnection, ids: Sequence[UUID], workflow_id: str) -> Next | None:
    """Return what a workflow must wake up for next; None when nothing of its own waits."""
    row = (await conn.execute(_NEXT, {"ids": list(ids), "workflow": workflow_id})).one_or_none()
    if row is None:
        return None
    return Next(row.next_due, row.channel, row.reason, row.class_, row.rounds)
