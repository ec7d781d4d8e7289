"""Shards: the parts in which a campaign's deliveries are leased, looked for and ended."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign_waves import Wave
from domain.delivery import Leased
from domain.frozen_campaign import Frozen
from domain.vocabulary import CategoryClass, Channel
from stores.ledger import events
from stores.ledger.lease import tracking
from stores.preferences import heeded_by, refuses_tracking

_REFUSES: Final = refuses_tracking("g", f"array_append({heeded_by('l')}, l.profile_id)")

_LEASE = text(f"""
    WITH due AS (
        SELECT d.id FROM deliveries d
        WHERE d.campaign_id = :campaign AND d.shard = :shard
            AND d.state IN ('accepted', 'scheduled', 'held') AND d.due_at <= clock_timestamp()
            AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())
            AND EXISTS (SELECT 1 FROM campaigns c
                WHERE c.id = :campaign AND c.run = :run AND c.state = 'sending')
        ORDER BY d.id LIMIT :most
        FOR UPDATE OF d SKIP LOCKED
    ), leased AS (
        UPDATE deliveries d SET lease_token = :token,
            variant = coalesce(d.variant, CAST(:winner AS smallint)),
            lease_until = clock_timestamp() + make_interval(secs => :seconds)
        FROM due WHERE d.id = due.id
        RETURNING d.*
    )
    SELECT l.id, l.notification_id, l.variant, l.module_id, l.channel, l.address, l.target,
        l.category, l.class AS class_, l.priority, l.attempts, l.rounds, l.maybe_sent, l.expires_at,
        l.profile_id, l.member->'data' AS data, l.member->'heeded' AS heeded,
        coalesce(g.mandatory, false) AS mandatory,
        coalesce(l.member->>'name', p.name) AS name,
        coalesce(l.member->>'locale', p.locale) AS locale,
        coalesce(l.member->>'timezone', p.timezone) AS timezone,
        coalesce(g.track_opens, false) AS track_opens,
        coalesce(g.track_clicks, false) AS track_clicks,
        {_REFUSES} AS refuses_tracking
    FROM leased l LEFT JOIN profiles p ON p.id = l.profile_id
        LEFT JOIN categories g ON g.key = l.category
    ORDER BY l.id
""")  # noqa: S608 - only constants are put together

_DEAD = text("""
    SELECT d.id, d.attempt_id, d.class AS class_, d.rounds, d.maybe_sent, d.expires_at
    FROM deliveries d
    WHERE d.campaign_id = :campaign AND (CAST(:shard AS int) IS NULL OR d.shard = :shard)
        AND d.state = 'sending' AND d.lease_until < clock_timestamp()
    ORDER BY d.id LIMIT :most
""")

_DUE: Final = """
    CASE WHEN d.state = 'sending' THEN d.lease_until + interval '50 milliseconds'
        ELSE greatest(d.due_at, d.lease_until + interval '50 milliseconds') END
"""

_FIND_DUE = text(f"""
    SELECT DISTINCT d.shard FROM deliveries d
    WHERE d.campaign_id = :campaign AND d.state IN ('accepted', 'scheduled', 'held', 'sending')
        AND d.shard < :end AND {_DUE} <= clock_timestamp()
    ORDER BY d.shard LIMIT :most
""")  # noqa: S608 - only constants are put together

_FIND_NEXT = text(f"""
    SELECT {_DUE} AS due_at, d.channel, d.class AS class_, d.rounds,
        CASE WHEN d.state = 'sending' THEN 'sender_died' ELSE d.reason END AS reason,
        count(*) OVER () AS waiting
    FROM deliveries d
    WHERE d.campaign_id = :campaign AND d.state IN ('accepted', 'scheduled', 'held', 'sending')
        AND d.shard < :end
    ORDER BY 1 LIMIT 1
""")  # noqa: S608

_WAITING = text("""
    SELECT DISTINCT d.shard FROM deliveries d
    WHERE d.campaign_id = :campaign AND d.state IN ('accepted', 'scheduled', 'held')
    ORDER BY d.shard LIMIT :most
