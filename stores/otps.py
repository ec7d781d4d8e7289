"""One-time codes in PostgreSQL: what they are computed from, how long and how often they count."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import new_id
from domain.one_time_codes import MOST_ATTEMPTS, Seed

_LIVE = f"""
    o.verified_at IS NULL AND o.expires_at > clock_timestamp() AND o.attempts < {MOST_ATTEMPTS}
"""

_ADD = text("""
    INSERT INTO otps (id, module_id, key_id, generation, length, channels, possible, recipient,
        notification_ids, unsent, expires_at)
    VALUES (:id, :module_id, :key_id, :generation, :length, :channels, :possible, :recipient,
        :notification_ids, :unsent, :expires_at)
""")

_GET = """
    SELECT o.id, o.key_id, o.generation, o.length, o.channels, o.possible, o.recipient,
        o.notification_ids, o.unsent, o.attempts, o.resends, o.expires_at, o.verified_at,
        o.expires_at <= clock_timestamp() AS expired,
        extract(epoch FROM o.expires_at - clock_timestamp())::float8 AS seconds_left
    FROM otps o WHERE o.id = :id AND o.module_id = :module
"""

_SPEND = text(f"""
    UPDATE otps o SET attempts = o.attempts + 1
    WHERE o.id = :id AND o.module_id = :module AND {_LIVE}
    RETURNING o.id, o.key_id, o.generation, o.length, o.attempts, o.unsent
""")  # noqa: S608 - only constants are put together

_VERIFY = text("""
    UPDATE otps SET verified_at = clock_timestamp()
    WHERE id = :id AND verified_at IS NULL AND expires_at > clock_timestamp()
    RETURNING id
""")

_RESEND = text("""
    UPDATE otps SET resends = resends + 1, notification_ids = notification_ids || :notification
    WHERE id = :id
""")

_TAKE_BACK_RESEND = text("""
    UPDATE otps SET resends = resends - 1,
        notification_ids = array_remove(notification_ids, :notification)
    WHERE id = :id
""")

_SOURCE = text("""
    SELECT id, profile_id, recipient FROM notifications
    WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id LIMIT 1
""")

_PLACES = text("""
    SELECT DISTINCT n.profile_id, d.channel, d.address
    FROM otps o JOIN notifications n ON n.id = ANY(o.notification_ids)
        JOIN deliveries d ON d.notification_id = n.id
    WHERE o.id = :id AND n.profile_id IS NOT NULL
        AND (d.maybe_sent OR d.state IN ('sent', 'delivered', 'read'))
    ORDER BY d.channel, d.address
""")

_OF_NOTIFICATIONS = """
    SELECT n.id AS notification_id, o.id, o.key_id, o.generation, o.length
    FROM notifications n JOIN otps o ON o.id = n.otp_id
    WHERE n.id = ANY(CAST(:ids AS uuid[]))
"""


async def add(conn: AsyncConnection, row: Mapping[str, Any]) -> None:
    """Insert a code's row; its `unsent` says why nothing is sent, or nothing."""
    await conn.execute(_ADD, dict(row))


async def get(
    conn: AsyncConnection, id: UUID, module_id: UUID, *, lock: bool = False
) -> Row[Any] | None:
    """Return the row of a code; None when there is none or it is another module's."""
    statement = text(f"{_GET} FOR UPDATE" if lock else _GET)
    return (await conn.execute(statement, {"id": id, "module": module_id})).one_or_none()


async def spend(conn: AsyncConnection, id: UUID, module_id: UUID) -> Row[Any] | None:
    """Count one attempt; None when the code takes none any more or there is no such code."""
    return (await conn.execute(_SPEND, {"id": id, "module": module_id})).one_or_none()


async def verify(conn: AsyncConnection, id: UUID) -> bool:
    """Use a code up; False when somebody else has just done so, or it has expired."""
    return (await conn.execute(_VERIFY, {"id": id})).one_or_none() is not None


async def find_places(conn: AsyncConnection, id: UUID) -> Sequence[Row[Any]]:
    """Return {profile_id, channel, address} of everywhere a profile's code may have gone."""
    return (await conn.execute(_PLACES, {"id": id})).all()


async def count_resend(conn: AsyncConnection, id: UUID, notification_id: UUID) -> None:
    """Note that a code is sent again, by this notification."""
    await conn.execute(_RESEND, {"id": id, "notification": [notification_id]})


async def find_source(conn: AsyncConnection, notification_ids: Sequence[UUID]) -> Row[Any] | None:
    """Return the first notification of a code that is still there: id, profile_id, recipient."""
    return (await conn.execute(_SOURCE, {"ids": list(notification_ids)})).one_or_none()


async def take_back(
    conn: AsyncConnection, id: UUID, notification_id: UUID, *, resent: bool
) -> None:
    """Undo a send that was never started: the code with its first one, else only the resend."""
    await conn.execute(text("DELETE FROM otp_uses WHERE send_id = :id"), {"id": notification_id})
    if resent:
        await conn.execute(_TAKE_BACK_RESEND, {"id": id, "notification": notification_id})
    else:
        await conn.execute(text("DELETE FROM otps WHERE id = :id"), {"id": id})


async def find_seeds(
    conn: AsyncConnection, notification_ids: Sequence[UUID], *, live: bool = False
) -> dict[UUID, Seed]:
    """Return what the codes of notifications are computed from; `live`: only of valid codes."""
    if not notification_ids:
        return {}
    statement = text(f"{_OF_NOTIFICATIONS} AND {_LIVE}" if live else _OF_NOTIFICATIONS)
    found = await conn.execute(statement, {"ids": list(notification_ids)})
    return {row.notification_id: seed_of(row) for row in found.all()}


async def purge(conn: AsyncConnection, *, days: int, days_of_uses: int) -> None:
    """Remove codes and uses that were made so many days ago."""
    for table, column, age in (("otps", "created_at", days), ("otp_uses", "at", days_of_uses)):
        await conn.execute(
            text(f"DELETE FROM {table} WHERE {column} < now() - make_interval(days => :days)"),  # noqa: S608
            {"days": age},
        )


def a_seed(key_id: str, length: int) -> Seed:
    """Return the seed of a new code."""
    return Seed(new_id(), key_id, 1, length)


def seed_of(row: Row[Any]) -> Seed:
    """Return the seed of a code's row."""
    return Seed(row.id, row.key_id, row.generation, row.length)
