"""Vendor accounts in PostgreSQL; their settings are sealed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection


async def find_enabled(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Return the enabled accounts, in order of preference."""
    result = await conn.execute(
        text("""
            SELECT id, version, name, channel, vendor, settings FROM accounts
            WHERE enabled ORDER BY channel, position, id
        """)
    )
    return result.all()


async def put(
    conn: AsyncConnection,
    *,
    id: UUID,
    name: str,
    channel: str,
    vendor: str,
    settings: bytes,
    position: int = 100,
) -> None:
    """Add an account, or give the one of this name other settings."""
    await conn.execute(
        text("""
            INSERT INTO accounts AS a (id, name, channel, vendor, settings, position)
            VALUES (:id, :name, :channel, :vendor, :settings, :position)
            ON CONFLICT (name) DO UPDATE SET channel = excluded.channel, vendor = excluded.vendor,
                settings = excluded.settings, position = excluded.position, enabled = true,
                version = a.version + 1
        """),
        {
            "id": id, "name": name, "channel": channel, "vendor": vendor, "settings": settings,
            "position": position,
        },
    )  # fmt: skip
