"""Which profiles are in which groups."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection


async def replace(conn: AsyncConnection, profile_id: UUID, group_ids: Sequence[UUID]) -> None:
    """Put a profile into exactly these groups."""
    binds = {"profile": profile_id, "groups": sorted(set(group_ids))}
    await conn.execute(
        text("""
            DELETE FROM profile_groups
            WHERE profile_id = :profile AND group_id <> ALL(CAST(:groups AS uuid[]))
        """),
        binds,
    )
    await conn.execute(
        text("""
            INSERT INTO profile_groups (profile_id, group_id)
            SELECT :profile, id FROM groups WHERE id = ANY(CAST(:groups AS uuid[]))
            ORDER BY id FOR KEY SHARE ON CONFLICT DO NOTHING
        """),
        binds,
    )


async def of_profiles(conn: AsyncConnection, profile_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the groups of profiles, by name."""
    result = await conn.execute(
        text("""
            SELECT pg.profile_id, g.id, g.name
            FROM profile_groups pg JOIN groups g ON g.id = pg.group_id
            WHERE pg.profile_id = ANY(CAST(:ids AS uuid[])) ORDER BY g.name
        """),
        {"ids": list(profile_ids)},
    )
    return result.all()
