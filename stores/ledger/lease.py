"""Leases: a pass takes due deliveries for itself, for a bounded time."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Leased
from domain.one_time_codes import Seed
from domain.tracking import Tracking, tracking_of
from domain.vocabulary import CategoryClass, Channel
from stores.preferences import refuses_tracking

_REFUSES: Final = refuses_tracking("c", "array_append(n.heeded, n.profile_id)")

_LEASE = text(f"""
    WITH due AS (
        SELECT d.id, d.digest_id
        FROM deliveries d JOIN notifications n ON n.id = d.notification_id
        WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) AND n.workflow_id = :workflow
            AND d.state IN ('accepted', 'scheduled', 'held') AND d.due_at <= clock_timestamp()
            AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())
        ORDER BY coalesce(d.digest_id, d.id), d.id LIMIT :most
        FOR UPDATE OF d SKIP LOCKED
    ), leased AS (
        UPDATE deliveries d SET lease_token = :token,
            lease_until = clock_timestamp() + make_interval(secs => :seconds)
        FROM due WHERE d.id = due.id
        RETURNING d.*
    )
    SELECT l.id, l.notification_id, l.module_id, l.channel, l.address, l.target, l.category,
        l.class AS class_, l.priority, l.attempts, l.rounds, l.maybe_sent, l.expires_at,
        n.template_id, n.template_version, n.content, n.data, n.profile_id, n.heeded,
        coalesce(n.recipient->>'name', p.name) AS name,
        coalesce(n.recipient->>'locale', p.locale) AS locale,
        coalesce(n.recipient->>'timezone', p.timezone) AS timezone,
        o.id AS otp_id, o.key_id AS otp_key_id, o.generation AS otp_generation,
        o.length AS otp_length, coalesce(c.mandatory, false) AS mandatory,
        l.digest_id, g.opened_by AS counts_as,
        coalesce(c.track_opens, false) AS track_opens,
        coalesce(c.track_clicks, false) AS track_clicks, {_REFUSES} AS refuses_tracking
    FROM leased l JOIN notifications n ON n.id = l.notification_id
        LEFT JOIN profiles p ON p.id = n.profile_id
        LEFT JOIN otps o ON o.id = n.otp_id
        LEFT JOIN categories c ON c.key = l.category
        LEFT JOIN digests g ON g.id = l.digest_id
    ORDER BY coalesce(l.digest_id, l.id), l.id
""")  # noqa: S608 - only constants are put together

_RELEASE = text("""
    UPDATE deliveries SET lease_token = NULL, lease_until = NULL
    WHERE id = ANY(CAST(:ids AS uuid[])) AND lease_token = :token
        AND state IN ('accepted', 'scheduled', 'held')
""")

_DEAD = text("""
    SELECT d.id, d.attempt_id, d.class AS class_, d.rounds, d.maybe_sent, d.expires_at
    FROM deliveries d
    WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) AND d.state = 'sending'
        AND d.lease_until < clock_timestamp()
    ORDER BY d.id
""")


async def lease(
    conn: AsyncConnection,
    ids: Sequence[UUID],
    *,
    workflow_id: str,
    token: UUID,
    seconds: float,
    most: int,
) -> list[Leased]:
    """Lease the due deliveries of a workflow's notifications; others' leases are respected."""
    result = await conn.execute(
        _LEASE,
        {
            "ids": list(ids), "workflow": workflow_id, "token": token, "seconds": seconds,
            "most": most,
        },
    )  # fmt: skip
    return [_leased(row) for row in result.all()]


async def release(conn: AsyncConnection, ids: Sequence[UUID], token: UUID) -> None:
    """Give leased deliveries back that were not marked."""
    await conn.execute(_RELEASE, {"ids": list(ids), "token": token})


async def find_dead(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the deliveries whose sender died between its mark and its settlement."""
    return (await conn.execute(_DEAD, {"ids": list(ids)})).all()


def _leased(row: Row[Any]) -> Leased:
    template = (row.template_id, row.template_version) if row.template_id else None
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
        expires_at=row.expires_at,
        template=template,
        content=row.content,
        data=row.data,
        name=row.name,
        locale=row.locale,
        profile_id=row.profile_id,
        timezone=row.timezone,
        mandatory=row.mandatory,
        heeded=tuple(row.heeded or ()),
        otp=_seed(row) if row.otp_id else None,
        digest_id=row.digest_id,
        counts_as=row.counts_as,
        tracking=tracking(row),
    )


def tracking(row: Row[Any]) -> Tracking:
    """Return what is to be seen of a leased row, by its category and its recipient."""
    return tracking_of(
        CategoryClass(row.class_),
        mandatory=row.mandatory,
        opens=row.track_opens,
        clicks=row.track_clicks,
        refused=row.refuses_tracking,
    )


def _seed(row: Row[Any]) -> Seed:
    return Seed(row.otp_id, row.otp_key_id, row.otp_generation, row.otp_length)