""")

_END = text(f"""
    WITH chosen AS (
        SELECT d.id, d.state AS before FROM deliveries d
        WHERE d.campaign_id = :campaign AND d.shard = ANY(CAST(:shards AS int[]))
            AND d.state IN ('accepted', 'scheduled', 'held')
        ORDER BY d.id FOR UPDATE
    )
    UPDATE deliveries d SET state = CASE WHEN d.maybe_sent THEN 'unknown' ELSE :state END,
        reason = :reason, due_at = NULL, lease_token = NULL, lease_until = NULL,
        settled_at = clock_timestamp(), version = d.version + 1
    FROM chosen c WHERE d.id = c.id
    RETURNING {events.CHANGED}, c.before
""")  # noqa: S608


@dataclass(frozen=True, slots=True)
class Next:
    """The first delivery of a campaign that becomes due, why it waits, and how many wait."""

    due_at: datetime
    channel: str
    reason: str
    class_: str
    rounds: int
    waiting: int


async def lease(
    conn: AsyncConnection,
    campaign_id: UUID,
    run: int,
    shard: int,
    frozen: Frozen,
    *,
    expires_at: datetime,
    token: UUID,
    seconds: float,
    most: int,
    winner: int | None = None,
) -> list[Leased]:
    """Lease what is due of a shard, as long as the campaign sends in this run. Who has no variant
    of its test gets the winner.

    What all recipients share comes from `frozen` and is not fetched again for each of them.
    `expires_at` is when a delivery is worth sending no more, if it does not say so itself.
    """
    result = await conn.execute(
        _LEASE,
        {
            "campaign": campaign_id, "run": run, "shard": shard, "token": token,
            "seconds": seconds, "most": most, "winner": winner,
        },
    )  # fmt: skip
    rows = result.all()
    said = {one: frozen.as_variant(one or 0) for one in {row.variant for row in rows}}
    return [_leased(row, said[row.variant], expires_at) for row in rows]


async def find_dead(
    conn: AsyncConnection, campaign_id: UUID, shard: int | None, *, most: int
) -> Sequence[Row[Any]]:
    """Return deliveries of a shard, or of all, whose sender died between mark and settlement."""
    where = {"campaign": campaign_id, "shard": shard, "most": most}
    return (await conn.execute(_DEAD, where)).all()


async def find_due(
    conn: AsyncConnection, campaign_id: UUID, wave: Wave = Wave.REST, *, most: int
) -> list[int]:
    """Return the first shards, up to those of a wave, of which something is due now."""
    asked = {"campaign": campaign_id, "most": most, "end": wave.end}
    result = await conn.execute(_FIND_DUE, asked)
    return list(result.scalars().all())


async def find_next(
    conn: AsyncConnection, campaign_id: UUID, wave: Wave = Wave.REST
) -> Next | None:
    """Return what a campaign has to come back for first, up to a wave; None when nothing waits."""
    asked = {"campaign": campaign_id, "end": wave.end}
    row = (await conn.execute(_FIND_NEXT, asked)).one_or_none()
    if row is None:
        return None
    return Next(row.due_at, row.channel, row.reason, row.class_, row.rounds, row.waiting)


async def end_waiting(
    conn: AsyncConnection, campaign_id: UUID, state: str, reason: str, *, shards: int
) -> int:
    """End what waits in some shards, and return of how many: 0 when nothing waits any more.

    What may have been sent before becomes unknown; what is being sent now is left alone.
    """
    found = await conn.execute(_WAITING, {"campaign": campaign_id, "most": shards})
    chosen = list(found.scalars().all())
    if not chosen:
        return 0
    result = await conn.execute(
        _END, {"campaign": campaign_id, "shards": chosen, "state": state, "reason": reason}
    )
    await events.append(conn, events.delivery_events(result.all()))
    return len(chosen)


def _leased(row: Row[Any], frozen: Frozen, expires_at: datetime) -> Leased:
    data: Mapping[str, Any] = row.data or {}
    return Leased(
        id=row.id,
        notification_id=row.notification_id,
        module_id=row.module_id,
        channel=Channel(row.channel),
        address=row.address,
        target=row.target or {},
        category=row.category,
        class_=CategoryClass(row.class_),
        priority=row.priority,
        attempts=row.attempts,
        rounds=row.rounds,
        maybe_sent=row.maybe_sent,
        expires_at=min(row.expires_at, expires_at),
        template=frozen.template,
        content=frozen.content,
        data={**frozen.data, **data},
        name=row.name,
        locale=row.locale,
        profile_id=row.profile_id,
        timezone=row.timezone,
        mandatory=row.mandatory,
        sender=frozen.sender,
        heeded=tuple(UUID(one) for one in row.heeded or ()),
        tracking=tracking(row),
    )
