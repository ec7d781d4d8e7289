"""Seals committed lines of the audit log into its chain, and reads the chain to check it."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit_chain import Head, Line, Sealed, seal

_LINE: Final = "id, at, module_id, actor, action, subject, detail, mark, seq, previous, hash"


async def seal_next(conn: AsyncConnection, *, most: int = 500) -> int:
    """Seal committed lines in the order of their ids; return how many.

    The head's row lets one sealer work at a time; whoever finds it locked leaves the work to it.
    Writers take no lock: a line that commits late is sealed later, and never skipped.
    """
    locked = await conn.execute(
        text("SELECT seq, hash FROM audit_head FOR UPDATE SKIP LOCKED"),
    )
    found = locked.one_or_none()
    if found is None:
        return 0
    rows = await find_unsealed(conn, most=most)
    head, done = Head(found.seq, bytes(found.hash)), list[Sealed]()
    for row in rows:
        done.append(seal(head, line_of(row), mark_of(row)))
        head = Head(done[-1].seq, done[-1].hash)
    if done:
        await _keep(conn, done, head)
    return len(done)


async def _keep(conn: AsyncConnection, done: Sequence[Sealed], head: Head) -> None:
    await conn.execute(
        text("""
            UPDATE audit a SET seq = s.seq, previous = s.previous, hash = s.hash
            FROM unnest(CAST(:ids AS uuid[]), CAST(:seqs AS bigint[]),
                CAST(:previous AS bytea[]), CAST(:hashes AS bytea[]))
                AS s(id, seq, previous, hash)
            WHERE a.id = s.id AND a.seq IS NULL
        """),
        {
            "ids": [one.line.id for one in done], "seqs": [one.seq for one in done],
            "previous": [one.previous for one in done], "hashes": [one.hash for one in done],
        },
    )  # fmt: skip
    await conn.execute(
        text("UPDATE audit_head SET seq = :seq, hash = :hash, sealed_at = clock_timestamp()"),
        {"seq": head.seq, "hash": head.hash},
    )


async def read_head(conn: AsyncConnection) -> Row[Any] | None:
    """Return {seq, hash, sealed_at, unmarked}: where the chain ends, and how many lines at its
    beginning are older than marks; None when somebody took it away.
    """
    result = await conn.execute(text("SELECT seq, hash, sealed_at, unmarked FROM audit_head"))
    return result.one_or_none()


async def read_sealed(conn: AsyncConnection, *, after: int, most: int) -> Sequence[Row[Any]]:
    """Return sealed lines after a number, in the order of the chain."""
    result = await conn.execute(
        text(f"SELECT {_LINE} FROM audit WHERE seq > :after ORDER BY seq LIMIT :most"),  # noqa: S608
        {"after": after, "most": most},
    )
    return result.all()


async def find_unsealed(conn: AsyncConnection, *, most: int) -> Sequence[Row[Any]]:
    """Return lines that wait to be sealed, oldest first."""
    result = await conn.execute(
        text(f"SELECT {_LINE} FROM audit WHERE seq IS NULL ORDER BY id LIMIT :most"),  # noqa: S608
        {"most": most},
    )
    return result.all()


def line_of(row: Any) -> Line:
    """Return a stored line as the domain knows it."""
    return Line(row.id, row.at, row.module_id, row.actor, row.action, row.subject, row.detail)


def mark_of(row: Any) -> bytes | None:
    """Return a stored line's mark."""
    return None if row.mark is None else bytes(row.mark)


def sealed_of(row: Any) -> Sealed:
    """Return a stored line in its place; a hash that is gone reads as empty."""
    return Sealed(
        line_of(row), mark_of(row), row.seq, bytes(row.previous or b""), bytes(row.hash or b"")
    )
