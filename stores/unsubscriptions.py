"""Suppressions that recipients make and lift themselves, by what they write back."""

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import new_id
from domain.vocabulary import Channel
from stores import suppressions

LIFTED: Final = ("unsubscribed", "opted_out")
"""Reasons that a recipient can take back."""

_STOP = text(f"""
    INSERT INTO suppressions AS s (id, module_id, channel, address, reason, source)
    VALUES (:id, CAST(:module AS uuid), :channel, :address, 'unsubscribed', 'reply')
    ON CONFLICT (channel, address, module_id, category) DO UPDATE SET reason = excluded.reason,
        source = excluded.source, attempt_id = NULL, confirmation_id = NULL,
        created_at = clock_timestamp(), expires_at = NULL, version = s.version + 1
    WHERE s.expires_at <= clock_timestamp()
        OR {suppressions.stronger("excluded.reason", "s.reason")}
    RETURNING s.id
""")  # noqa: S608 - only constants are put together

_REFUSE = text("""
    INSERT INTO suppressions AS s (id, module_id, channel, address, category, reason, source)
    SELECT CAST(:id AS uuid), d.module_id, d.channel, d.address, d.category, 'unsubscribed', 'link'
    FROM deliveries d WHERE d.id = :delivery AND d.address <> ''
    ON CONFLICT (channel, address, module_id, category) DO UPDATE SET reason = excluded.reason,
        source = excluded.source, attempt_id = NULL, created_at = clock_timestamp(),
        expires_at = NULL
    WHERE s.expires_at <= clock_timestamp()
""")

_LIFT = text("""
    DELETE FROM suppressions
    WHERE channel = :channel AND address = :address AND reason = ANY(CAST(:reasons AS text[]))
        AND (module_id IS NULL OR module_id = CAST(:module AS uuid))
""")


async def stop(
    conn: AsyncConnection, *, channel: Channel, address: str, module_id: UUID | None
) -> UUID | None:
    """Suppress an address for a module (None: for all) and return the suppression's id.

    None when it was suppressed as widely before.
    """
    result = await conn.execute(
        _STOP, {"id": new_id(), "module": module_id, "channel": channel, "address": address}
    )
    made: UUID | None = result.scalar_one_or_none()
    return made


async def refuse(conn: AsyncConnection, delivery_id: UUID) -> None:
    """Suppress the address of a delivery for its module and category."""
    await conn.execute(_REFUSE, {"id": new_id(), "delivery": delivery_id})


async def find_delivery(conn: AsyncConnection, delivery_id: UUID) -> Row[Any] | None:
    """Return {module, category, name, address} of a delivery; None when it was deleted."""
    result = await conn.execute(
        text("""
            SELECT m.name AS module, d.module_id, d.category, coalesce(c.name, d.category) AS name,
                d.address, coalesce(c.mandatory, false) AS mandatory
            FROM deliveries d JOIN modules m ON m.id = d.module_id
                LEFT JOIN categories c ON c.key = d.category
            WHERE d.id = :id
        """),
        {"id": delivery_id},
    )
    return result.one_or_none()


async def confirm(conn: AsyncConnection, suppression_id: UUID, notification_id: UUID) -> None:
    """Let one notification, which tells of a suppression, pass this very suppression."""
    await conn.execute(
        text("UPDATE suppressions SET confirmation_id = :notification WHERE id = :id"),
        {"id": suppression_id, "notification": notification_id},
    )


async def lift(
    conn: AsyncConnection, *, channel: Channel, address: str, module_id: UUID | None
) -> int:
    """Remove what a recipient's own will suppressed; return how many suppressions that was."""
    result = await conn.execute(
        _LIFT,
        {
            "channel": channel, "address": address, "module": module_id,
            "reasons": list(LIFTED),
        },
    )  # fmt: skip
    return int(result.rowcount)
