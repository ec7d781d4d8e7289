"""The deliveries of a campaign as resolving writes them: by shards, counted, and taken away."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Planned, Unplanned
from domain.frozen_campaign import Frozen
from domain.vocabulary import Channel, State
from stores import campaign_deliveries, suppressions
from stores.ledger import events
from stores.ledger.plan import used_of

FAR: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""The expiry of a campaign's deliveries: the campaign's own one counts, which is set later."""

_INSERT = text(f"""
    INSERT INTO deliveries AS d (
        id, notification_id, campaign_id, shard, variant, profile_id, member, module_id, category,
        class, priority, channel, address, target, state, reason, created_at, due_at, expires_at,
        settled_at, decision
    )
    SELECT r.id, r.notification_id, r.campaign_id, r.shard, r.variant, r.profile_id,
        NULLIF(r.member, 'null'::jsonb), r.module_id, r.category, r.class, r.priority, r.channel,
        r.address, NULLIF(r.target, 'null'::jsonb), r.state, r.reason, r.created_at, r.due_at,
        r.expires_at, r.settled_at, NULLIF(r.decision, 'null'::jsonb)
    FROM jsonb_populate_recordset(NULL::deliveries, CAST(:rows AS jsonb)) r
    ORDER BY r.id
    RETURNING {events.CHANGED}, NULL AS before
""")  # noqa: S608 - only constants are put together

_DUPLICATES = text(f"""
    WITH chosen AS (
        SELECT d.id FROM deliveries d JOIN (
            SELECT id, row_number() OVER (
                PARTITION BY channel, {suppressions.comparable("channel", "address")} ORDER BY id
            ) AS place
            FROM deliveries WHERE campaign_id = :campaign AND state = 'accepted'
        ) numbered ON numbered.id = d.id AND numbered.place > 1
        ORDER BY d.id LIMIT :most FOR UPDATE OF d
    )
    UPDATE deliveries d SET state = 'suppressed', reason = 'duplicate', due_at = NULL,
        settled_at = clock_timestamp(), version = d.version + 1
    FROM chosen c WHERE d.id = c.id
    RETURNING {events.CHANGED}, 'accepted' AS before
""")  # noqa: S608

_REMOVE = text(f"""
    DELETE FROM deliveries d WHERE d.id IN (
        SELECT id FROM deliveries WHERE campaign_id = :campaign ORDER BY id LIMIT :most FOR UPDATE)
    RETURNING {events.GONE}, d.state AS before
""")  # noqa: S608

_FALLBACK = text("""
    SELECT d.notification_id, jsonb_agg(jsonb_build_array(d.channel, d.address)) AS used,
        min(d.shard) AS shard, max(d.variant) AS variant,
        (array_agg(d.profile_id))[1] AS profile_id,
        jsonb_agg(d.member)->0 AS member, min(d.expires_at) AS expires_at
    FROM deliveries d
    WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) AND d.campaign_id = :campaign
    GROUP BY d.notification_id
    HAVING bool_and(d.state IN ('suppressed', 'failed')
        AND d.reason NOT IN ('frequency_cap', 'duplicate'))
    ORDER BY d.notification_id
""")

REMOVED: Final = "removed"
"""What the event says of a delivery that is no more: its campaign went back to a draft."""


@dataclass(frozen=True, slots=True)
class Place:
    """The shard of a recipient's deliveries, and its variant of a test; None: none yet."""

    shard: int
    variant: int | None = None


async def insert(
    conn: AsyncConnection,
    campaign_id: UUID,
    planned: Sequence[Planned],
    places: Mapping[UUID, Place],
) -> None:
    """Write deliveries with their events; `places` by the ids of recipients (notification ids)."""
    now = datetime.now(UTC)
    rows = [_row(one, campaign_id, places[one.notification.id], now) for one in planned]
    if rows:
        result = await conn.execute(_INSERT, {"rows": rows})
        await events.append(conn, events.delivery_events(result.all()))


async def suppress_duplicates(conn: AsyncConnection, campaign_id: UUID, *, most: int) -> int:
    """Suppress some of what goes to an address that has a delivery already; return how many."""
    result = await conn.execute(_DUPLICATES, {"campaign": campaign_id, "most": most})
    changed = result.all()
    await events.append(conn, events.delivery_events(changed))
    return len(changed)


