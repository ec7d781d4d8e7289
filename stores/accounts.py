"""Vendor accounts in PostgreSQL; their settings are sealed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection


async def find_enabled(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Return the enabled accounts, oldest first within a channel."""
    result = await conn.execute(
        text("""
            SELECT id, version, name, channel, vendor, settings, weight, cost, countries,
                categories, per_second, slow_seconds, slow_share
            FROM accounts WHERE enabled ORDER BY channel, id
        """)
    )
    return result.all()


async def get(conn: AsyncConnection, id: UUID) -> Row[Any] | None:
    """Return an account, enabled or not: receipts come for what was sent while it was."""
    result = await conn.execute(
        text("SELECT id, version, name, channel, vendor, settings FROM accounts WHERE id = :id"),
        {"id": id},
    )
    return result.one_or_none()


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
                ON CONFLICT (name) DO UPDATE SET channel = excluded.channel,
                    vendor = excluded.vendor, settings = excluded.settings, enabled = true,
                    updated_at = clock_timestamp(), version = a.version + 1
                RETURNING id
            )
            INSERT INTO account_states (account_id) SELECT id FROM put ON CONFLICT DO NOTHING
        """),
        {"id": id, "name": name, "channel": channel, "vendor": vendor, "settings": settings},
    )
