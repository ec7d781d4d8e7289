"""Folds deliveries into their notifications: state, when they are due again, whether finished."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.vocabulary import FINAL_PRECEDENCE

FINAL_CASE = " ".join(
    f"WHEN bool_or(d.state = '{state}') THEN '{state}'" for state in FINAL_PRECEDENCE
)
_FOLD = text(f"""
    UPDATE notifications n SET
        state = CASE WHEN n.step_due_at IS NULL OR f.waiting THEN f.state ELSE 'sending' END,
        due_at = coalesce(least(f.due_at, n.step_due_at), n.due_at),
        finished_at = CASE WHEN f.waiting OR n.step_due_at IS NOT NULL THEN NULL
            ELSE coalesce(n.finished_at, clock_timestamp()) END,
        version = n.version + 1
    FROM (
        SELECT d.notification_id,
            bool_or(d.state IN ('accepted', 'scheduled', 'held', 'sending')) AS waiting,
            min(d.due_at) FILTER (
                WHERE d.state IN ('accepted', 'scheduled', 'held', 'sending')) AS due_at,
            CASE
                WHEN bool_or(d.state IN ('accepted', 'scheduled', 'held', 'sending')) THEN CASE
                    WHEN bool_or(d.attempts > 0) THEN 'sending'
                    WHEN bool_or(d.state = 'held') THEN 'held'
                    WHEN bool_or(d.state = 'scheduled') THEN 'scheduled'
                    ELSE 'accepted' END
                {FINAL_CASE}
            END AS state
        FROM deliveries d WHERE d.notification_id = ANY(CAST(:ids AS uuid[]))
        GROUP BY d.notification_id ORDER BY d.notification_id
    ) f
    WHERE n.id = f.notification_id
    RETURNING n.id, n.finished_at IS NOT NULL AS finished
""")  # noqa: S608 - only constants are put together


async def fold(conn: AsyncConnection, notification_ids: Sequence[UUID]) -> set[UUID]:
    """Bring notifications in line with their deliveries and return the finished ones; one whose
    next step waits is not finished.
    """
    if not notification_ids:
        return set()
    result = await conn.execute(_FOLD, {"ids": list(notification_ids)})
    return {row.id for row in result.all() if row.finished}
