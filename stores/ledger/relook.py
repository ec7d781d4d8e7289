"""Another look at what recipients' rules hold, as soon as the recipients chose anew.

Nothing here waits for rows of the ledger that others hold: whoever changes preferences would keep
a sender from settling, who in turn waits for the preferences. Rows that are left out for that are
just being settled, and `find_changed` tells their sender that it decided by what is no longer so.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import workflow_id

_RELOOK = text("""
    WITH mine AS (
        SELECT id FROM notifications
            WHERE profile_id = ANY(CAST(:profiles AS uuid[])) AND finished_at IS NULL
        UNION SELECT id FROM notifications
            WHERE heeded && CAST(:profiles AS uuid[]) AND finished_at IS NULL
    ), held AS (
        SELECT d.id FROM mine JOIN deliveries d ON d.notification_id = mine.id
        WHERE d.state = 'held' AND d.due_at > clock_timestamp()
            AND d.decision @> '[{"effect": "holds"}]'
        ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
    ), due AS (
        UPDATE deliveries d SET due_at = clock_timestamp(), version = d.version + 1
        FROM held WHERE d.id = held.id RETURNING d.notification_id
    ), free AS (
        SELECT n.id FROM notifications n WHERE n.id IN (SELECT notification_id FROM due)
        ORDER BY n.id FOR UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE notifications n SET due_at = clock_timestamp() FROM free WHERE n.id = free.id
    )
    SELECT DISTINCT n.workflow_id FROM notifications n
    WHERE n.id IN (SELECT notification_id FROM due)
""")

# Campaigns keep their recipients in deliveries alone: of profiles, and of addresses whose profiles'
# preferences they heed (member->'heeded'). Those are found by the addresses that the profiles have.
_RELOOK_CAMPAIGNS = text("""
    WITH own AS (
        SELECT p.id, lower(a.address) AS address FROM profiles p CROSS JOIN LATERAL (
            SELECT unnest(ARRAY[p.email, p.phone, p.whatsapp, p.telegram]) AS address
            UNION ALL SELECT one->>'address' FROM jsonb_array_elements(p.addresses) one
            UNION ALL SELECT v.address FROM profile_devices v WHERE v.profile_id = p.id
        ) a
        WHERE p.id = ANY(CAST(:profiles AS uuid[])) AND a.address IS NOT NULL
    ), mine AS (
        SELECT d.id FROM deliveries d
            WHERE d.profile_id = ANY(CAST(:profiles AS uuid[])) AND d.campaign_id IS NOT NULL
                AND d.state = 'held'
        UNION SELECT d.id FROM own JOIN deliveries d
            ON lower(d.address) = own.address AND d.campaign_id IS NOT NULL
                AND d.profile_id IS NULL AND d.state = 'held'
                AND d.member->'heeded' @> to_jsonb(own.id::text)
    ), held AS (
        SELECT d.id FROM mine JOIN deliveries d ON d.id = mine.id
        WHERE d.state = 'held' AND d.due_at > clock_timestamp()
            AND d.decision @> '[{"effect": "holds"}]'
        ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
    ), due AS (
        UPDATE deliveries d SET due_at = clock_timestamp(), version = d.version + 1
        FROM held WHERE d.id = held.id RETURNING d.campaign_id
    ), free AS (
        SELECT c.id FROM campaigns c
        WHERE c.id IN (SELECT campaign_id FROM due) AND c.state = 'sending' AND c.due_at IS NOT NULL
        ORDER BY c.id FOR NO KEY UPDATE SKIP LOCKED
    ), moved AS (
        UPDATE campaigns c SET due_at = clock_timestamp() FROM free WHERE c.id = free.id
    )
    SELECT c.id, c.run, c.recoveries FROM campaigns c
    WHERE c.id IN (SELECT campaign_id FROM due)
""")

_CHANGED = text("""
    SELECT f.profile_id
    FROM preferences f JOIN unnest(CAST(:profiles AS uuid[]), CAST(:versions AS int[]))
        AS seen(profile_id, version) ON seen.profile_id = f.profile_id
    WHERE f.version <> seen.version
    ORDER BY f.profile_id FOR SHARE OF f
""")


async def relook(conn: AsyncConnection, profile_ids: Iterable[UUID]) -> list[str]:
    """Make due now what the rules hold of messages to profiles, by name or by address; return the
    workflows to be woken once this is committed.

    To be called in the transaction that changes what the profiles chose, after the change.
    """
    binds = {"profiles": sorted(set(profile_ids))}
    notifications = (await conn.execute(_RELOOK, binds)).scalars().all()
    campaigns = (await conn.execute(_RELOOK_CAMPAIGNS, binds)).all()
    return [
        *sorted(notifications),
        *sorted(workflow_id(row.id, row.run, row.recoveries) for row in campaigns),
    ]


async def find_changed(conn: AsyncConnection, seen: Iterable[tuple[UUID, int]]) -> set[UUID]:
    """Return the profiles whose preferences are no longer of the version that was looked at."""
    listed = sorted(set(seen))
    if not listed:
        return set()
    result = await conn.execute(
        _CHANGED,
        {"profiles": [id for id, _ in listed], "versions": [version for _, version in listed]},
    )
    return set(result.scalars().all())
