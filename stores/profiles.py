"""Profiles in PostgreSQL: who can be told something, and where."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.addresses import listed
from domain.recipient import Recipient
from domain.vocabulary import Channel

FIELDS = ("external_id", "name", "email", "phone", "telegram", "whatsapp", "locale", "timezone")
_SELECT = f"""
    SELECT p.id, p.module_id, m.key AS module_key, {", ".join(f"p.{name}" for name in FIELDS)},
        p.attributes, p.addresses, p.active, p.user_name, p.scim, p.created_at, p.updated_at,
        p.version
    FROM profiles p JOIN modules m ON m.id = p.module_id
"""  # noqa: S608 - only constants are put together


def beside(table: str, channel: Channel | str, key: str) -> str:
    """Return the condition that a profile has an address on a channel beside its primary one;
    `key` is SQL for the address as it is compared. The partial index answers it.
    """
    wanted = f"jsonb_build_array(jsonb_build_object('channel', '{channel}', 'key', {key}))"
    return f"({table}.addresses <> '[]' AND {table}.addresses @> {wanted})"


def _having(condition: str, name: str, channel: Channel) -> str:
    """Return that a profile has an address as its primary one or beside it, index by index."""
    return f"""
        p.id IN (SELECT id FROM profiles WHERE {condition} UNION ALL
            SELECT o.id FROM unnest(CAST(:{name} AS text[])) wanted JOIN profiles o
                ON {beside("o", channel, "wanted")})"""  # noqa: S608 - only constants


FILTERS: Mapping[str, str] = {
    "module_id": "p.module_id = :module_id",
    "external_ids": "p.external_id = ANY(CAST(:external_ids AS text[]))",
    "emails": _having("lower(email) = ANY(CAST(:emails AS text[]))", "emails", Channel.EMAIL),
    "phones": _having("phone = ANY(CAST(:phones AS text[]))", "phones", Channel.SMS),
    "groups": """
        EXISTS (SELECT 1 FROM profile_groups pg JOIN groups g ON g.id = pg.group_id
            WHERE pg.profile_id = p.id AND (g.name = ANY(CAST(:groups AS text[]))
                OR g.id::text = ANY(CAST(:groups AS text[]))))""",
    "group_id": """
        EXISTS (SELECT 1 FROM profile_groups pg
            WHERE pg.profile_id = p.id AND pg.group_id = :group_id)""",
    "before": "p.id < :before",
    "q": """
        profile_words(p.name, p.email, p.phone, p.telegram, p.whatsapp, p.external_id, p.addresses)
            @@ words_query(:q)""",
}
"""The conditions that a list may be narrowed by, each with its bind; besides `attributes_0`, …"""

_HOLDS = "p.attributes @> ANY(CAST(:{name} AS jsonb[]))"


async def get(
    conn: AsyncConnection, id: UUID, module_id: UUID | None, *, lock: bool = False
) -> Row[Any] | None:
    """Return a profile; None when there is none or it is another module's."""
    locked = "FOR UPDATE OF p" if lock else ""
    result = await conn.execute(
        text(
            f"{_SELECT} WHERE p.id = :id"
            f" AND (CAST(:module AS uuid) IS NULL OR p.module_id = :module) {locked}"
        ),
        {"id": id, "module": module_id},
    )
    return result.one_or_none()


async def find(
    conn: AsyncConnection, filters: Mapping[str, Any], *, most: int
) -> Sequence[Row[Any]]:
    """Return profiles that pass all filters (keys of FILTERS), newest first.

    `attributes_<number>` are lists of documents; one of each must be in a profile's attributes.
    """
    conditions = "".join(
        f" AND ({FILTERS.get(name) or _HOLDS.format(name=name)})" for name in filters
    )
    statement = text(f"{_SELECT} WHERE true{conditions} ORDER BY p.id DESC LIMIT :most")
    return (await conn.execute(statement, {**filters, "most": most})).all()


