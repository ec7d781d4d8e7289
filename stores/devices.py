"""The phones and browsers of profiles, as push addresses."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection


async def add(
    conn: AsyncConnection,
    *,
    id: UUID,
    profile_id: UUID,
    channel: str,
    platform: str | None,
    address: str,
    subscription: Mapping[str, Any] | None,
) -> Row[Any]:
    """Insert a device, or renew the one that has this address already."""
    result = await conn.execute(
        text("""
            INSERT INTO profile_devices AS d
                (id, profile_id, channel, platform, address, subscription)
            VALUES (:id, :profile, :channel, :platform, :address, CAST(:subscription AS jsonb))
            ON CONFLICT (profile_id, channel, address) DO UPDATE
                SET platform = coalesce(excluded.platform, d.platform),
                    subscription = excluded.subscription
            RETURNING *
        """),
        {
            "id": id, "profile": profile_id, "channel": channel, "platform": platform,
            "address": address, "subscription": subscription,
        },
    )  # fmt: skip
    return result.one()


async def remove(conn: AsyncConnection, id: UUID, profile_id: UUID) -> bool:
    """Remove a device; False when the profile has no such one."""
    result = await conn.execute(
        text("DELETE FROM profile_devices WHERE id = :id AND profile_id = :profile RETURNING id"),
        {"id": id, "profile": profile_id},
    )
    return result.one_or_none() is not None


async def of_profiles(conn: AsyncConnection, profile_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the devices of profiles, oldest first."""
    result = await conn.execute(
        text("""
            SELECT * FROM profile_devices WHERE profile_id = ANY(CAST(:ids AS uuid[])) ORDER BY id
        """),
        {"ids": list(profile_ids)},
    )
    return result.all()
