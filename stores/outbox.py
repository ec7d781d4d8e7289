"""The sealed outbox: committed events become numbered batches; consumers keep cursors."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from stores.ledger.events import expand

_LOCK = 0x70C51B  # any constant of its own: one sealer at a time

_SEAL = text("""
    WITH taken AS (
        DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT :most)
        RETURNING id, events
    ), gathered AS (
        SELECT jsonb_agg(e.event ORDER BY t.id, e.n) AS events
        FROM taken t, jsonb_array_elements(t.events) WITH ORDINALITY AS e(event, n)
    )
    INSERT INTO outbox_batches (seq, events)
    SELECT coalesce((SELECT max(seq) FROM outbox_batches),
        (SELECT max(seq) FROM outbox_cursors), 0) + 1, events
    FROM gathered WHERE events IS NOT NULL
    RETURNING seq
""")


async def seal(conn: AsyncConnection, *, most: int = 500) -> int | None:
    """Seal one batch and return its number; None when there is nothing or another one seals.

    Deleting what a snapshot shows cannot skip a late commit: that row is there for a later batch.
    """
    free = await conn.execute(text("SELECT pg_try_advisory_xact_lock(:n)"), {"n": _LOCK})
    if not free.scalar_one():
        return None
    seq: int | None = (await conn.execute(_SEAL, {"most": most})).scalar_one_or_none()
    return seq


@dataclass(frozen=True, slots=True)
class Batch:
    """A sealed batch: its number, when it was sealed, and its events by chunks."""

    seq: int
    sealed_at: datetime
    chunks: list[dict[str, Any]]

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events one by one, which costs more than to pass them over."""
        return [one for chunk in self.chunks for one in expand(chunk)]


async def read_batches(conn: AsyncConnection, *, after: int, most: int = 100) -> list[Batch]:
    """Return sealed batches after a number, oldest first."""
    result = await conn.execute(
        text("""
            SELECT seq, sealed_at, events FROM outbox_batches WHERE seq > :after
            ORDER BY seq LIMIT :most
        """),
        {"after": after, "most": most},
    )
    return [Batch(row.seq, row.sealed_at, row.events) for row in result.all()]


async def newest_batch(conn: AsyncConnection) -> int:
    """Return the number of the newest sealed batch; 0 when there is none."""
    result = await conn.execute(text("SELECT coalesce(max(seq), 0) FROM outbox_batches"))
    return int(result.scalar_one())


async def cursor(conn: AsyncConnection, consumer: str) -> int:
    """Return the last batch that a consumer has finished."""
    result = await conn.execute(
        text("SELECT seq FROM outbox_cursors WHERE consumer = :consumer"), {"consumer": consumer}
    )
    return int(result.scalar_one_or_none() or 0)


async def lock_cursor(conn: AsyncConnection, consumer: str) -> int | None:
    """Return the last batch that a consumer has finished, for this transaction alone.

    None while another transaction of the same consumer runs. A new consumer begins with the
    batches that are still there.
    """
    await conn.execute(
        text("""
            INSERT INTO outbox_cursors (consumer, seq) SELECT CAST(:consumer AS text), 0
            WHERE NOT EXISTS (SELECT 1 FROM outbox_cursors WHERE consumer = :consumer)
            ON CONFLICT DO NOTHING
        """),
        {"consumer": consumer},
    )
    result = await conn.execute(
        text("SELECT seq FROM outbox_cursors WHERE consumer = :consumer FOR UPDATE SKIP LOCKED"),
        {"consumer": consumer},
    )
    seq: int | None = result.scalar_one_or_none()
    return seq


async def move_cursor(conn: AsyncConnection, consumer: str, seq: int) -> None:
    """Note that a consumer has finished a batch; a cursor never goes back."""
    await conn.execute(
        text("""
            INSERT INTO outbox_cursors AS c (consumer, seq) VALUES (:consumer, :seq)
            ON CONFLICT (consumer) DO UPDATE SET seq = greatest(c.seq, excluded.seq),
                moved_at = clock_timestamp()
        """),
        {"consumer": consumer, "seq": seq},
    )


async def purge(conn: AsyncConnection, *, days: int) -> int:
    """Remove batches older than `days` that every consumer has finished; return how many.

    The newest batch stays, since it carries the numbering.
    """
    result = await conn.execute(
        text("""
            DELETE FROM outbox_batches
            WHERE sealed_at < clock_timestamp() - make_interval(days => :days)
                AND seq <= coalesce((SELECT min(seq) FROM outbox_cursors), seq)
                AND seq < (SELECT max(seq) FROM outbox_batches)
        """),
        {"days": days},
    )
    return int(result.rowcount)
