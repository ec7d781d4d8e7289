"""Engagements: what recipients, and programs on their way, did with deliveries; and how many."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.engagement import OF_RECEIPTS, Engagement, EngagementKind
from stores.ledger import effects, events
from stores.preferences import heeded_by, refuses_tracking

_GIVEN = """
    SELECT r.delivery_id, r.kind, r.link, r.url, r.machine, max(r.reason) AS reason,
        min(r.at) AS at, max(r.at) AS last_at, CAST(sum(r.times) AS int) AS times
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        delivery_id uuid, kind text, link int, url text, machine boolean, reason text,
        at timestamptz, times int)
    GROUP BY r.delivery_id, r.kind, r.link, r.url, r.machine
"""

# A row that is new has been done no more often than was said just now.
_RECORD = text(f"""
    WITH given AS ({_GIVEN}), written AS (
        INSERT INTO engagements AS e (delivery_id, kind, link, url, machine, reason,
            notification_id, campaign_id, module_id, occurred_at, last_at, times)
        SELECT d.id, g.kind, g.link, g.url, g.machine, g.reason, d.notification_id, d.campaign_id,
            d.module_id, g.at, g.last_at, g.times
        FROM given g JOIN deliveries d ON d.id = g.delivery_id
        WHERE d.class <> 'otp'
        ORDER BY d.id, g.kind, g.link, g.url, g.machine
        ON CONFLICT (delivery_id, kind, link, url, machine) DO UPDATE SET
            times = e.times + excluded.times, last_at = greatest(e.last_at, excluded.last_at),
            occurred_at = least(e.occurred_at, excluded.occurred_at)
        RETURNING delivery_id, kind, link, url, machine, occurred_at, times
    )
    SELECT {events.CHANGED}, w.kind, w.link, w.url, w.machine, w.occurred_at
    FROM written w JOIN given g USING (delivery_id, kind, link, url, machine)
        JOIN deliveries d ON d.id = w.delivery_id
    WHERE w.times = g.times
    ORDER BY w.occurred_at, w.delivery_id, w.kind, w.link, w.url
""")  # noqa: S608 - only constants are put together

_BY_PROGRAM = text(f"""
    WITH given AS ({_GIVEN}), moved AS (
        DELETE FROM engagements e USING given g
        WHERE e.delivery_id = g.delivery_id AND e.kind = g.kind AND e.link = g.link
            AND e.url = g.url AND NOT e.machine
        RETURNING e.delivery_id, e.kind, e.link, e.url, g.reason, e.notification_id,
            e.campaign_id, e.module_id, e.occurred_at, e.last_at, e.times
    )
    INSERT INTO engagements AS e (delivery_id, kind, link, url, machine, reason,
        notification_id, campaign_id, module_id, occurred_at, last_at, times)
    SELECT delivery_id, kind, link, url, true, reason, notification_id, campaign_id, module_id,
        occurred_at, last_at, times
    FROM moved ORDER BY delivery_id, kind, link, url
    ON CONFLICT (delivery_id, kind, link, url, machine) DO UPDATE SET
        times = e.times + excluded.times, last_at = greatest(e.last_at, excluded.last_at),
        occurred_at = least(e.occurred_at, excluded.occurred_at)
""")  # noqa: S608

_REFUSES: Final = refuses_tracking(
    "c", f"array_append(array_append(n.heeded, n.profile_id), d.profile_id) || {heeded_by('d')}"
)

# What a digest carried belongs to each of its deliveries.
_SEEN = text(f"""
    WITH wanted AS (SELECT unnest(CAST(:attempts AS uuid[])) AS id), found AS (
        SELECT w.id AS attempt_id, d.id, d.attempted_at
        FROM wanted w JOIN deliveries d ON d.attempt_id = w.id
        UNION ALL
        SELECT w.id, d.id, d.attempted_at FROM wanted w JOIN deliveries d ON d.carried_by = w.id
        UNION ALL
        SELECT w.id, a.delivery_id, a.attempted_at FROM wanted w JOIN attempts a ON a.id = w.id
        UNION ALL
        SELECT w.id, a.delivery_id, a.attempted_at
        FROM wanted w JOIN attempts a ON a.carried_by = w.id
    )
    SELECT f.attempt_id, d.id AS delivery_id, f.attempted_at AS sent_at, c.track_opens,
        c.track_clicks
    FROM found f JOIN deliveries d ON d.id = f.id
        JOIN categories c ON c.key = d.category
        LEFT JOIN notifications n ON n.id = d.notification_id
    WHERE d.class <> 'otp' AND d.address <> '' AND NOT c.mandatory
        AND (c.track_opens OR c.track_clicks)
        AND NOT ({_REFUSES})
    ORDER BY d.id
""")  # noqa: S608

_DOUBT = text("""
    UPDATE receipts r SET raw = r.raw || '{"machine": true}'
    WHERE r.delivery_id = ANY(CAST(:deliveries AS uuid[])) AND r.raw->'tracked' = 'true'::jsonb
        AND NOT EXISTS (SELECT 1 FROM engagements e
            WHERE e.delivery_id = r.delivery_id AND e.kind = r.kind AND NOT e.machine)
