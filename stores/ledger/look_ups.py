"""Attempts that nobody knows the end of, and what their vendors say when they are asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import floor_id
from domain.vocabulary import RESENT_WHEN_UNKNOWN, CategoryClass
from stores.ledger import events
from stores.ledger.fold import fold
from stores.ledger.settle import touched

_OLDEST_DAYS: Final = 60
"""No delivery is older whose last attempt is of these days: bounds the search."""

_CLAIM = text("""
    WITH due AS (
        SELECT d.id, coalesce(d.carried_by, d.attempt_id) AS attempt_id, d.account_id, d.vendor_id,
            d.channel, d.address, d.attempted_at
        FROM deliveries d LEFT JOIN look_ups l
            ON l.attempt_id = coalesce(d.carried_by, d.attempt_id)
        WHERE d.state = 'unknown' AND d.id >= :first AND d.address <> ''
            AND d.account_id = ANY(CAST(:accounts AS uuid[]))
            AND d.attempted_at < clock_timestamp() - make_interval(secs => :youngest)
            AND d.attempted_at > clock_timestamp() - make_interval(secs => :oldest)
            AND (l.due_at IS NULL OR l.due_at <= clock_timestamp())
            AND NOT EXISTS (SELECT FROM deliveries o
                WHERE o.carried_by = d.carried_by AND o.state = 'unknown' AND o.id < d.id)
        ORDER BY coalesce(l.due_at, d.attempted_at), d.id LIMIT :most
    ), claimed AS (
        INSERT INTO look_ups AS l (attempt_id, tries, due_at)
        SELECT attempt_id, 1, clock_timestamp() + make_interval(secs => :wait)
        FROM due ORDER BY attempt_id
        ON CONFLICT (attempt_id) DO UPDATE SET tries = l.tries + 1,
            due_at = clock_timestamp()
                + make_interval(secs => :wait * power(2, least(l.tries, :doublings)))
        WHERE l.due_at <= clock_timestamp()
        RETURNING attempt_id
    )
    SELECT due.* FROM due JOIN claimed ON claimed.attempt_id = due.attempt_id ORDER BY due.id
""")

_ABSENT = text(f"""
    WITH asked AS (
        SELECT * FROM unnest(CAST(:deliveries AS uuid[]), CAST(:attempts AS uuid[]))
            AS r(id, attempt_id)
    ), chosen AS (
        SELECT d.id, d.state AS before FROM deliveries d
        WHERE d.id IN (
            SELECT one.id FROM asked JOIN deliveries one
                ON one.id = asked.id AND one.attempt_id = asked.attempt_id
            UNION ALL
            SELECT one.id FROM asked JOIN deliveries one ON one.carried_by = asked.attempt_id
        ) AND d.state = 'unknown' AND d.class = ANY(CAST(:classes AS text[]))
        ORDER BY d.id FOR UPDATE
    )
    UPDATE deliveries d SET state = 'failed', reason = 'not_sent', maybe_sent = false,
        settled_at = clock_timestamp(), version = d.version + 1
    FROM chosen c WHERE d.id = c.id
    RETURNING {events.CHANGED}, c.before
""")  # noqa: S608 - only constants are put together


@dataclass(frozen=True, slots=True)
class Pace:
    """When an unknown attempt is asked for: after `youngest` seconds, until it is `oldest`
    seconds old, first again after `wait` seconds, then twice as late up to `doublings` times.
    """

    youngest: float = 120
    oldest: float = 3 * 86_400
    wait: float = 60
    doublings: int = 9


async def claim(
    conn: AsyncConnection, accounts: Sequence[UUID], *, pace: Pace, most: int
) -> Sequence[Row[Any]]:
    """Return unknown deliveries of accounts that it is time to ask for, each to one caller."""
    result = await conn.execute(
        _CLAIM,
        {
            "first": floor_id(datetime.now(UTC) - timedelta(days=_OLDEST_DAYS)),
            "accounts": list(accounts), "youngest": pace.youngest, "oldest": pace.oldest,
            "wait": pace.wait, "doublings": pace.doublings, "most": most,
        },
    )  # fmt: skip
    return result.all()


async def settle_absent(
    conn: AsyncConnection, absent: Sequence[tuple[UUID, UUID]]
) -> Sequence[Row[Any]]:
    """Settle (delivery, attempt) as not sent, and return what changed: all that a message carried.

    Only classes that are not resent on their own: there the last attempt is the only one in
    doubt. In the others an earlier attempt may have arrived, so they stay unknown.
    """
    once = sorted(set(CategoryClass) - RESENT_WHEN_UNKNOWN)
    result = await conn.execute(
        _ABSENT,
        {
            "deliveries": [delivery for delivery, _ in absent],
            "attempts": [attempt for _, attempt in absent],
            "classes": once,
        },
    )
    changed = result.all()
    await events.append(conn, events.delivery_events(changed))
    await fold(conn, touched(changed))
    return changed
