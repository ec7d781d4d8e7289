"""Preferences in PostgreSQL: what recipients chose, and how much they had lately."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.caps import Cap, Counted
from domain.preferences import Preferences

_LOAD = text("""
    SELECT f.profile_id, f.document, f.unsubscribed, p.timezone
    FROM preferences f JOIN profiles p ON p.id = f.profile_id
    WHERE f.profile_id = ANY(CAST(:ids AS uuid[]))
""")

_LOCK = text("""
    WITH locked AS (
        SELECT f.profile_id FROM preferences f
        WHERE f.profile_id = ANY(CAST(:ids AS uuid[])) ORDER BY f.profile_id FOR UPDATE
    )
    SELECT clock_timestamp() FROM (SELECT count(*) FROM locked) held
""")

_PUT = text("""
    INSERT INTO preferences AS f (profile_id, document, unsubscribed)
    VALUES (:profile, CAST(:document AS jsonb), CAST(:unsubscribed AS text[]))
    ON CONFLICT (profile_id) DO UPDATE SET document = excluded.document,
        unsubscribed = excluded.unsubscribed, updated_at = clock_timestamp(),
        version = f.version + 1
    RETURNING f.document, f.unsubscribed, f.updated_at, f.version
""")

_COUNT = text("""
    SELECT r.place, count(DISTINCT coalesce(g.opened_by, n.id)) AS sent
    FROM jsonb_to_recordset(CAST(:caps AS jsonb)) AS r(
            place int, profile_id uuid, category text, since timestamptz)
        JOIN notifications n ON n.profile_id = r.profile_id
            AND (n.finished_at IS NULL OR n.finished_at > r.since)
            AND n.class <> 'otp' AND (r.category IS NULL OR n.category = r.category)
        JOIN deliveries d ON d.notification_id = n.id
            AND d.attempted_at > r.since
            AND (d.maybe_sent OR d.state IN ('sending', 'sent', 'delivered', 'read', 'unknown'))
        LEFT JOIN digests g ON g.id = d.digest_id
        LEFT JOIN categories c ON c.key = n.category
    WHERE c.mandatory IS NOT TRUE
    GROUP BY r.place
""")

_COUNTED = text("""
    SELECT DISTINCT d.notification_id FROM deliveries d
    WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) AND d.attempted_at IS NOT NULL
        AND (d.maybe_sent OR d.state IN ('sending', 'sent', 'delivered', 'read', 'unknown'))
""")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a recipient chose, and the time zone in which it holds."""

    preferences: Preferences
    timezone: str | None


async def get(conn: AsyncConnection, profile_id: UUID) -> Row[Any] | None:
    """Return the stored preferences of a profile; None when nothing was ever chosen."""
    result = await conn.execute(
        text("""
            SELECT document, unsubscribed, updated_at, version FROM preferences
            WHERE profile_id = :id
        """),
        {"id": profile_id},
    )
    return result.one_or_none()


async def put(
    conn: AsyncConnection,
    profile_id: UUID,
    document: Mapping[str, Any],
    unsubscribed: Sequence[str],
) -> Row[Any]:
    """Replace the preferences of a profile, which the caller has locked; return them."""
    result = await conn.execute(
        _PUT,
        {"profile": profile_id, "document": document, "unsubscribed": list(unsubscribed)},
    )
    return result.one()


async def load(conn: AsyncConnection, profile_ids: Iterable[UUID | None]) -> dict[UUID, Chosen]:
    """Return the preferences of profiles; those that chose nothing are left out."""
    ids = sorted({one for one in profile_ids if one})
    if not ids:
        return {}
    return {
        row.profile_id: Chosen(Preferences.read(row.document, row.unsubscribed), row.timezone)
        for row in await conn.execute(_LOAD, {"ids": ids})
    }


async def lock(conn: AsyncConnection, profile_ids: Iterable[UUID]) -> datetime:
    """Keep others from counting and sending to these profiles until the transaction ends.

    Returns the database's time once nobody else holds them.
    """
    result = await conn.execute(_LOCK, {"ids": sorted(set(profile_ids))})
    now: datetime = result.scalar_one()
    return now


async def count(
    conn: AsyncConnection, caps: Sequence[tuple[UUID, Cap]], at: datetime
) -> list[Counted]:
    """Return how many messages profiles had since the windows that end at `at` began, cap by cap.

    A notification counts once, a digest as one. It counts from the mark on, unless it was surely
    not sent; one-time passwords and mandatory categories do not count.
    """
    if not caps:
        return []
    rows = [
        {
            "place": place, "profile_id": profile, "category": cap.category,
            "since": cap.since(at),
        }
        for place, (profile, cap) in enumerate(caps)
    ]  # fmt: skip
    sent = {row.place: row.sent for row in await conn.execute(_COUNT, {"caps": rows})}
    return [Counted(cap, sent.get(place, 0)) for place, (_, cap) in enumerate(caps)]


async def find_counted(conn: AsyncConnection, notification_ids: Iterable[UUID]) -> set[UUID]:
    """Return which notifications count already: what is sent of them now is no further message."""
    result = await conn.execute(_COUNTED, {"ids": sorted(set(notification_ids))})
    return set(result.scalars().all())
