"""Another look at what recipients' rules hold, as soon as the recipients chose anew.

Nothing here waits for rows of the ledger that others hold: whoever changes preferences would keep
a sender from settling, who in turn waits for the preferences. Rows that are left out for that are
just being settled, and `find_changed` tells their sender that it decided by what is no longer so.
"""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

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
    result = await conn.execute(_RELOOK, {"profiles": sorted(set(profile_ids))})
    return sorted(result.scalars().all())


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
