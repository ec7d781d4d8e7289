"""Vendor accounts in PostgreSQL; their settings are sealed. Removed ones stay for their names."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

RULES: Final = (
    "name", "settings", "weight", "cost", "countries", "categories", "per_second", "slow_seconds",
    "slow_share", "enabled",
)  # fmt: skip
"""Columns that can be changed."""

_COLUMNS = f"""
    a.id, a.channel, a.vendor, a.created_at, a.updated_at, a.version,
    {", ".join(f"a.{name}" for name in RULES)}
"""

FILTERS: Mapping[str, str] = {
    "channels": "a.channel = ANY(CAST(:channels AS text[]))",
    "vendors": "a.vendor = ANY(CAST(:vendors AS text[]))",
    "names": "a.name = ANY(CAST(:names AS text[]))",
    "states": """
        CASE WHEN a.enabled THEN s.circuit ELSE 'paused' END = ANY(CAST(:states AS text[]))""",
    "before": "a.id < :before",
}
"""The conditions that a list may be narrowed by, each with its bind."""


async def find_enabled(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Return the enabled accounts, oldest first within a channel."""
    result = await conn.execute(
        text(f"""
            SELECT {_COLUMNS} FROM accounts a WHERE a.enabled AND a.deleted_at IS NULL
            ORDER BY a.channel, a.id
        """)  # noqa: S608 - only constants are put together
    )
    return result.all()


async def find(
    conn: AsyncConnection, filters: Mapping[str, Any], *, most: int | None
) -> Sequence[Row[Any]]:
    """Return accounts that pass all filters (keys of FILTERS) with their circuits, newest first;
    `most` None returns all.
    """
    conditions = "".join(f" AND ({FILTERS[name]})" for name in filters)
    statement = text(
        f"SELECT {_COLUMNS}, coalesce(s.circuit, 'closed') AS circuit FROM accounts a"  # noqa: S608
        " LEFT JOIN account_states s ON s.account_id = a.id"
        f" WHERE a.deleted_at IS NULL{conditions} ORDER BY a.id DESC LIMIT :most"
    )
    return (await conn.execute(statement, {**filters, "most": most})).all()


async def get(conn: AsyncConnection, id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """Return an account with its circuit; None when there is none or it was removed."""
    locked = "FOR UPDATE OF a" if lock else ""
    result = await conn.execute(
        text(
            f"SELECT {_COLUMNS}, coalesce(s.circuit, 'closed') AS circuit FROM accounts a"  # noqa: S608
            " LEFT JOIN account_states s ON s.account_id = a.id"
            f" WHERE a.id = :id AND a.deleted_at IS NULL {locked}"
        ),
        {"id": id},
    )
    return result.one_or_none()


async def add(
    conn: AsyncConnection, id: UUID, *, channel: str, vendor: str, rules: Mapping[str, Any]
) -> bool:
    """Insert an account with all RULES; False when its name is taken."""
    result = await conn.execute(
        text(f"""
            WITH added AS (
                INSERT INTO accounts (id, channel, vendor, {", ".join(RULES)})
                VALUES (:id, :channel, :vendor, :{", :".join(RULES)})
                ON CONFLICT (name) WHERE deleted_at IS NULL DO NOTHING RETURNING id
            )
            INSERT INTO account_states (account_id) SELECT id FROM added RETURNING account_id
        """),  # noqa: S608
        {"id": id, "channel": channel, "vendor": vendor, **rules},
    )
    return result.one_or_none() is not None


async def change(conn: AsyncConnection, id: UUID, rules: Mapping[str, Any]) -> None:
    """Replace columns of RULES of an account; its name must be free."""
    assigned = ", ".join(f"{name} = :{name}" for name in rules)
    await conn.execute(
        text(f"""
            UPDATE accounts SET {assigned}, updated_at = clock_timestamp(), version = version + 1
            WHERE id = :id
        """),  # noqa: S608
        {"id": id, **rules},
    )


async def name_taken(conn: AsyncConnection, name: str, *, by_other_than: UUID) -> bool:
    """Whether another account has a name."""
    result = await conn.execute(
        text("SELECT 1 FROM accounts WHERE name = :name AND id <> :id AND deleted_at IS NULL"),
        {"name": name, "id": by_other_than},
    )
    return result.one_or_none() is not None


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Take an account away with its secrets; its name stays for the attempts it made."""
    await conn.execute(
        text("""
            UPDATE accounts SET enabled = false, settings = '', deleted_at = clock_timestamp(),
                version = version + 1
            WHERE id = :id
        """),
        {"id": id},
    )


async def put(
    conn: AsyncConnection,
    *,
    id: UUID,
    name: str,
    channel: str,
    vendor: str,
    settings: bytes,
) -> None:
    """Add an account, or give the one of this name other settings."""
    await conn.execute(
        text("""
            WITH put AS (
                INSERT INTO accounts AS a (id, name, channel, vendor, settings)
                VALUES (:id, :name, :channel, :vendor, :settings)
                ON CONFLICT (name) WHERE deleted_at IS NULL DO UPDATE
                SET channel = excluded.channel, vendor = excluded.vendor,
                    settings = excluded.settings, enabled = true,
                    updated_at = clock_timestamp(), version = a.version + 1
                RETURNING id
            )
            INSERT INTO account_states (account_id) SELECT id FROM put ON CONFLICT DO NOTHING
        """),
        {"id": id, "name": name, "channel": channel, "vendor": vendor, "settings": settings},
    )


async def sealed_settings(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Lock and return (id, name, settings) of every account that has secrets."""
    result = await conn.execute(
        text("""
            SELECT id, name, settings FROM accounts WHERE deleted_at IS NULL ORDER BY id FOR UPDATE
        """)
    )
    return result.all()


async def reseal(conn: AsyncConnection, ids: Sequence[UUID], settings: Sequence[bytes]) -> None:
    """Write settings sealed anew; they are the same, so the version stays."""
    await conn.execute(
        text("""
            UPDATE accounts a SET settings = r.settings
            FROM unnest(CAST(:ids AS uuid[]), CAST(:settings AS bytea[])) AS r(id, settings)
            WHERE a.id = r.id
        """),
        {"ids": list(ids), "settings": list(settings)},
    )
