"""Audiences in PostgreSQL; what they select is sealed, since it may hold secrets and addresses."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_SELECT = """
    SELECT a.id, a.module_id, m.key AS module_key, a.name, a.kind, a.definition, a.uses,
        a.created_at, a.updated_at, a.version
    FROM audiences a JOIN modules m ON m.id = a.module_id
"""


async def get(
    conn: AsyncConnection, id: UUID, module_id: UUID | None, *, lock: bool = False
) -> Row[Any] | None:
    """Return an audience; None when there is none or it is another module's."""
    locked = "FOR UPDATE OF a" if lock else ""
    owned = "a.id = :id AND (CAST(:module AS uuid) IS NULL OR a.module_id = :module)"
    result = await conn.execute(
        text(f"{_SELECT} WHERE {owned} {locked}"), {"id": id, "module": module_id}
    )
    return result.one_or_none()


async def find(
    conn: AsyncConnection, *, module_id: UUID | None, kinds: Sequence[str], names: Sequence[str],
    q: str | None, before: UUID | None, most: int,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return audiences, newest first; `q` is an ILIKE pattern, no names or kinds mean any."""
    result = await conn.execute(
        text(f"""
            {_SELECT}
            WHERE (CAST(:module AS uuid) IS NULL OR a.module_id = :module)
                AND (cardinality(CAST(:names AS text[])) = 0 OR a.name = ANY(:names))
                AND (cardinality(CAST(:kinds AS text[])) = 0 OR a.kind = ANY(:kinds))
                AND (CAST(:q AS text) IS NULL OR a.name ILIKE :q)
                AND (CAST(:before AS uuid) IS NULL OR a.id < :before)
            ORDER BY a.id DESC LIMIT :most
        """),
        {
            "module": module_id, "names": list(names), "kinds": list(kinds), "q": q,
            "before": before, "most": most,
        },
    )  # fmt: skip
    return result.all()


async def add(conn: AsyncConnection, id: UUID, module_id: UUID, fields: Mapping[str, Any]) -> bool:
    """Insert an audience of `fields` (name, kind, definition, uses); False for a taken name."""
    result = await conn.execute(
        text("""
            INSERT INTO audiences (id, module_id, name, kind, definition, uses)
            VALUES (:id, :module, :name, :kind, :definition, CAST(:uses AS uuid[]))
            ON CONFLICT (module_id, name) DO NOTHING RETURNING id
        """),
        {"id": id, "module": module_id, **fields},
    )
    return result.one_or_none() is not None


async def change(conn: AsyncConnection, id: UUID, fields: Mapping[str, Any]) -> None:
    """Replace an audience's `fields` (name, kind, definition, uses)."""
    await conn.execute(
        text("""
            UPDATE audiences SET name = :name, kind = :kind, definition = :definition,
                uses = CAST(:uses AS uuid[]), updated_at = clock_timestamp(),
                version = version + 1 WHERE id = :id
        """),
        {"id": id, **fields},
    )


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Remove an audience; its snapshots stay."""
    await conn.execute(text("DELETE FROM audiences WHERE id = :id"), {"id": id})


async def load_definitions(
    conn: AsyncConnection, module_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Row[Any]]:
    """Return those of the audiences that are the module's, and all that they use, locked against
    being removed meanwhile.
    """
    result = await conn.execute(
        text("""
            WITH RECURSIVE used AS (
                SELECT id FROM audiences
                WHERE module_id = :module AND id = ANY(CAST(:ids AS uuid[]))
                UNION
                SELECT a.id FROM used u JOIN audiences o ON o.id = u.id
                    JOIN audiences a ON a.id = ANY(o.uses) AND a.module_id = :module
            )
            SELECT id, name, kind, definition, uses FROM audiences
            WHERE id IN (SELECT id FROM used) ORDER BY id FOR KEY SHARE
        """),
        {"module": module_id, "ids": list(ids)},
    )
    return {row.id: row for row in result}


async def users_of(conn: AsyncConnection, id: UUID) -> Sequence[str]:
    """Return the names of the audiences that use one."""
    result = await conn.execute(
        text("SELECT name FROM audiences WHERE uses @> ARRAY[CAST(:id AS uuid)] ORDER BY name"),
        {"id": id},
    )
    return result.scalars().all()


async def lock_module(conn: AsyncConnection, module_id: UUID) -> None:
    """Let only one change of a module's audiences run at a time, so that none makes a circle."""
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"),
        {"key": f"audiences {module_id}"},
    )
