"""Rotas in PostgreSQL: what they say, their members in order, and who stands in."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import decode, encode
from domain.rota import Override, Rota, Turn

_SELECT: Final = """
    SELECT r.*, m.key AS module_key FROM rotas r JOIN modules m ON m.id = r.module_id
"""
_MEMBERS = text("""
    SELECT rota_id, profile_id FROM rota_members
    WHERE rota_id = ANY(CAST(:ids AS uuid[])) ORDER BY rota_id, place
""")
_OVERRIDES = text("""
    SELECT rota_id, profile_id, start_at, end_at FROM rota_overrides
    WHERE rota_id = ANY(CAST(:ids AS uuid[])) ORDER BY rota_id, start_at, end_at, profile_id
""")
_NAMES = text("""
    SELECT id, coalesce(name, external_id, email, phone) AS name FROM profiles
    WHERE id = ANY(CAST(:ids AS uuid[]))
""")


async def add(conn: AsyncConnection, row: dict[str, Any], rota: Rota) -> None:
    """Insert a rota; raises IntegrityError when its name is taken."""
    await conn.execute(
        text("""
            INSERT INTO rotas (id, module_id, name, every, start, handover, timezone, created_by)
            VALUES (:id, :module_id, :name, :every, :start, :handover, :timezone, :created_by)
        """),
        {**row, **_said(rota)},
    )
    await _put_people(conn, row["id"], rota)


async def change(conn: AsyncConnection, id: UUID, name: str, rota: Rota) -> None:
    """Replace what a rota says; raises IntegrityError when its name is taken."""
    await conn.execute(
        text("""
            UPDATE rotas SET name = :name, every = :every, start = :start, handover = :handover,
                timezone = :timezone, updated_at = clock_timestamp(), version = version + 1
            WHERE id = :id
        """),
        {"id": id, "name": name, **_said(rota)},
    )
    await conn.execute(text("DELETE FROM rota_members WHERE rota_id = :id"), {"id": id})
    await conn.execute(text("DELETE FROM rota_overrides WHERE rota_id = :id"), {"id": id})
    await _put_people(conn, id, rota)


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Take a rota away; steps that name it reach nobody from now on."""
    await conn.execute(text("DELETE FROM rotas WHERE id = :id"), {"id": id})


async def get(
    conn: AsyncConnection,
    *,
    id: UUID | None,
    name: str,
    module_id: UUID,
    all_modules: bool = False,
    lock: bool = False,
) -> Row[Any] | None:
    """Return a rota by id or name; the own module's name comes first."""
    result = await conn.execute(
        text(f"""
            {_SELECT}
            WHERE (r.id = :id OR r.name = :name) AND (r.module_id = :module OR :all_modules)
            ORDER BY r.id = :id DESC NULLS LAST, r.module_id = :module DESC, r.id
            LIMIT 1 {"FOR UPDATE OF r" if lock else ""}
        """),
        {"id": id, "name": name, "module": module_id, "all_modules": all_modules},
    )
    return result.one_or_none()


async def find(
    conn: AsyncConnection, *, module_id: UUID | None, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return rotas, newest first: of a module, or of all."""
    result = await conn.execute(
        text(f"""
            {_SELECT}
            WHERE (CAST(:module AS uuid) IS NULL OR r.module_id = :module)
                AND (CAST(:before AS uuid) IS NULL OR r.id < :before)
            ORDER BY r.id DESC LIMIT :most
        """),
        {"module": module_id, "before": before, "most": most},
    )
    return result.all()


async def find_ids(
    conn: AsyncConnection, module_id: UUID, ids: Sequence[UUID], names: Sequence[str]
) -> tuple[set[UUID], dict[str, UUID]]:
    """Return which ids are rotas of the module, and the rotas of names."""
    result = await conn.execute(
        text("""
            SELECT id, name FROM rotas WHERE module_id = :module
                AND (id = ANY(CAST(:ids AS uuid[])) OR name = ANY(CAST(:names AS text[])))
        """),
        {"module": module_id, "ids": list(ids), "names": list(names)},
    )
    rows = result.all()
    return {row.id for row in rows} & set(ids), {row.name: row.id for row in rows}


async def load(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Rota]:
    """Return rotas by their ids as they are now; removed ones are left out."""
    if not ids:
        return {}
    found = await conn.execute(
        text("SELECT * FROM rotas WHERE id = ANY(CAST(:ids AS uuid[]))"), {"ids": sorted(set(ids))}
    )
    return await people_of(conn, found.all())


async def names_in(conn: AsyncConnection, escalation: Mapping[str, Any] | None) -> dict[str, str]:
    """Return what the rotas of stored steps are called now, by their public ids."""
    named = [one["rota"] for one in (escalation or {"steps": ()})["steps"] if one.get("rota")]
    if not named:
        return {}
    result = await conn.execute(
        text("SELECT id, name FROM rotas WHERE id = ANY(CAST(:ids AS uuid[]))"),
        {"ids": [decode("rot", one) for one in named]},
    )
    return {encode("rot", row.id): row.name for row in result}


async def people_of(conn: AsyncConnection, rows: Sequence[Row[Any]]) -> dict[UUID, Rota]:
    """Return rows as rotas with their members and overrides, by their ids."""
    ids = {"ids": [row.id for row in rows]}
    members: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for row in await conn.execute(_MEMBERS, ids):
        members[row.rota_id].append(row.profile_id)
    overrides: defaultdict[UUID, list[Override]] = defaultdict(list)
    for row in await conn.execute(_OVERRIDES, ids):
        overrides[row.rota_id].append(Override(row.profile_id, row.start_at, row.end_at))
    return {
        row.id: Rota(
            tuple(members[row.id]), Turn(row.every), row.start, row.handover, row.timezone,
            tuple(overrides[row.id]),
        )
        for row in rows
    }  # fmt: skip


async def names_of(conn: AsyncConnection, profile_ids: Sequence[UUID]) -> dict[UUID, str]:
    """Return what profiles are called, by their ids: by name, else by what is known of them."""
    result = await conn.execute(_NAMES, {"ids": sorted(set(profile_ids))})
    return {row.id: row.name or "" for row in result}


def _said(rota: Rota) -> dict[str, Any]:
    return {
        "every": rota.every.value, "start": rota.start, "handover": rota.handover,
        "timezone": rota.timezone,
    }  # fmt: skip


async def _put_people(conn: AsyncConnection, id: UUID, rota: Rota) -> None:
    await conn.execute(
        text("""
            INSERT INTO rota_members (rota_id, place, profile_id)
            SELECT :id, m.place, m.profile_id
            FROM unnest(CAST(:members AS uuid[])) WITH ORDINALITY AS m(profile_id, place)
        """),
        {"id": id, "members": list(rota.members)},
    )
    await conn.execute(
        text("""
            INSERT INTO rota_overrides (rota_id, profile_id, start_at, end_at)
            SELECT :id, o.profile_id, o.start_at, o.end_at
            FROM unnest(CAST(:profiles AS uuid[]), CAST(:starts AS timestamptz[]),
                CAST(:ends AS timestamptz[])) AS o(profile_id, start_at, end_at)
        """),
        {
            "id": id, "profiles": [one.profile_id for one in rota.overrides],
            "starts": [one.start_at for one in rota.overrides],
            "ends": [one.end_at for one in rota.overrides],
        },
    )  # fmt: skip