async def remove(conn: AsyncConnection, campaign_id: UUID, *, most: int) -> int:
    """Remove some deliveries of which nothing was sent; return how many."""
    rows = (await conn.execute(_REMOVE, {"campaign": campaign_id, "most": most})).all()
    await events.append(conn, events.delivery_events(rows, state=REMOVED))
    return len(rows)


async def count(conn: AsyncConnection, campaign_id: UUID) -> dict[str, Any]:
    """Return {asked, suppressed: {reason: n}, channels: {channel: n that wait}}."""
    suppressed: dict[str, int] = {}
    channels: dict[str, int] = {}
    asked = 0
    for row in await campaign_deliveries.count(conn, campaign_id):
        asked += row.n
        if row.state == State.SUPPRESSED:
            suppressed[row.reason] = suppressed.get(row.reason, 0) + row.n
        else:
            channels[row.channel] = channels.get(row.channel, 0) + row.n
    return {"asked": asked, "suppressed": suppressed, "channels": channels}


async def find_of(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the deliveries of recipients (notification ids), newest first."""
    result = await conn.execute(
        text("""
            SELECT id, campaign_id, channel, address, category, state, reason, created_at
            FROM deliveries WHERE notification_id = ANY(CAST(:ids AS uuid[])) ORDER BY id DESC
        """),
        {"ids": list(ids)},
    )
    return result.all()


async def find_fallbacks(
    conn: AsyncConnection, campaign_id: UUID, module_id: UUID, frozen: Frozen, ids: Sequence[UUID]
) -> tuple[list[Unplanned], dict[UUID, Place]]:
    """Return the recipients whose deliveries all failed or were suppressed, with their places.

    Who had too much lately has so on every channel, and a duplicate is reached as another one.
    """
    result = await conn.execute(_FALLBACK, {"ids": list(ids), "campaign": campaign_id})
    rows = result.all()
    places = {row.notification_id: Place(row.shard, row.variant) for row in rows}
    return [_unplanned(row, module_id, frozen) for row in rows], places


def _row(one: Planned, campaign_id: UUID, place: Place, now: datetime) -> dict[str, Any]:
    asked = one.notification
    waits = one.state in (State.ACCEPTED, State.HELD)
    return {
        "id": one.id,
        "notification_id": asked.id,
        "campaign_id": campaign_id,
        "shard": place.shard,
        "variant": place.variant,
        "profile_id": asked.profile_id,
        "member": _member(asked),
        "module_id": asked.module_id,
        "category": asked.category,
        "class": asked.class_,
        "priority": asked.priority,
        "channel": one.channel,
        "address": one.address,
        "target": dict(one.target) or None,
        "state": one.state,
        "reason": one.reason,
        "created_at": now,
        "due_at": (one.due_at or now) if waits else None,
        "expires_at": asked.expires_at,
        "settled_at": None if waits else now,
        "decision": one.decision,
    }


def _member(asked: Unplanned) -> dict[str, Any] | None:
    """Return what is kept of a recipient, with the profiles whose preferences are heeded."""
    heeded = {"heeded": [str(one) for one in asked.heeded]} if asked.heeded else {}
    return {**asked.recipient, **heeded} or None


def _unplanned(row: Row[Any], module_id: UUID, frozen: Frozen) -> Unplanned:
    return recipient_of(
        frozen,
        module_id=module_id,
        id=row.notification_id,
        profile_id=row.profile_id,
        member=row.member or {},
        used=used_of(row.used),
    )


def recipient_of(
    frozen: Frozen,
    *,
    module_id: UUID,
    id: UUID,
    profile_id: UUID | None,
    member: Mapping[str, Any],
    used: Mapping[Channel, frozenset[str]] | None = None,
) -> Unplanned:
    """Return a campaign's recipient as planning takes it; `member` is kept with its deliveries."""
    return Unplanned(
        id=id,
        module_id=module_id,
        category=frozen.category,
        class_=frozen.class_,
        priority=frozen.priority,
        channels=frozen.channels,
        channel_policy=frozen.channel_policy,
        profile_id=profile_id,
        recipient=member,
        used=used or {},
        expires_at=FAR,
        ordered=frozen.ordered,
    )
