"""What became of each time of a schedule: one row for a time that fired, waits or failed; one row
for many that were missed or dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Run:
    """A time with its fate; `open` while what it began is, as far as is known, unfinished."""

    at: datetime
    cause: str
    state: str
    reason: str = ""
    subject: UUID | None = None
    open: bool = False


async def put(conn: AsyncConnection, schedule_id: UUID, runs: Sequence[Run]) -> None:
    """Write runs; one that waited is replaced, any other that is there is an IntegrityError."""
    if not runs:
        return
    await conn.execute(
        text("""
            DELETE FROM schedule_runs WHERE schedule_id = :schedule AND state = 'waiting'
                AND at = ANY(CAST(:times AS timestamptz[]))
        """),
        {"schedule": schedule_id, "times": [run.at for run in runs]},
    )
    await conn.execute(
        text("""
            INSERT INTO schedule_runs (schedule_id, at, cause, state, reason, subject, open,
                fired_at)
            SELECT :schedule, r.at, r.cause, r.state, r.reason, r.subject, r.open,
                clock_timestamp()
            FROM unnest(CAST(:times AS timestamptz[]), CAST(:causes AS text[]),
                CAST(:states AS text[]), CAST(:reasons AS text[]), CAST(:subjects AS uuid[]),
                CAST(:open AS boolean[])) AS r(at, cause, state, reason, subject, open)
            ORDER BY r.at
        """),
        {
            "schedule": schedule_id,
            "times": [run.at for run in runs], "causes": [run.cause for run in runs],
            "states": [run.state for run in runs], "reasons": [run.reason for run in runs],
            "subjects": [run.subject for run in runs], "open": [run.open for run in runs],
        },
    )  # fmt: skip


async def find_open(conn: AsyncConnection, schedule_id: UUID) -> Sequence[Row[Any]]:
    """Return the runs that wait or whose work was unfinished when last looked at, in order."""
    result = await conn.execute(
        text("""
            SELECT at, state, subject FROM schedule_runs
            WHERE schedule_id = :schedule AND open ORDER BY at
        """),
        {"schedule": schedule_id},
    )
    return result.all()


async def close(conn: AsyncConnection, schedule_id: UUID, subjects: Sequence[UUID]) -> None:
    """Note that what runs began is finished."""
    await conn.execute(
        text("""
            UPDATE schedule_runs SET open = false
            WHERE schedule_id = :schedule AND open AND subject = ANY(CAST(:subjects AS uuid[]))
        """),
        {"schedule": schedule_id, "subjects": sorted(subjects)},
    )


async def fired_between(
    conn: AsyncConnection, schedule_id: UUID, first: datetime, last: datetime
) -> set[datetime]:
    """Return the times in first ≤ t ≤ last that have fired or wait to."""
    result = await conn.execute(
        text("""
            SELECT at FROM schedule_runs WHERE schedule_id = :schedule
                AND at BETWEEN :first AND :last AND state <> 'failed'
        """),
        {"schedule": schedule_id, "first": first, "last": last},
    )
    return set(result.scalars().all())


async def forget_failed(
    conn: AsyncConnection, schedule_id: UUID, times: Sequence[datetime]
) -> None:
    """Make room for times that failed and are tried once more."""
    await conn.execute(
        text("""
            DELETE FROM schedule_runs WHERE schedule_id = :schedule AND state = 'failed'
                AND at = ANY(CAST(:times AS timestamptz[]))
        """),
        {"schedule": schedule_id, "times": list(times)},
    )


async def add_gap(
    conn: AsyncConnection,
    schedule_id: UUID,
    *,
    first: datetime,
    last: datetime,
    times: int,
    reason: str,
) -> None:
    """Note times that did not fire; those that follow one another for one reason share a row."""
    where = {
        "schedule": schedule_id, "first": first, "last": last, "times": times, "reason": reason,
    }  # fmt: skip
    grown = await conn.execute(
        text("""
            UPDATE schedule_gaps g SET last_at = :last, times = g.times + :times
            WHERE g.schedule_id = :schedule AND g.reason = :reason
                AND g.first_at = (SELECT max(first_at) FROM schedule_gaps
                    WHERE schedule_id = :schedule)
                AND NOT EXISTS (SELECT FROM schedule_runs r WHERE r.schedule_id = :schedule
                    AND r.at > g.last_at AND r.at < :first)
        """),
        where,
    )
    if not grown.rowcount:
        await conn.execute(
            text("""
                INSERT INTO schedule_gaps AS g (schedule_id, first_at, last_at, times, reason)
                VALUES (:schedule, :first, :last, :times, :reason)
                ON CONFLICT (schedule_id, first_at) DO UPDATE SET last_at = excluded.last_at,
                    times = g.times + excluded.times
            """),
            where,
        )


async def latest(conn: AsyncConnection, schedule_id: UUID, most: int) -> Sequence[Row[Any]]:
    """Return the newest runs."""
    result = await conn.execute(
        text("""
            SELECT at, cause, state, reason, subject, fired_at FROM schedule_runs
            WHERE schedule_id = :schedule ORDER BY at DESC LIMIT :most
        """),
        {"schedule": schedule_id, "most": most},
    )
    return result.all()


async def since(
    conn: AsyncConnection, ids: Sequence[UUID], first: datetime, *, each: int
) -> Sequence[Row[Any]]:
    """Return the runs of schedules from a moment on, of each the newest so many."""
    result = await conn.execute(
        text("""
            SELECT s.id AS schedule_id, r.at, r.state, r.subject
            FROM unnest(CAST(:ids AS uuid[])) AS s(id)
            CROSS JOIN LATERAL (
                SELECT at, state, subject FROM schedule_runs
                WHERE schedule_id = s.id AND at >= :first ORDER BY at DESC LIMIT :each
            ) r
        """),
        {"ids": list(ids), "first": first, "each": each},
    )
    return result.all()


async def gaps_since(
    conn: AsyncConnection, ids: Sequence[UUID], first: datetime, *, each: int
) -> Sequence[Row[Any]]:
    """Return the gaps of schedules that begin from a moment on, of each the newest so many."""
    result = await conn.execute(
        text("""
            SELECT s.id AS schedule_id, g.first_at, g.times, g.reason
            FROM unnest(CAST(:ids AS uuid[])) AS s(id)
            CROSS JOIN LATERAL (
                SELECT first_at, times, reason FROM schedule_gaps
                WHERE schedule_id = s.id AND first_at >= :first ORDER BY first_at DESC LIMIT :each
            ) g
        """),
        {"ids": list(ids), "first": first, "each": each},
    )
    return result.all()


async def gaps(conn: AsyncConnection, schedule_id: UUID, most: int) -> Sequence[Row[Any]]:
    """Return the newest gaps, each with the sum of the times of all."""
    result = await conn.execute(
        text("""
            SELECT first_at, last_at, times, reason, sum(times) OVER () AS total
            FROM schedule_gaps WHERE schedule_id = :schedule ORDER BY first_at DESC LIMIT :most
        """),
        {"schedule": schedule_id, "most": most},
    )
    return result.all()


async def unfinished(conn: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Return which of these notifications are unfinished."""
    result = await conn.execute(
        text("""
            SELECT id FROM notifications
            WHERE id = ANY(CAST(:ids AS uuid[])) AND finished_at IS NULL
        """),
        {"ids": sorted(ids)},
    )
    return set(result.scalars().all())


async def purge(conn: AsyncConnection, *, days: int) -> None:
    """Forget what became of times long ago; what waits, is open or was made up for stays."""
    for statement in (
        "DELETE FROM schedule_runs WHERE NOT open AND cause <> 'backfill' AND"
        " fired_at < clock_timestamp() - make_interval(days => :days)",
        "DELETE FROM schedule_gaps WHERE"
        " last_at < clock_timestamp() - make_interval(days => :days)",
    ):
        await conn.execute(text(statement), {"days": days})
