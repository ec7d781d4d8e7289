"""Snapshots of audiences: who was in one at a moment."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_SELECT = """
    SELECT id, module_id, audience_id, audience_version, members, hash, created_at
    FROM audience_snapshots
"""


async def add(conn: AsyncConnection, id: UUID, audience: Row[Any]) -> None:
    """Insert a snapshot of an audience's row, without members yet; its hash is empty so long."""
    await conn.execute(
        text("""
            INSERT INTO audience_snapshots (id, module_id, audience_id, audience_version)
            VALUES (:id, :module, :audience, :version)
        """),
        {
            "id": id, "module": audience.module_id, "audience": audience.id,
            "version": audience.version,
        },
    )  # fmt: skip


async def get(conn: AsyncConnection, id: UUID) -> Row[Any]:
    """Return a snapshot."""
    return (await conn.execute(text(f"{_SELECT} WHERE id = :id"), {"id": id})).one()


async def find_one(
    conn: AsyncConnection, id: UUID, *, module_id: UUID | None, audience_id: UUID | None = None
) -> Row[Any] | None:
    """Return a complete snapshot, of a module or an audience where that is said, locked; None when
    there is no such one.
    """
    result = await conn.execute(
        text(f"""
            {_SELECT} WHERE id = :id AND hash <> ''
                AND (CAST(:module AS uuid) IS NULL OR module_id = :module)
                AND (CAST(:audience AS uuid) IS NULL OR audience_id = :audience)
            FOR UPDATE
        """),
        {"id": id, "module": module_id, "audience": audience_id},
    )
    return result.one_or_none()


async def find(
    conn: AsyncConnection,
    *,
    module_id: UUID | None,
    audience_id: UUID | None,
    orphans: bool,
    before: UUID | None,
    most: int,
) -> Sequence[Row[Any]]:
    """Return complete snapshots, newest first: of a module or an audience where that is said, or
    the `orphans` alone, whose audiences are gone.
    """
    result = await conn.execute(
        text(f"""
            {_SELECT} WHERE hash <> ''
                AND (CAST(:module AS uuid) IS NULL OR module_id = :module)
                AND (CAST(:audience AS uuid) IS NULL OR audience_id = :audience)
                AND (NOT :orphans OR audience_id IS NULL)
                AND (CAST(:before AS uuid) IS NULL OR id < :before)
            ORDER BY id DESC LIMIT :most
        """),
        {
            "module": module_id, "audience": audience_id, "orphans": orphans, "before": before,
            "most": most,
        },
    )  # fmt: skip
    return result.all()


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Remove a snapshot with its members."""
    await conn.execute(text("DELETE FROM audience_snapshots WHERE id = :id"), {"id": id})


async def find_members(
    conn: AsyncConnection, id: UUID, *, after: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return the members of a snapshot in the order of their keys: key, profile_id, member."""
    result = await conn.execute(
        text("""
            SELECT key, profile_id, member FROM audience_members
            WHERE snapshot_id = :id AND (CAST(:after AS uuid) IS NULL OR key > :after)
            ORDER BY key LIMIT :most
        """),
        {"id": id, "after": after, "most": most},
    )
    return result.all()
