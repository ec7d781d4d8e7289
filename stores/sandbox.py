"""What the sandbox accounts and the SMTP sink received, for the Outbox page and /v1/outbox."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import new_id

_KEEP = text("""
    INSERT INTO sandbox_messages (id, channel, address, notification_id, attempt_id, content,
        module_id)
    VALUES (:id, :channel, :address, :notification, :attempt, CAST(:content AS jsonb),
        coalesce((SELECT module_id FROM notifications WHERE id = CAST(:notification AS uuid)),
            (SELECT module_id FROM deliveries WHERE notification_id = CAST(:notification AS uuid)
                LIMIT 1)))
""")

_FIND = text("""
    SELECT id, channel, address, notification_id, content, at FROM sandbox_messages
    WHERE (CAST(:module AS uuid) IS NULL OR module_id = :module)
        AND (cardinality(CAST(:channels AS text[])) = 0 OR channel = ANY(CAST(:channels AS text[])))
        AND (cardinality(CAST(:addresses AS text[])) = 0
            OR lower(address) = ANY(CAST(:addresses AS text[])))
        AND (cardinality(CAST(:notifications AS uuid[])) = 0
            OR notification_id = ANY(CAST(:notifications AS uuid[])))
        AND (CAST(:before AS uuid) IS NULL OR id < :before)
    ORDER BY id DESC LIMIT :most
""")


async def keep(
    conn: AsyncConnection,
    *,
    channel: str,
    address: str,
    notification_id: UUID | None,
    attempt_id: UUID | None,
    content: Mapping[str, Any],
) -> UUID:
    """Store a received message and return its id."""
    message = new_id()
    await conn.execute(
        _KEEP,
        {
            "id": message, "channel": channel, "address": address,
            "notification": notification_id, "attempt": attempt_id, "content": dict(content),
        },
    )  # fmt: skip
    return message


async def find(
    conn: AsyncConnection,
    *,
    module_id: UUID | None,
    channels: list[str],
    addresses: list[str],
    notifications: list[UUID],
    before: UUID | None,
    most: int,
) -> list[Row[Any]]:
    """Return received messages, newest first."""
    result = await conn.execute(
        _FIND,
        {
            "module": module_id, "channels": channels,
            "addresses": [address.lower() for address in addresses],
            "notifications": notifications, "before": before, "most": most,
        },
    )  # fmt: skip
    return list(result.all())


async def purge(conn: AsyncConnection, *, days: int) -> int:
    """Remove messages older than `days`; return how many."""
    result = await conn.execute(
        text("DELETE FROM sandbox_messages WHERE at < now() - make_interval(days => :days)"),
        {"days": days},
    )
    return int(result.rowcount)
