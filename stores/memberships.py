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


_MOVE = text("""
    WITH locked AS (
        SELECT id FROM profiles
        WHERE id = ANY(CAST(:joining AS uuid[])) OR id = ANY(CAST(:leaving AS uuid[]))
        ORDER BY id FOR NO KEY UPDATE
    ), kept AS (
        SELECT id FROM groups WHERE id = :group FOR KEY SHARE
    ), gone AS (
        DELETE FROM profile_groups pg USING locked
        WHERE pg.group_id = :group AND pg.profile_id = locked.id
            AND pg.profile_id = ANY(CAST(:leaving AS uuid[]))
        RETURNING pg.profile_id
    ), come AS (
        INSERT INTO profile_groups (profile_id, group_id)
        SELECT locked.id, kept.id FROM locked CROSS JOIN kept
        WHERE locked.id = ANY(CAST(:joining AS uuid[]))
        ON CONFLICT DO NOTHING RETURNING profile_id
    ), moved AS (
        SELECT profile_id FROM gone UNION ALL SELECT profile_id FROM come
    ), touched AS (
        UPDATE profiles p SET updated_at = clock_timestamp(), version = p.version + 1
        FROM moved WHERE p.id = moved.profile_id
    )
    SELECT (SELECT count(*) FROM come) AS joined, (SELECT count(*) FROM gone) AS gone
""")


async def move(
    conn: AsyncConnection, group_id: UUID, joining: Sequence[UUID], leaving: Sequence[UUID]
) -> dict[str, int]:
    """Put profiles into a group and take others out of it; return how many {joined, left}."""
    binds = {"group": group_id, "joining": list(joining), "leaving": list(leaving)}
    row = (await conn.execute(_MOVE, binds)).one()
    return {"joined": row.joined, "left": row.gone}
