"""What the sweeper asks the ledger: who is overdue, who has ended, whose receipts wait."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_STALE = text("""
    SELECT n.id, n.module_id, m.key AS module_key, n.priority, n.category, n.channels, n.sweeps
    FROM notifications n JOIN modules m ON m.id = n.module_id
    WHERE n.finished_at IS NULL AND n.class <> 'otp' AND n.expires_at > clock_timestamp()
        AND n.due_at < clock_timestamp() - make_interval(secs => :grace)
        AND (n.swept_at IS NULL OR n.swept_at < clock_timestamp()
            - make_interval(secs => :grace * power(2, least(n.sweeps, 6))))
        AND NOT EXISTS (SELECT 1 FROM deliveries d
            WHERE d.notification_id = n.id AND d.lease_until > clock_timestamp())
        AND NOT EXISTS (
            SELECT 1 FROM jsonb_to_recordset(CAST(:fronts AS jsonb))
                AS front(module_id uuid, priority text, asked_for timestamptz)
            WHERE front.module_id = n.module_id AND front.priority = n.priority
                AND front.asked_for
                    < coalesce(n.send_at, n.created_at) + make_interval(secs => :grace))
    ORDER BY n.due_at LIMIT :most
""")

_FRONTS = text("""
    SELECT n.module_id, n.priority, max(coalesce(n.send_at, n.created_at)) AS asked_for
    FROM deliveries d JOIN notifications n ON n.id = d.notification_id
    WHERE d.state IN ('accepted', 'scheduled', 'held', 'sending') AND d.rounds = 0
        AND d.lease_until > clock_timestamp()
    GROUP BY n.module_id, n.priority
""")

_ASSIGN = text("""
    UPDATE notifications n SET workflow_id = :workflow, swept_at = clock_timestamp(),
        sweeps = n.sweeps + 1
    FROM (SELECT id FROM notifications WHERE id = ANY(CAST(:ids AS uuid[]))
            AND finished_at IS NULL ORDER BY id FOR UPDATE SKIP LOCKED) free
    WHERE n.id = free.id
    RETURNING n.id
""")

_ENDED = text("""
    SELECT n.id FROM notifications n
    WHERE n.finished_at IS NULL AND n.due_at < clock_timestamp()
        AND (n.expires_at < clock_timestamp() - make_interval(secs => :grace)
            OR (n.planned_at IS NULL AND n.start_deadline < clock_timestamp()))
        AND NOT EXISTS (SELECT 1 FROM deliveries d
            WHERE d.notification_id = n.id AND d.lease_until > clock_timestamp())
    ORDER BY n.id LIMIT :most
""")

_UNMATCHED = text("""
    SELECT DISTINCT r.attempt_id FROM receipts r
    WHERE r.delivery_id IS NULL AND r.received_at > now() - interval '3 days'
    ORDER BY r.attempt_id LIMIT :most
""")


Fronts = Mapping[tuple[UUID, str], datetime]
"""How far the queue of a module on a lane is worked off: when what is sent now was asked for."""


async def find_fronts(conn: AsyncConnection) -> dict[tuple[UUID, str], datetime]:
    """Return how far each module's queue on each lane is, by what is leased for its first pass."""
    rows = (await conn.execute(_FRONTS)).all()
    return {(row.module_id, row.priority): row.asked_for for row in rows}


async def find_stale(
    conn: AsyncConnection, *, grace: float, most: int, fronts: Fronts | None = None
) -> Sequence[Row[Any]]:
    """Return unfinished notifications that are overdue by `grace` seconds without a live lease.

    What a moving queue has not come to yet is not overdue: it waits for its turn.
    """
    given = [
        {"module_id": str(module), "priority": priority, "asked_for": at.isoformat()}
        for (module, priority), at in (fronts or {}).items()
    ]
    return (await conn.execute(_STALE, {"grace": grace, "most": most, "fronts": given})).all()


async def assign(conn: AsyncConnection, ids: Sequence[UUID], workflow_id: str) -> list[UUID]:
    """Hand notifications to a recovery workflow; claims of their former one fail from now on."""
    result = await conn.execute(_ASSIGN, {"ids": list(ids), "workflow": workflow_id})
    return sorted(result.scalars().all())


async def find_ended(conn: AsyncConnection, *, grace: float, most: int) -> list[UUID]:
    """Return unfinished notifications that expired, or that missed their start deadline."""
    result = await conn.execute(_ENDED, {"grace": grace, "most": most})
    return list(result.scalars().all())


async def find_unmatched_receipts(conn: AsyncConnection, *, most: int) -> list[UUID]:
    """Return attempts that receipts wait for."""
    return list((await conn.execute(_UNMATCHED, {"most": most})).scalars().all())
