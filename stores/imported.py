"""Many profiles written at once, as imports do: each statement takes a whole chunk."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from stores.profiles import FIELDS

_COLUMNS = ", ".join(FIELDS)
_TYPED = (
    f"id uuid, {', '.join(f'{name} text' for name in FIELDS)}, attributes jsonb, addresses jsonb"
)

_PRESENT = text(f"""
    SELECT id, {_COLUMNS}, attributes, addresses FROM profiles
    WHERE module_id = :module AND external_id = ANY(CAST(:external AS text[]))
    ORDER BY external_id FOR UPDATE
""")  # noqa: S608 - only constants are put together

_ADD = text(f"""
    INSERT INTO profiles (id, module_id, {_COLUMNS}, attributes, addresses)
    SELECT r.id, :module, {", ".join(f"r.{name}" for name in FIELDS)}, r.attributes, r.addresses
    FROM json_to_recordset(CAST(:rows AS json)) AS r({_TYPED})
    ORDER BY r.external_id ON CONFLICT (module_id, external_id) DO NOTHING
""")  # noqa: S608

_CHANGE = text(f"""
    UPDATE profiles p SET {", ".join(f"{name} = r.{name}" for name in FIELDS)},
        attributes = r.attributes, addresses = r.addresses, updated_at = clock_timestamp(),
        version = p.version + 1
    FROM json_to_recordset(CAST(:rows AS json)) AS r({_TYPED})
    WHERE p.id = r.id
""")  # noqa: S608

_WANTED = "unnest(CAST(:profiles AS uuid[]), CAST(:groups AS uuid[])) AS w(profile_id, group_id)"

_LEAVE = text(f"""
    DELETE FROM profile_groups pg
    WHERE pg.profile_id = ANY(CAST(:replaced AS uuid[])) AND NOT EXISTS (
        SELECT 1 FROM {_WANTED}
        WHERE w.profile_id = pg.profile_id AND w.group_id = pg.group_id)
    RETURNING pg.profile_id
""")  # noqa: S608

_JOIN = text(f"""
    INSERT INTO profile_groups (profile_id, group_id)
    SELECT w.profile_id, g.id FROM {_WANTED} JOIN groups g ON g.id = w.group_id
    ORDER BY g.id, w.profile_id FOR KEY SHARE OF g
    ON CONFLICT DO NOTHING RETURNING profile_id
""")  # noqa: S608


async def lock_present(
    conn: AsyncConnection, module_id: UUID, external_ids: Sequence[str]
) -> dict[str, Row[Any]]:
    """Lock the profiles of external ids and return what is known of them."""
    result = await conn.execute(
        _PRESENT, {"module": module_id, "external": sorted(set(external_ids))}
    )
    return {row.external_id: row for row in result}


async def add(conn: AsyncConnection, module_id: UUID, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert profiles, given as {id, attributes, addresses} and FIELDS; return how many are new.

    One whose external_id somebody took meanwhile is left out.
    """
    if not rows:
        return 0
    added = await conn.execute(_ADD, {"module": module_id, "rows": list(rows)})
    return int(added.rowcount)


async def change(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace what is known of profiles, given as {id, attributes, addresses} and FIELDS."""
    if rows:
        await conn.execute(_CHANGE, {"rows": list(rows)})


async def replace_groups(conn: AsyncConnection, wanted: Mapping[UUID, Sequence[UUID]]) -> set[UUID]:
    """Put each profile into exactly its groups; return those for which that changes something."""
    pairs = sorted({(profile, group) for profile, many in wanted.items() for group in many})
    binds = {
        "replaced": sorted(wanted),
        "profiles": [profile for profile, _ in pairs],
        "groups": [group for _, group in pairs],
    }
    if not wanted:
        return set()
    left = await conn.execute(_LEAVE, binds)
    joined = await conn.execute(_JOIN, binds)
    return {row.profile_id for row in (*left, *joined)}
