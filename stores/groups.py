"""Groups of profiles in PostgreSQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import new_id

_SELECT = """
    SELECT g.id, g.module_id, m.key AS module_key, g.name, g.external_id, g.created_at,
        g.updated_at, g.version,
        (SELECT count(*) FROM profile_groups pg WHERE pg.group_id = g.id) AS profiles
    FROM groups g JOIN modules m ON m.id = g.module_id
"""


async def get(
    conn: AsyncConnection, id: UUID, module_id: UUID | None, *, lock: bool = False
) -> Row[Any] | None:
    """Return a group; None when there is none or it is another module's."""
    locked = "FOR UPDATE OF g" if lock else ""
    result = await conn.execute(
        text(
            f"{_SELECT} WHERE g.id = :id"
            f" AND (CAST(:module AS uuid) IS NULL OR g.module_id = :module) {locked}"
        ),
        {"id": id, "module": module_id},
    )
    return result.one_or_none()


async def find(
    conn: AsyncConnection,
    *,
    module_id: UUID | None,
    names: Sequence[str],
    q: str | None,
    before: UUID | None,
    most: int,
) -> Sequence[Row[Any]]:
    """Return groups, newest first; `q` is an ILIKE pattern, no names mean any."""
    result = await conn.execute(
        text(f"""
            {_SELECT}
            WHERE (CAST(:module AS uuid) IS NULL OR g.module_id = :module)
                AND (cardinality(CAST(:names AS text[])) = 0 OR g.name = ANY(:names))
                AND (CAST(:q AS text) IS NULL OR g.name ILIKE :q)
                AND (CAST(:before AS uuid) IS NULL OR g.id < :before)
            ORDER BY g.id DESC LIMIT :most
        """),
        {"module": module_id, "names": list(names), "q": q, "before": before, "most": most},
    )
    return result.all()


async def add(conn: AsyncConnection, id: UUID, module_id: UUID, name: str) -> bool:
    """Insert a group; False when the name is taken."""
    result = await conn.execute(
        text("""
            INSERT INTO groups (id, module_id, name) VALUES (:id, :module, :name)
            ON CONFLICT (module_id, name) DO NOTHING RETURNING id
        """),
        {"id": id, "module": module_id, "name": name},
    )
    return result.one_or_none() is not None


async def rename(conn: AsyncConnection, id: UUID, name: str) -> None:
    """Give a group another name."""
    await conn.execute(
        text("""
            UPDATE groups SET name = :name, updated_at = clock_timestamp(), version = version + 1
            WHERE id = :id
        """),
        {"id": id, "name": name},
    )


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Remove a group; its profiles stay."""
    await conn.execute(text("DELETE FROM groups WHERE id = :id"), {"id": id})


async def known_ids(conn: AsyncConnection, module_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of the ids that are groups of the module."""
    result = await conn.execute(
        text("SELECT id FROM groups WHERE module_id = :module AND id = ANY(CAST(:ids AS uuid[]))"),
        {"module": module_id, "ids": list(ids)},
    )
    return {row.id for row in result}


async def named(conn: AsyncConnection, module_id: UUID, names: Sequence[str]) -> dict[str, UUID]:
    """Return the groups of these names; those that are not there yet are made."""
    wanted = sorted(set(names))
    binds = {"module": module_id, "names": wanted, "ids": [new_id() for _ in wanted]}
    await conn.execute(
        text("""
            INSERT INTO groups (id, module_id, name)
            SELECT id, :module, name
            FROM unnest(CAST(:ids AS uuid[]), CAST(:names AS text[])) AS given (id, name)
            WHERE NOT EXISTS (SELECT 1 FROM groups g
                WHERE g.module_id = :module AND g.name = given.name)
            ORDER BY name ON CONFLICT (module_id, name) DO NOTHING
        """),
        binds,
    )
    result = await conn.execute(
        text("SELECT id, name FROM groups WHERE module_id = :module AND name = ANY(:names)"), binds
    )
    return {row.name: row.id for row in result}


async def find_id(
    conn: AsyncConnection, module_id: UUID, id: UUID | None, name: str
) -> UUID | None:
    """Return a module's group by its id or, without one, by its name."""
    result = await conn.execute(
        text("""
            SELECT id FROM groups WHERE module_id = :module
                AND CASE WHEN CAST(:id AS uuid) IS NULL THEN name = :name ELSE id = :id END
        """),
        {"module": module_id, "id": id, "name": name},
    )
    found: UUID | None = result.scalar_one_or_none()
    return found
