"""Imports of profiles: files kept in chunks until the control lane has worked on each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import floor_id

_SELECT = """
    SELECT i.*, m.key AS module_key FROM imports i JOIN modules m ON m.id = i.module_id
"""

_CHUNK = text("""
    INSERT INTO import_chunks (import_id, number, lines, rows)
    SELECT id, chunks, CAST(:lines AS bigint[]), CAST(:rows AS bytea[])
    FROM imports WHERE id = :id
""")

_HEARD = text("""
    UPDATE imports SET chunks = chunks + :chunks, rows = rows + :rows, bytes = :bytes,
        rejected = rejected + :rejected, heard_at = clock_timestamp()
    WHERE id = :id AND state = 'uploading' RETURNING id
""")

_REJECT = text("""
    INSERT INTO import_rejections (import_id, line, errors, row)
    SELECT :id, r.line, r.errors, decode(r.row, 'hex')
    FROM json_to_recordset(CAST(:rows AS json)) AS r(line bigint, errors jsonb, row text)
""")

_LOCK_NEXT = text("""
    SELECT i.* FROM imports i WHERE i.finished_at IS NULL AND i.state IN ('waiting', 'running')
    ORDER BY i.id LIMIT 1 FOR UPDATE SKIP LOCKED
""")

_MOVE = text("""
    WITH gone AS (
        DELETE FROM import_chunks WHERE import_id = :id AND number = :number
    )
    UPDATE imports SET state = 'running', started_at = coalesce(started_at, clock_timestamp()),
        created = created + :created, updated = updated + :updated,
        unchanged = unchanged + :unchanged, rejected = rejected + :rejected,
        heard_at = clock_timestamp()
    WHERE id = :id
""")

_END = text("""
    WITH gone AS (DELETE FROM import_chunks WHERE import_id = :id)
    UPDATE imports SET state = :state, detail = :detail, finished_at = clock_timestamp()
    WHERE id = :id AND finished_at IS NULL RETURNING id
""")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was refused: its line in the file, each wrong field, and what it says."""

    line: int
    errors: Sequence[Mapping[str, str]]
    row: bytes


async def add(conn: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Insert an import that is being uploaded: {id, module_id, actor, format, delimiter, columns}.

    `delimiter` and `columns` are those of a CSV file.
    """
    await conn.execute(
        text("""
            INSERT INTO imports (id, module_id, actor, format, delimiter, columns)
            VALUES (:id, :module_id, :actor, :format, :delimiter, CAST(:columns AS text[]))
        """),
        dict(row),
    )


async def add_chunk(
    conn: AsyncConnection,
    id: UUID,
    lines: Sequence[int],
    rows: Sequence[bytes],
    *,
    bytes: int,
    rejected: int,
) -> bool:
    """Keep rows and the lines they begin on; False when the import takes no more.

    `bytes` is how much of the file was read so far, `rejected` how many rows were refused since
    the chunk before.
    """
    if rows:
        await conn.execute(_CHUNK, {"id": id, "lines": list(lines), "rows": list(rows)})
    heard = await conn.execute(
        _HEARD,
        {
            "id": id, "chunks": 1 if rows else 0, "rows": len(rows) + rejected, "bytes": bytes,
            "rejected": rejected,
        },
    )  # fmt: skip
    return heard.one_or_none() is not None


async def reject(conn: AsyncConnection, id: UUID, rejections: Sequence[Rejection]) -> None:
    """Keep refused rows with their reasons."""
    if rejections:
        rows = [
            {"line": one.line, "errors": list(one.errors), "row": one.row.hex()}
            for one in rejections
        ]
        await conn.execute(_REJECT, {"id": id, "rows": rows})


async def uploaded(conn: AsyncConnection, id: UUID) -> None:
    """Note that the file is complete, so that work on it can begin."""
    await conn.execute(
        text("UPDATE imports SET state = 'waiting' WHERE id = :id AND state = 'uploading'"),
        {"id": id},
    )


async def lock_next(conn: AsyncConnection) -> Row[Any] | None:
    """Lock the oldest import that nobody works on; it stays locked until the transaction ends."""
    return (await conn.execute(_LOCK_NEXT)).one_or_none()


async def first_chunk(conn: AsyncConnection, id: UUID) -> Row[Any] | None:
    """Return the first chunk that is left: number, lines, rows."""
    result = await conn.execute(
        text("""
            SELECT number, lines, rows FROM import_chunks WHERE import_id = :id
            ORDER BY number LIMIT 1
        """),
        {"id": id},
    )
    return result.one_or_none()


async def move(conn: AsyncConnection, id: UUID, number: int, counts: Mapping[str, int]) -> None:
    """Drop a chunk that is done, and count {created, updated, unchanged, rejected}."""
    await conn.execute(_MOVE, {"id": id, "number": number, **counts})


async def end(conn: AsyncConnection, id: UUID, state: str, detail: str = "") -> bool:
    """End an import and drop what is left of its file; False when it was at an end already."""
    ended = await conn.execute(_END, {"id": id, "state": state, "detail": detail})
    return ended.one_or_none() is not None


async def end_abandoned(conn: AsyncConnection, *, seconds: float, detail: str) -> Sequence[UUID]:
    """End uploads of which nothing was heard for so long, and return them."""
    result = await conn.execute(
        text("""
            SELECT id FROM imports WHERE state = 'uploading'
                AND heard_at < clock_timestamp() - make_interval(secs => :seconds)
            ORDER BY id FOR UPDATE SKIP LOCKED
        """),
        {"seconds": seconds},
    )
    found = [row.id for row in result]
    for id in found:
        await end(conn, id, "failed", detail)
    return found


async def get(
    conn: AsyncConnection, id: UUID, module_id: UUID | None, *, lock: bool = False
) -> Row[Any] | None:
    """Return an import; None when there is none or it is another module's."""
    locked = "FOR UPDATE OF i" if lock else ""
    result = await conn.execute(
        text(
            f"{_SELECT} WHERE i.id = :id"
            f" AND (CAST(:module AS uuid) IS NULL OR i.module_id = :module) {locked}"
        ),
        {"id": id, "module": module_id},
    )
    return result.one_or_none()


async def find(
    conn: AsyncConnection, module_id: UUID | None, *, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return imports, newest first."""
    result = await conn.execute(
        text(f"""
            {_SELECT} WHERE (CAST(:module AS uuid) IS NULL OR i.module_id = :module)
                AND (CAST(:before AS uuid) IS NULL OR i.id < :before)
            ORDER BY i.id DESC LIMIT :most
        """),
        {"module": module_id, "before": before, "most": most},
    )
    return result.all()


async def rejections(
    conn: AsyncConnection, id: UUID, *, after: int, most: int
) -> Sequence[Row[Any]]:
    """Return refused rows behind a line, in the order of the file: line, errors, row."""
    result = await conn.execute(
        text("""
            SELECT line, errors, row FROM import_rejections
            WHERE import_id = :id AND line > :after ORDER BY line LIMIT :most
        """),
        {"id": id, "after": after, "most": most},
    )
    return result.all()


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Remove an import with what is left of its file and its refused rows."""
    await conn.execute(text("DELETE FROM imports WHERE id = :id"), {"id": id})


async def purge(conn: AsyncConnection, *, days: int) -> int:
    """Remove imports that began more than `days` ago and are at an end; return how many."""
    result = await conn.execute(
        text("DELETE FROM imports WHERE id < :oldest AND finished_at IS NOT NULL"),
        {"oldest": floor_id(datetime.now(UTC) - timedelta(days=days))},
    )
    return int(result.rowcount)