""")

_OF_DELIVERIES = text("""
    SELECT delivery_id, kind, link, url, machine, reason, occurred_at, last_at, times
    FROM engagements WHERE delivery_id = ANY(CAST(:ids AS uuid[]))
    ORDER BY occurred_at, kind, link
""")

_ENGAGED = text("""
    WITH mine AS (
        SELECT d.id FROM deliveries d WHERE d.profile_id = :profile
        UNION
        SELECT d.id FROM notifications n JOIN deliveries d ON d.notification_id = n.id
        WHERE n.profile_id = :profile
    )
    SELECT d.id, d.notification_id, d.campaign_id, d.channel, d.category, d.created_at
    FROM mine m JOIN deliveries d ON d.id = m.id
    WHERE (CAST(:before AS uuid) IS NULL OR m.id < :before)
        AND EXISTS (SELECT 1 FROM engagements e WHERE e.delivery_id = m.id AND e.link >= 0)
    ORDER BY m.id DESC LIMIT :most
""")

_COUNT = text("""
    SELECT campaign_id, kind, machine, count(DISTINCT notification_id) AS people,
        sum(times) AS times
    FROM engagements
    WHERE campaign_id = ANY(CAST(:campaigns AS uuid[])) AND campaign_id IS NOT NULL
    GROUP BY campaign_id, kind, machine
""")

_FORGET = text("""
    DELETE FROM engagements e USING deliveries d
    WHERE d.notification_id = ANY(CAST(:notifications AS uuid[])) AND e.delivery_id = d.id
""")


@dataclass(frozen=True, slots=True)
class Counted:
    """How many recipients of a campaign did something at least once, and how often in all."""

    kind: EngagementKind
    machine: bool
    people: int
    times: int


async def record(conn: AsyncConnection, given: Sequence[Engagement]) -> list[Row[Any]]:
    """Write engagements and return those that are new; what was known is counted once more.

    What a person did for the first time becomes an event. Nothing is kept of one-time passwords.
    """
    if not given:
        return []
    fresh = (await conn.execute(_RECORD, {"rows": _rows(given)})).all()
    await events.append(conn, [events.engagement_event(row) for row in fresh if not row.machine])
    return list(fresh)


async def hear(conn: AsyncConnection, told: Sequence[effects.Told]) -> None:
    """Record what vendors told of recipients: opened, clicked, complained, unsubscribed."""
    found = []
    for one in told:
        kind = OF_RECEIPTS.get(one.kind) if one.kind else None
        if kind is not None:
            machine = "vendor" if one.machine else ""
            found.append(
                Engagement(
                    one.delivery_id, kind, one.at, url=one.url, machine=one.machine, reason=machine
                )
            )
        if one.unsubscribes:
            found.append(Engagement(one.delivery_id, EngagementKind.UNSUBSCRIBED, one.at))
    await record(conn, found)


async def take_as_machine(conn: AsyncConnection, given: Sequence[Engagement]) -> None:
    """Let what was recorded as a person's be a program's, for the reasons given.

    States stay where they are: they only rise.
    """
    if given:
        await conn.execute(_BY_PROGRAM, {"rows": _rows(given)})
        await conn.execute(_DOUBT, {"deliveries": sorted({one.delivery_id for one in given})})


async def find_seen(conn: AsyncConnection, attempts: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the deliveries that attempts carried and that may be watched, so none of somebody
    erased: {attempt_id, delivery_id, sent_at, track_opens, track_clicks}; a digest has several.
    """
    return (await conn.execute(_SEEN, {"attempts": list(attempts)})).all()


async def of_deliveries(
    conn: AsyncConnection, deliveries: Sequence[UUID]
) -> dict[UUID, list[Row[Any]]]:
    """Return what was done with deliveries, by delivery, oldest first."""
    found: defaultdict[UUID, list[Row[Any]]] = defaultdict(list)
    if deliveries:
        for row in await conn.execute(_OF_DELIVERIES, {"ids": list(deliveries)}):
            found[row.delivery_id].append(row)
    return found


async def find_engaged(
    conn: AsyncConnection, profile_id: UUID, *, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return the deliveries to a profile with which anything was done, newest first."""
    where = {"profile": profile_id, "before": before, "most": most}
    return (await conn.execute(_ENGAGED, where)).all()


async def count(conn: AsyncConnection, campaigns: Sequence[UUID]) -> dict[UUID, list[Counted]]:
    """Return what recipients of campaigns did, by campaign, people and programs apart."""
    found: defaultdict[UUID, list[Counted]] = defaultdict(list)
    for row in await conn.execute(_COUNT, {"campaigns": list(campaigns)}):
        counted = Counted(EngagementKind(row.kind), row.machine, row.people, int(row.times))
        found[row.campaign_id].append(counted)
    return found


async def forget(conn: AsyncConnection, notifications: Sequence[UUID]) -> None:
    """Remove what was done with the deliveries of notifications."""
    await conn.execute(_FORGET, {"notifications": list(notifications)})


def _rows(given: Sequence[Engagement]) -> list[dict[str, Any]]:
    return [asdict(one) for one in given]
