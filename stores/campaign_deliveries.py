"""The deliveries of a campaign: counted, listed, settled by hand, and opened once more."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.vocabulary import SENT_STATES, Channel
from stores.dead_letters import LIFETIMES_CASE
from stores.ledger import events

FILTERS: Mapping[str, str] = {
    "campaign": "d.campaign_id = :campaign",
    "states": "d.state = ANY(CAST(:states AS text[]))",
    "reasons": "d.reason = ANY(CAST(:reasons AS text[]))",
    "channels": "d.channel = ANY(CAST(:channels AS text[]))",
    "variants": "d.variant = ANY(CAST(:variants AS int[]))",
    "receipts": """EXISTS (SELECT FROM receipts r WHERE r.delivery_id = d.id
        AND r.kind = ANY(CAST(:receipts AS text[])))""",
    "before": "d.id < :before",
}
"""The conditions that a list may be narrowed by, each with its bind."""

_MISSED: Final = (
    "(d.state IN ('failed', 'expired')"
    " OR d.state = 'cancelled' AND d.reason IN ('aborted', 'rejected'))"
)
"""What was asked for and surely not sent, though no rule of the recipient's forbade it."""

_COUNT = text("""
    SELECT d.channel, d.state, d.reason, d.variant, count(*) AS n FROM deliveries d
    WHERE d.campaign_id = :campaign GROUP BY d.channel, d.state, d.reason, d.variant
""")

_SENT = text("""
    SELECT count(*) FROM deliveries d
    WHERE d.campaign_id = :campaign AND d.channel = :channel
        AND d.state = ANY(CAST(:states AS text[]))
""")

_RECEIPTS = text("""
    SELECT r.kind, count(DISTINCT r.delivery_id) AS n
    FROM deliveries d JOIN receipts r ON r.delivery_id = d.id
    WHERE d.campaign_id = :campaign
        AND coalesce(r.raw->'machine', 'false'::jsonb) <> 'true'::jsonb
    GROUP BY r.kind
""")

_LIST = """
    SELECT d.id, d.notification_id, d.profile_id, d.channel, d.address, d.state, d.reason,
        d.created_at, d.due_at, d.attempts, d.vendor, d.vendor_id, a.name AS account,
        d.attempted_at, d.settled_at, d.variant, e.opened_at, e.clicked_at, e.unsubscribed_at
    FROM deliveries d LEFT JOIN accounts a ON a.id = d.account_id
        LEFT JOIN LATERAL (
            SELECT min(occurred_at) FILTER (WHERE kind = 'opened') AS opened_at,
                min(occurred_at) FILTER (WHERE kind = 'clicked') AS clicked_at,
                min(occurred_at) FILTER (WHERE kind = 'unsubscribed') AS unsubscribed_at
            FROM engagements WHERE delivery_id = d.id AND NOT machine
        ) e ON true
"""

_SETTLE = text(f"""
    WITH chosen AS (
        SELECT d.id, d.state AS before FROM deliveries d
        WHERE d.campaign_id = :campaign AND d.state = 'unknown'
            AND (CAST(:ids AS uuid[]) IS NULL OR d.id = ANY(CAST(:ids AS uuid[])))
        ORDER BY d.id FOR UPDATE OF d
    )
    UPDATE deliveries d SET state = :state, reason = :reason, settled_at = clock_timestamp(),
        maybe_sent = d.maybe_sent AND :state = 'sent', version = d.version + 1
    FROM chosen c WHERE d.id = c.id
    RETURNING {events.CHANGED}, c.before
""")  # noqa: S608 - only constants are put together

_REOPEN = text(f"""
    WITH chosen AS (
        SELECT d.id, d.state AS before, CASE d.class {LIFETIMES_CASE} END AS seconds
        FROM deliveries d
        WHERE d.campaign_id = :campaign AND {_MISSED}
        ORDER BY d.id FOR UPDATE OF d
    )
    UPDATE deliveries d SET state = 'accepted', reason = '', rounds = 0, settled_at = NULL,
        due_at = clock_timestamp(), lease_token = NULL, lease_until = NULL,
        version = d.version + 1,
        expires_at = greatest(d.expires_at, clock_timestamp() + make_interval(secs => c.seconds))
    FROM chosen c WHERE d.id = c.id
    RETURNING {events.CHANGED}, c.before
""")  # noqa: S608 - only constants are put together


async def count(conn: AsyncConnection, campaign_id: UUID) -> Sequence[Row[Any]]:
    """Return how many deliveries there are by channel, state, reason and variant of a test."""
    return (await conn.execute(_COUNT, {"campaign": campaign_id})).all()


async def count_receipts(conn: AsyncConnection, campaign_id: UUID) -> dict[str, int]:
    """Return how many deliveries have a receipt of each kind; those by programs do not count."""
    rows = (await conn.execute(_RECEIPTS, {"campaign": campaign_id})).all()
    return {row.kind: row.n for row in rows}


async def count_sent(conn: AsyncConnection, campaign_id: UUID, channel: Channel) -> int:
    """Return how many deliveries were sent on a channel."""
    where = {"campaign": campaign_id, "channel": channel, "states": list(SENT_STATES)}
    return int((await conn.execute(_SENT, where)).scalar_one())


async def find(
    conn: AsyncConnection, filters: Mapping[str, Any], *, most: int
) -> Sequence[Row[Any]]:
    """Return deliveries that pass all filters (keys of FILTERS), newest first."""
    conditions = " AND ".join(f"({FILTERS[name]})" for name in filters)
    statement = text(f"{_LIST} WHERE {conditions} ORDER BY d.id DESC LIMIT :most")
    return (await conn.execute(statement, {**filters, "most": most})).all()


async def settle_unknown(
    conn: AsyncConnection, campaign_id: UUID, ids: Sequence[UUID] | None, *, sent: bool
) -> int:
    """Settle `unknown` deliveries, those named or all, as somebody found out; return how many.

    What was not sent is failed, and so can be sent again as missed.
    """
    result = await conn.execute(
        _SETTLE,
        {
            "campaign": campaign_id, "ids": None if ids is None else list(ids),
            "state": "sent" if sent else "failed",
            "reason": "" if sent else "not_sent",
        },
    )  # fmt: skip
    return await _told(conn, result.all())


async def reopen_missed(conn: AsyncConnection, campaign_id: UUID) -> int:
    """Let the same rows wait once more that failed, expired or were cancelled with the campaign;
    return how many.
    """
    result = await conn.execute(_REOPEN, {"campaign": campaign_id})
    return await _told(conn, result.all())


async def hash_waiting(conn: AsyncConnection, campaign_id: UUID) -> str:
    """Return a hash over the ids of what waits."""
    result = await conn.execute(
        text("""
            SELECT encode(sha256(coalesce(string_agg(uuid_send(d.id), '' ORDER BY d.id), '')),
                'hex')
            FROM deliveries d WHERE d.campaign_id = :campaign
                AND d.state IN ('accepted', 'scheduled', 'held')
        """),
        {"campaign": campaign_id},
    )
    return str(result.scalar_one())


async def _told(conn: AsyncConnection, rows: Sequence[Row[Any]]) -> int:
    await events.append(conn, events.delivery_events(rows))
    return len(rows)
