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


def heeded_by(delivery: str) -> str:
    """Return the SQL expression of the profiles that a campaign's delivery heeds, as uuid[]."""
    return f"""ARRAY(SELECT CAST(told.id AS uuid) FROM jsonb_array_elements_text(
        CASE jsonb_typeof({delivery}.member->'heeded')
            WHEN 'array' THEN {delivery}.member->'heeded' END) told(id))"""  # noqa: S608


def refuses_tracking(category: str, profiles: str) -> str:
    """Return the SQL condition that one of these profiles (an expression of uuid[]) does not want
    to be seen; nobody is asked where the row `category` sees nothing.
    """
    return f"""
        CASE WHEN {category}.track_opens OR {category}.track_clicks THEN EXISTS (
            SELECT 1 FROM preferences choice WHERE choice.profile_id = ANY({profiles})
                AND choice.document->'tracking' = 'false'::jsonb
        ) ELSE false END"""  # noqa: S608 - only constants are put together


_LOAD = """
    WITH f AS MATERIALIZED (
        SELECT profile_id, document, unsubscribed, version FROM preferences
        WHERE profile_id = ANY(CAST(:ids AS uuid[])) ORDER BY profile_id {lock}
    )
    SELECT f.profile_id, f.document, f.unsubscribed, f.version, p.timezone, p.active
    FROM f JOIN profiles p ON p.id = f.profile_id
    UNION ALL
    SELECT p.id, '{{}}'::jsonb, '{{}}'::text[], 0, p.timezone, false
    FROM profiles p
    WHERE p.id = ANY(CAST(:ids AS uuid[])) AND NOT p.active
        AND NOT EXISTS (SELECT 1 FROM f WHERE f.profile_id = p.id)
"""
_LOADS = {keep: text(_LOAD.format(lock="FOR SHARE" if keep else "")) for keep in (False, True)}

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
    WITH caps AS (
        SELECT * FROM jsonb_to_recordset(CAST(:caps AS jsonb)) AS r(
            place int, profile_id uuid, category text, since timestamptz)
    ), had AS (
        SELECT r.place, r.since, n.category, d.notification_id, d.attempted_at, d.maybe_sent,
            d.state, d.digest_id
        FROM caps r
            CROSS JOIN LATERAL (
                SELECT id, category, class, finished_at FROM notifications
                    WHERE profile_id = r.profile_id
                UNION ALL SELECT id, category, class, finished_at FROM notifications
                    WHERE heeded @> ARRAY[r.profile_id]
            ) n
            JOIN deliveries d ON d.notification_id = n.id
        WHERE (n.finished_at IS NULL OR n.finished_at > r.since)
            AND n.class <> 'otp' AND (r.category IS NULL OR n.category = r.category)
        UNION ALL
        SELECT r.place, r.since, d.category, d.notification_id, d.attempted_at, d.maybe_sent,
            d.state, d.digest_id
        FROM caps r JOIN deliveries d ON d.profile_id = r.profile_id
            AND d.class <> 'otp' AND (r.category IS NULL OR d.category = r.category)
    )
    SELECT h.place, count(DISTINCT coalesce(g.opened_by, h.notification_id)) AS sent
    FROM had h LEFT JOIN categories c ON c.key = h.category
        LEFT JOIN digests g ON g.id = h.digest_id
    WHERE c.mandatory IS NOT TRUE AND h.attempted_at > h.since
        AND (h.maybe_sent OR h.state IN ('sending', 'sent', 'delivered', 'read', 'unknown'))
    GROUP BY h.place
""")

_COUNTED = text("""
    SELECT DISTINCT d.notification_id FROM deliveries d
    WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) AND d.attempted_at IS NOT NULL
        AND (d.maybe_sent OR d.state IN ('sending', 'sent', 'delivered', 'read', 'unknown'))
""")


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a recipient chose, and the time zone in which it holds; `active` is not their choice:
    the identity provider's.
    """

    preferences: Preferences
    timezone: str | None
    active: bool = True
    version: int = 0


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


async def load(
    conn: AsyncConnection, profile_ids: Iterable[UUID | None], *, keep: bool = False
) -> dict[UUID, Chosen]:
    """Return the preferences of profiles; active ones that chose nothing are left out.

    With `keep` they cannot be changed until the transaction ends, so that whoever changes them
    sees what was decided by them.
    """
    ids = sorted({one for one in profile_ids if one})
    if not ids:
        return {}
    return {
        row.profile_id: Chosen(
            Preferences.read(row.document, row.unsubscribed), row.timezone, row.active, row.version
        )
        for row in await conn.execute(_LOADS[keep], {"ids": ids})
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

    A notification counts once, also one to an address of the profile without its name, and a
    digest as one. It counts from the mark on, unless it was surely not sent; one-time passwords and
    mandatory categories do not count.
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
