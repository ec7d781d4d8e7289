"""Groups as identity providers see and write them; members are moved by sets."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.scim.expressions import Filter
from stores.scim_filters import GroupConditions

_SELECT = """
    SELECT g.id, g.module_id, g.name, g.external_id, g.created_at, g.updated_at, g.version
    FROM groups g
"""

_MEMBERS = text("""
    SELECT group_id, profile_id FROM profile_groups
    WHERE group_id = ANY(CAST(:ids AS uuid[])) ORDER BY group_id, profile_id
""")

_SIZES = text("""
    SELECT w.id, (SELECT count(*) FROM (SELECT 1 FROM profile_groups pg WHERE pg.group_id = w.id
        LIMIT :most) counted) AS members
    FROM unnest(CAST(:ids AS uuid[])) AS w(id)
""")

_JOIN = text("""
    INSERT INTO profile_groups (profile_id, group_id)
    SELECT p.id, :group FROM profiles p
    WHERE p.module_id = :module AND p.id = ANY(CAST(:ids AS uuid[]))
    ORDER BY p.id FOR KEY SHARE ON CONFLICT DO NOTHING
""")

_LEAVE = """
    DELETE FROM profile_groups pg USING (
        SELECT profile_id FROM profile_groups
        WHERE group_id = :group AND {which} ORDER BY profile_id FOR UPDATE
    ) gone
    WHERE pg.group_id = :group AND pg.profile_id = gone.profile_id
"""
_LEAVE_THESE = text(_LEAVE.format(which="profile_id = ANY(CAST(:ids AS uuid[]))"))
_LEAVE_OTHERS = text(_LEAVE.format(which="profile_id <> ALL(CAST(:ids AS uuid[]))"))


async def find(
    conn: AsyncConnection, module_id: UUID, filter: Filter | None, *, start: int, count: int
) -> tuple[int, Sequence[Row[Any]]]:
    """Return how many groups of a module pass a filter, and `count` of them from the `start`th on
    (from 1), oldest first; raises ScimRefusal for a filter that cannot be answered.
    """
    conditions = GroupConditions()
    where = "g.module_id = :module"
    if filter is not None:
        where += f" AND {conditions.of(filter)}"
    binds = {**conditions.binds, "module": module_id, "skipped": start - 1, "count": count}
    counted = await conn.execute(text(f"SELECT count(*) FROM groups g WHERE {where}"), binds)  # noqa: S608
    total = int(counted.scalar_one())
    if count == 0 or start > total:
        return total, []
    found = await conn.execute(
        text(f"{_SELECT} WHERE {where} ORDER BY g.id OFFSET :skipped LIMIT :count"), binds
    )
    return total, found.all()


async def sizes(conn: AsyncConnection, ids: Sequence[UUID], most: int) -> dict[UUID, int]:
    """Return how many members groups have; nobody counts further than `most`."""
    result = await conn.execute(_SIZES, {"ids": list(ids), "most": most})
    return {row.id: row.members for row in result}


async def members(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the members of groups: group_id, profile_id."""
    return (await conn.execute(_MEMBERS, {"ids": list(ids)})).all() if ids else []


async def change(conn: AsyncConnection, id: UUID, name: str, external_id: str | None) -> None:
    """Give a group a name and an external id, and note that it was changed."""
    await conn.execute(
        text("""
            UPDATE groups SET name = :name, external_id = :external,
                updated_at = clock_timestamp(), version = version + 1 WHERE id = :id
        """),
        {"id": id, "name": name, "external": external_id},
    )


async def identify(conn: AsyncConnection, id: UUID, external_id: str) -> None:
    """Give a new group its external id."""
    await conn.execute(
        text("UPDATE groups SET external_id = :external WHERE id = :id"),
        {"id": id, "external": external_id},
    )


async def join(
    conn: AsyncConnection, module_id: UUID, group_id: UUID, profile_ids: Iterable[UUID]
) -> int:
    """Put profiles of the module into a group; return how many were not in it."""
    binds = {"module": module_id, "group": group_id, "ids": sorted(profile_ids)}
    return int((await conn.execute(_JOIN, binds)).rowcount)


async def leave(
    conn: AsyncConnection, group_id: UUID, profile_ids: Iterable[UUID], *, others: bool = False
) -> int:
    """Take profiles out of a group, or with `others` everybody but these; return how many."""
    statement = _LEAVE_OTHERS if others else _LEAVE_THESE
    result = await conn.execute(statement, {"group": group_id, "ids": sorted(profile_ids)})
    return int(result.rowcount)
