"""Partials: pieces that templates of a module share, in PostgreSQL."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS = "id, module_id, key, source, locales, author, note, created_at, updated_at, version"


async def find(
    conn: AsyncConnection, module_id: UUID, *, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return a module's partials, newest first."""
    result = await conn.execute(
        text(f"""
            SELECT {_COLUMNS} FROM partials WHERE module_id = :module
                AND (CAST(:before AS uuid) IS NULL OR id < :before)
            ORDER BY id DESC LIMIT :most
        """),  # noqa: S608
        {"module": module_id, "before": before, "most": most},
    )
    return result.all()


async def load(
    conn: AsyncConnection, module_id: UUID, keys: Collection[str]
) -> dict[str, Row[Any]]:
    """Return a module's partials by key; those that are not there are left out."""
    result = await conn.execute(
        text(f"""
            SELECT {_COLUMNS} FROM partials
            WHERE module_id = :module AND key = ANY(CAST(:keys AS text[]))
        """),  # noqa: S608
        {"module": module_id, "keys": sorted(keys)},
    )
    return {row.key: row for row in result}


async def add(conn: AsyncConnection, partial: Mapping[str, Any]) -> bool:
    """Insert id, module_id, key, source, locales, author, note; False when the key is taken."""
    result = await conn.execute(
        text("""
            INSERT INTO partials (id, module_id, key, source, locales, author, note)
            VALUES (:id, :module_id, :key, :source, CAST(:locales AS jsonb), :author, :note)
            ON CONFLICT (module_id, key) DO NOTHING RETURNING id
        """),
        partial,
    )
    return result.one_or_none() is not None


async def replace(conn: AsyncConnection, id: UUID, partial: Mapping[str, Any]) -> None:
    """Replace source, locales, author and note."""
    await conn.execute(
        text("""
            UPDATE partials SET source = :source, locales = CAST(:locales AS jsonb),
                author = :author, note = :note, version = version + 1,
                updated_at = clock_timestamp()
            WHERE id = :id
        """),
        {**partial, "id": id},
    )


async def delete(conn: AsyncConnection, id: UUID) -> None:
    """Remove a partial; what was published with it keeps its words."""
    await conn.execute(text("DELETE FROM partials WHERE id = :id"), {"id": id})


async def find_users(conn: AsyncConnection, module_id: UUID, key: str) -> Sequence[Row[Any]]:
    """Return (key, version, published, partial_version) of templates whose newest or published
    version uses a partial, and the partial's version that was frozen there.
    """
    result = await conn.execute(
        text("""
            SELECT t.key, v.version, v.version = t.published_version AS published,
                CAST(v.partials ->> CAST(:key AS text) AS int) AS partial_version
            FROM templates t JOIN template_versions v ON v.template_id = t.id
                AND v.version IN (t.latest_version, t.published_version)
            WHERE t.module_id = :module AND t.archived_at IS NULL
                AND v.uses @> ARRAY[CAST(:key AS text)]
            ORDER BY t.key, v.version
        """),
        {"module": module_id, "key": key},
    )
    return result.all()