async def add(conn: AsyncConnection, id: UUID, module_id: UUID, fields: Mapping[str, Any]) -> bool:
    """Insert a profile; False when its external_id is taken. `fields` holds FIELDS,
    attributes, addresses.
    """
    result = await conn.execute(
        text(f"""
            INSERT INTO profiles (id, module_id, attributes, addresses, {", ".join(FIELDS)})
            VALUES (:id, :module, CAST(:attributes AS jsonb), CAST(:addresses AS jsonb),
                :{", :".join(FIELDS)})
            ON CONFLICT (module_id, external_id) DO NOTHING RETURNING id
        """),  # noqa: S608
        {"id": id, "module": module_id, **fields},
    )
    return result.one_or_none() is not None


async def change(conn: AsyncConnection, id: UUID, fields: Mapping[str, Any]) -> None:
    """Replace what is known of a profile; `fields` holds FIELDS, attributes and addresses."""
    assigned = ", ".join(f"{name} = :{name}" for name in FIELDS)
    await conn.execute(
        text(f"""
            UPDATE profiles SET {assigned}, attributes = CAST(:attributes AS jsonb),
                addresses = CAST(:addresses AS jsonb), updated_at = clock_timestamp(),
                version = version + 1
            WHERE id = :id
        """),  # noqa: S608
        {"id": id, **fields},
    )


async def keep_addresses(
    conn: AsyncConnection, id: UUID, addresses: Sequence[Mapping[str, Any]]
) -> None:
    """Replace what is kept of a profile's addresses beside the plain fields."""
    await conn.execute(
        text("""
            UPDATE profiles SET addresses = CAST(:addresses AS jsonb),
                updated_at = clock_timestamp(), version = version + 1
            WHERE id = :id
        """),
        {"id": id, "addresses": list(addresses)},
    )


async def touch(conn: AsyncConnection, id: UUID) -> None:
    """Note that something that belongs to a profile was changed."""
    await conn.execute(
        text("""
            UPDATE profiles SET updated_at = clock_timestamp(), version = version + 1
            WHERE id = :id
        """),
        {"id": id},
    )


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Erase a profile with its devices and memberships."""
    await conn.execute(text("DELETE FROM profiles WHERE id = :id"), {"id": id})


async def find_ids(
    conn: AsyncConnection, module_id: UUID, ids: Sequence[UUID], external_ids: Sequence[str]
) -> tuple[set[UUID], dict[str, UUID]]:
    """Return which ids are profiles of the module, and the profiles of external ids."""
    result = await conn.execute(
        text("""
            SELECT id, external_id FROM profiles
            WHERE module_id = :module AND (id = ANY(CAST(:ids AS uuid[]))
                OR external_id = ANY(CAST(:external AS text[])))
        """),
        {"module": module_id, "ids": list(ids), "external": list(external_ids)},
    )
    rows = result.all()
    wanted = set(external_ids)
    return (
        {row.id for row in rows} & set(ids),
        {row.external_id: row.id for row in rows if row.external_id in wanted},
    )


async def load_recipients(
    conn: AsyncConnection, profile_ids: Sequence[UUID]
) -> dict[UUID, Recipient]:
    """Return the present addresses of profiles; erased ones are left out."""
    result = await conn.execute(
        text(f"""
            SELECT p.id, {", ".join(f"p.{name}" for name in FIELDS)}, p.addresses,
                array_remove(array_agg(d.address ORDER BY d.id)
                    FILTER (WHERE d.channel = '{Channel.PUSH}'), NULL) AS push,
                array_remove(array_agg(d.address ORDER BY d.id)
                    FILTER (WHERE d.channel = '{Channel.WEBPUSH}'), NULL) AS webpush,
                jsonb_object_agg(d.address, jsonb_strip_nulls(jsonb_build_object(
                    'platform', d.platform, 'keys', d.subscription->'keys')))
                    FILTER (WHERE d.id IS NOT NULL) AS targets
            FROM profiles p LEFT JOIN profile_devices d ON d.profile_id = p.id
            WHERE p.id = ANY(CAST(:ids AS uuid[])) GROUP BY p.id
        """),  # noqa: S608
        {"ids": list(profile_ids)},
    )
    return {row.id: _recipient(row) for row in result}


def _recipient(row: Row[Any]) -> Recipient:
    fields = {name: getattr(row, name) for name in FIELDS}
    return Recipient(
        profile_id=row.id,
        push=tuple(row.push or ()),
        webpush=tuple(row.webpush or ()),
        targets=row.targets or {},
        listed=tuple(listed(fields, row.addresses)) if row.addresses else (),
        **fields,
    )
