"""Events that were posted: each is taken once, counted, and may cancel what waits for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Awaited:
    """A notification that an event with this correlation cancels while it waits."""

    trigger_id: UUID
    correlation: str
    notification_id: UUID
    until: datetime


async def take(
    conn: AsyncConnection, module_id: UUID, source: str, id: str, event_type: str
) -> dict[str, Any] | None:
    """Take an event for this transaction; return the answer that its first post got, if any.

    A second post waits here until the first one's transaction has ended.
    """
    where = {"module": module_id, "source": source, "id": id}
    taken = await conn.execute(
        text("""
            INSERT INTO posted_events (module_id, source, id, type)
            VALUES (:module, :source, :id, :type) ON CONFLICT DO NOTHING
        """),
        {**where, "type": event_type},
    )
    if taken.rowcount:
        return None
    result = await conn.execute(
        text("""
            SELECT answer FROM posted_events
            WHERE module_id = :module AND source = :source AND id = :id
        """),
        where,
    )
    answer: dict[str, Any] = result.scalar_one()
    return answer


async def answered(
    conn: AsyncConnection, module_id: UUID, source: str, id: str, answer: dict[str, Any]
) -> None:
    """Keep the answer for those who post the event again."""
    await conn.execute(
        text("""
            UPDATE posted_events SET answer = CAST(:answer AS jsonb)
            WHERE module_id = :module AND source = :source AND id = :id
        """),
        {"module": module_id, "source": source, "id": id, "answer": answer},
    )


async def count(
    conn: AsyncConnection, module_id: UUID, event_type: str, *, started: int, cancelled: int
) -> None:
    """Count an event of a type with what it did."""
    await conn.execute(
        text("""
            INSERT INTO event_counts AS c (module_id, event_type, events, started, cancelled,
                last_at)
            VALUES (:module, :type, 1, :started, :cancelled, clock_timestamp())
            ON CONFLICT (module_id, event_type) DO UPDATE SET events = c.events + 1,
                started = c.started + :started, cancelled = c.cancelled + :cancelled,
                last_at = clock_timestamp()
        """),
        {"module": module_id, "type": event_type, "started": started, "cancelled": cancelled},
    )


async def latest(
    conn: AsyncConnection, module_id: UUID | None, *, types: Sequence[str], most: int
) -> Sequence[Row[Any]]:
    """Return the events of a module, or of all, that came last and what they did, newest first."""
    result = await conn.execute(
        text("""
            SELECT e.source, e.id, e.type, e.answer, e.posted_at, m.key AS module_key
            FROM posted_events e JOIN modules m ON m.id = e.module_id
            WHERE e.answer IS NOT NULL
                AND (CAST(:module AS uuid) IS NULL OR e.module_id = :module)
                AND (cardinality(CAST(:types AS text[])) = 0 OR e.type = ANY(:types))
            ORDER BY e.posted_at DESC LIMIT :most
        """),
        {"module": module_id, "types": list(types), "most": most},
    )
    return result.all()


async def counts(conn: AsyncConnection, module_id: UUID | None, most: int) -> Sequence[Row[Any]]:
    """Return the types of events of a module, or of all, those that came last first."""
    result = await conn.execute(
        text("""
            SELECT c.event_type, c.events, c.started, c.cancelled, c.last_at, m.key AS module_key,
                EXISTS (SELECT FROM triggers t WHERE t.module_id = c.module_id
                    AND ((t.enabled AND t.event_type = c.event_type)
                        OR t.cancel_type = c.event_type)) AS listened
            FROM event_counts c JOIN modules m ON m.id = c.module_id
            WHERE CAST(:module AS uuid) IS NULL OR c.module_id = :module
            ORDER BY c.last_at DESC, c.event_type LIMIT :most
        """),
        {"module": module_id, "most": most},
    )
    return result.all()


async def lock(conn: AsyncConnection, pairs: Sequence[tuple[UUID, str]]) -> None:
    """Keep other events of these triggers and correlations away until the end, in one order."""
    await conn.execute(
        text("""
            SELECT pg_advisory_xact_lock(n) FROM (
                SELECT DISTINCT hashtextextended(name, 0) AS n
                FROM unnest(CAST(:names AS text[])) name ORDER BY n
            ) numbers
        """),
        {"names": [f"{trigger} {correlation}" for trigger, correlation in pairs]},
    )


async def add_awaited(conn: AsyncConnection, rows: Sequence[Awaited]) -> None:
    """Note what may be cancelled."""
    await conn.execute(
        text("""
            INSERT INTO awaited_cancels (trigger_id, correlation, notification_id, until)
            SELECT * FROM unnest(CAST(:triggers AS uuid[]), CAST(:correlations AS text[]),
                CAST(:notifications AS uuid[]), CAST(:untils AS timestamptz[])) ORDER BY 1, 2, 3
        """),
        {
            "triggers": [row.trigger_id for row in rows],
            "correlations": [row.correlation for row in rows],
            "notifications": [row.notification_id for row in rows],
            "untils": [row.until for row in rows],
        },
    )


async def take_awaited(conn: AsyncConnection, pairs: Sequence[tuple[UUID, str]]) -> list[UUID]:
    """Return the notifications that are to be cancelled, in order, and forget them here."""
    result = await conn.execute(
        text("""
            DELETE FROM awaited_cancels a
            USING unnest(CAST(:triggers AS uuid[]), CAST(:correlations AS text[]))
                AS r(trigger_id, correlation)
            WHERE a.trigger_id = r.trigger_id AND a.correlation = r.correlation
            RETURNING a.notification_id
        """),
        {
            "triggers": [trigger for trigger, _ in pairs],
            "correlations": [correlation for _, correlation in pairs],
        },
    )
    return sorted(set(result.scalars().all()))


async def workflows(conn: AsyncConnection, ids: Sequence[UUID]) -> list[str]:
    """Return the workflows that carry notifications."""
    result = await conn.execute(
        text("""
            SELECT DISTINCT workflow_id FROM notifications
            WHERE id = ANY(CAST(:ids AS uuid[])) AND workflow_id IS NOT NULL
        """),
        {"ids": list(ids)},
    )
    return list(result.scalars().all())


async def purge(conn: AsyncConnection, *, hours: int) -> None:
    """Forget which events were posted so long ago, and what can no longer be cancelled."""
    await conn.execute(
        text("""
            DELETE FROM posted_events
            WHERE posted_at < clock_timestamp() - make_interval(hours => :hours)
        """),
        {"hours": hours},
    )
    await conn.execute(text("DELETE FROM awaited_cancels WHERE until < clock_timestamp()"))
