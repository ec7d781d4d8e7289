"""Planning: which notifications still need deliveries, and the insert of those."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Planned, Unplanned
from domain.digests import Window
from domain.vocabulary import CategoryClass, Channel, State
from stores.ledger import events

_UNPLANNED = text("""
    SELECT n.id, n.module_id, n.category, n.class AS class_, n.priority, n.channels,
        n.channel_policy, n.profile_id, n.recipient, n.expires_at, n.ordered, n.digest,
        n.uncollected, n.expiry_asked,
        (SELECT jsonb_agg(jsonb_build_array(d.channel, d.address)) FROM deliveries d
            WHERE d.notification_id = n.id) AS used
    FROM notifications n
    WHERE n.id = ANY(CAST(:ids AS uuid[])) AND n.workflow_id = :workflow
        AND n.planned_at IS NULL AND n.finished_at IS NULL AND n.due_at <= clock_timestamp()
        AND n.expires_at > clock_timestamp()
        AND (n.start_deadline IS NULL OR n.start_deadline > clock_timestamp())
    ORDER BY n.id
    LIMIT CAST(:most AS bigint)
    FOR UPDATE OF n
""")

_FALLBACK = text("""
    SELECT n.id, n.module_id, n.category, n.class AS class_, n.priority, n.channels,
        n.channel_policy, n.profile_id, n.recipient, n.expires_at, n.ordered, n.digest,
        n.uncollected, n.expiry_asked,
        jsonb_agg(jsonb_build_array(d.channel, d.address)) AS used
    FROM notifications n JOIN deliveries d ON d.notification_id = n.id
    WHERE n.id = ANY(CAST(:ids AS uuid[])) AND n.channel_policy = 'first_success'
        AND (cardinality(n.channels) > 1 OR n.profile_id IS NOT NULL)
        AND n.expires_at > clock_timestamp()
    GROUP BY n.id
    HAVING bool_and(d.state IN ('suppressed', 'failed') AND d.reason <> 'frequency_cap')
    ORDER BY n.id
""")

_INSERT = text(f"""
    INSERT INTO deliveries AS d (
        id, notification_id, module_id, category, class, priority, channel, address, target, state,
        reason, created_at, due_at, expires_at, settled_at, decision, digest_id
    )
    SELECT r.id, r.notification_id, r.module_id, r.category, r.class, r.priority, r.channel,
        r.address, r.target, r.state, r.reason, r.created_at, r.due_at, r.expires_at, r.settled_at,
        NULLIF(r.decision, 'null'::jsonb), r.digest_id
    FROM jsonb_populate_recordset(NULL::deliveries, CAST(:rows AS jsonb)) r
    ORDER BY r.id
    RETURNING {events.CHANGED}, NULL AS before
""")  # noqa: S608 - only constants are put together

_PLANNED = text("""
    UPDATE notifications n SET planned_at = clock_timestamp(),
        heeded = coalesce(CAST(CAST(:heeded AS jsonb)->>n.id::text AS uuid[]), n.heeded)
    WHERE id = ANY(CAST(:ids AS uuid[]))
""")

_SUPPRESSED = text("""
    SELECT s.channel, s.address, s.category, s.module_id, s.reason, s.confirmation_id
    FROM suppressions s
    WHERE s.address = ANY(CAST(:addresses AS text[]))
        AND (s.expires_at IS NULL OR s.expires_at > clock_timestamp())
""")


async def find_unplanned(
    conn: AsyncConnection, ids: Sequence[UUID], workflow_id: str, most: int | None = None
) -> list[Unplanned]:
    """Lock and return the due notifications of a workflow that have no deliveries yet."""
    given = {"ids": list(ids), "workflow": workflow_id, "most": most}
    result = await conn.execute(_UNPLANNED, given)
    return [_unplanned(row) for row in result.all()]


async def find_fallbacks(conn: AsyncConnection, ids: Sequence[UUID]) -> list[Unplanned]:
    """Return the notifications whose deliveries all failed or were suppressed, and that may go
    on to another channel or address; one that was too much for its recipient is so on every
    channel.
    """
    result = await conn.execute(_FALLBACK, {"ids": list(ids)})
    return [_unplanned(row) for row in result.all()]


async def find_suppressed(
    conn: AsyncConnection, addresses: Sequence[str]
) -> dict[tuple[str, str], list[Row[Any]]]:
    """Return the live suppressions of addresses, by (channel, address)."""
    result = await conn.execute(_SUPPRESSED, {"addresses": list(addresses)})
    found: dict[tuple[str, str], list[Row[Any]]] = {}
    for row in result.all():
        found.setdefault((row.channel, row.address), []).append(row)
    return found


async def insert(conn: AsyncConnection, planned: Sequence[Planned]) -> None:
    """Write deliveries with their events, and note that their notifications are planned."""
    if not planned:
        return
    now = datetime.now(UTC)
    result = await conn.execute(_INSERT, {"rows": [_row(one, now) for one in planned]})
    await events.append(conn, events.delivery_events(result.all()))
    whose = {one.notification.id: one.notification.heeded for one in planned}
    heeded = {
        str(id): f"{{{','.join(map(str, profiles))}}}" for id, profiles in whose.items() if profiles
    }
    await conn.execute(_PLANNED, {"ids": sorted(whose), "heeded": heeded})


def _row(one: Planned, now: datetime) -> dict[str, Any]:
    waits = one.state in (State.ACCEPTED, State.HELD)
    return {
        "id": one.id,
        "notification_id": one.notification.id,
        "module_id": one.notification.module_id,
        "category": one.notification.category,
        "class": one.notification.class_,
        "priority": one.notification.priority,
        "channel": one.channel,
        "address": one.address,
        "target": dict(one.target) or None,
        "state": one.state,
        "reason": one.reason,
        "created_at": now,
        "due_at": (one.due_at or now) if waits else None,
        "expires_at": one.notification.expires_at,
        "settled_at": None if waits else now,
        "decision": one.decision,
        "digest_id": one.digest_id,
    }


def used_of(pairs: Sequence[Sequence[str]]) -> dict[Channel, frozenset[str]]:
    """Return addresses by channel, of (channel, address) pairs."""
    found: defaultdict[Channel, set[str]] = defaultdict(set)
    for channel, address in pairs:
        found[Channel(channel)].add(address)
    return {channel: frozenset(addresses) for channel, addresses in found.items()}


def _unplanned(row: Row[Any]) -> Unplanned:
    return Unplanned(
        id=row.id,
        module_id=row.module_id,
        category=row.category,
        class_=CategoryClass(row.class_),
        priority=row.priority,
        channels=tuple(Channel(channel) for channel in row.channels),
        channel_policy=row.channel_policy,
        profile_id=row.profile_id,
        recipient=row.recipient,
        used=used_of(row.used or ()),
        expires_at=row.expires_at,
        ordered=row.ordered,
        window=Window.read(row.digest),
        uncollected=frozenset(Channel(channel) for channel in row.uncollected),
        expiry_asked=row.expiry_asked,
    )
