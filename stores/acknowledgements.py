"""What the link of a message acknowledges."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_FIND = text("""
    SELECT n.id, n.module_id, n.workflow_id, n.created_at, n.acknowledged_at, n.escalation,
        coalesce(d.profile_id, n.profile_id) AS profile_id, p.locale
    FROM deliveries d JOIN notifications n ON n.id = d.notification_id
        LEFT JOIN profiles p ON p.id = coalesce(d.profile_id, n.profile_id)
    WHERE d.id = :id
""")


async def find(conn: AsyncConnection, delivery_id: UUID) -> Row[Any] | None:
    """Return the notification of a delivery with whom it went to; None when it was deleted, and
    for a campaign's.
    """
    return (await conn.execute(_FIND, {"id": delivery_id})).one_or_none()
