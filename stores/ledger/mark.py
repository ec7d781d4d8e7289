"""Marks: the last look before bytes leave, and the record that they may have left."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Mark
from stores import suppressions
from stores.database import dumps
from stores.ledger import events

# The clock of the statement and not that of the moment: a planner that may look at all suppressions
# in one go, instead of anew for each delivery, needs a clock that stands still.
_SUPPRESSED = """
    EXISTS (
        SELECT 1 FROM suppressions s
        WHERE s.channel = d.channel AND s.address = d.compared
            AND s.confirmation_id IS DISTINCT FROM d.notification_id
            AND (s.module_id IS NULL OR s.module_id = d.module_id)
            AND (s.category IS NULL OR s.category = d.category)
            AND (s.expires_at IS NULL OR s.expires_at > statement_timestamp())
    )
"""
_COMPARED = f"{suppressions.comparable('d.channel', 'd.address')} AS compared"

# Locked first, and only then asked about suppressions: a planner that guesses badly would ask that
# of every delivery there is.
_CHOSEN = f"""
    locked AS MATERIALIZED (
        SELECT d.id, d.state AS before, r.attempt_id AS next_attempt, r.account_id AS next_account,
            r.vendor AS next_vendor, CAST(r.route AS jsonb) AS next_route, d.route, d.attempts,
            CAST(r.decision AS jsonb) AS next_decision, r.carried_by AS next_carrier, d.carried_by,
            d.attempt_id, d.account_id, d.vendor, d.vendor_id,
            d.attempted_at, d.settled_at, d.outcome,
            d.channel, {_COMPARED}, d.notification_id, d.module_id, d.category, d.campaign_id
        FROM deliveries d JOIN unnest(
            CAST(:deliveries AS uuid[]), CAST(:attempts AS uuid[]), CAST(:accounts AS uuid[]),
            CAST(:vendors AS text[]), CAST(:routes AS text[]), CAST(:decisions AS text[]),
            CAST(:carriers AS uuid[])
        ) AS r(delivery_id, attempt_id, account_id, vendor, route, decision, carried_by)
            ON r.delivery_id = d.id
        WHERE d.lease_token = :token
            AND d.lease_until > clock_timestamp() + make_interval(secs => :margin)
            AND d.state IN ('accepted', 'scheduled', 'held')
            AND d.expires_at > clock_timestamp()
        ORDER BY d.id
        FOR UPDATE OF d
    ),
    chosen AS MATERIALIZED (
        SELECT * FROM locked d
        WHERE (d.campaign_id IS NULL OR EXISTS (
                SELECT 1 FROM campaigns c WHERE c.id = d.campaign_id AND c.state = 'sending'
                    AND (c.expires_at IS NULL OR c.expires_at > statement_timestamp())))
            AND NOT {_SUPPRESSED}
    )
"""  # noqa: S608 - only constants are put together

_MARK = text(f"""
    WITH {_CHOSEN},
    archived AS (
        INSERT INTO attempts (id, delivery_id, number, account_id, vendor, vendor_id,
            attempted_at, settled_at, outcome, route, carried_by)
        SELECT attempt_id, id, attempts, account_id, vendor, vendor_id, attempted_at, settled_at,
            outcome, route, carried_by
        FROM chosen WHERE attempts > 0
    ),
    marked AS (
        UPDATE deliveries d SET state = 'sending', reason = '', attempts = d.attempts + 1,
            attempt_id = c.next_attempt, account_id = c.next_account, vendor = c.next_vendor,
            route = c.next_route, decision = coalesce(c.next_decision, d.decision),
            vendor_id = NULL, outcome = NULL, carried_by = c.next_carrier,
            attempted_at = clock_timestamp(), settled_at = NULL, version = d.version + 1,
            lease_until = clock_timestamp() + make_interval(secs => :seconds)
        FROM chosen c WHERE d.id = c.id
        RETURNING {events.CHANGED}, c.before
    ),
    shown AS (
        UPDATE notifications n SET state = 'sending', version = n.version + 1
        FROM (SELECT DISTINCT notification_id FROM marked) m
        WHERE n.id = m.notification_id AND n.state <> 'sending'
    )
    SELECT * FROM marked
""")  # noqa: S608 - only constants are put together

_EXPIRED = "least(d.expires_at, c.expires_at) <= clock_timestamp()"

_LATE = text(f"""
    SELECT d.id, d.maybe_sent, d.expired
    FROM (
        SELECT d.id, d.maybe_sent, {_EXPIRED} AS expired, d.channel, {_COMPARED},
            d.notification_id, d.module_id, d.category
        FROM deliveries d LEFT JOIN campaigns c ON c.id = d.campaign_id
        WHERE d.id = ANY(CAST(:ids AS uuid[])) AND d.lease_token = :token
            AND d.state IN ('accepted', 'scheduled', 'held')
            AND d.lease_until > clock_timestamp() + make_interval(secs => :margin)
    ) d
    WHERE d.expired OR {_SUPPRESSED}
""")  # noqa: S608


async def mark(
    conn: AsyncConnection, marks: Sequence[Mark], *, token: UUID, margin: float, seconds: float
) -> set[UUID]:
    """Mark leased deliveries `sending`, for `seconds` from now, and return those to be sent.

    Left out are rows that were cancelled, expired or suppressed meanwhile, rows of a campaign that
    is not sending now, and rows whose lease is lost or ends within `margin` seconds. Earlier
    attempts move to their own table.
    """
    result = await conn.execute(
        _MARK,
        {
            "deliveries": [one.delivery_id for one in marks],
            "attempts": [one.attempt_id for one in marks],
            "accounts": [one.account_id for one in marks],
            "vendors": [one.vendor for one in marks],
            "routes": [dumps(list(one.route)) if one.route else None for one in marks],
            "decisions": [dumps(one.decision) if one.decision else None for one in marks],
            "carriers": [one.carried_by for one in marks],
            "token": token,
            "margin": margin,
            "seconds": seconds,
        },
    )
    rows = result.all()
    await events.append(conn, events.delivery_events(rows))
    return {row.id for row in rows}


async def find_late(
    conn: AsyncConnection, ids: Sequence[UUID], *, token: UUID, margin: float
) -> dict[UUID, tuple[bool, bool]]:
    """Return, of deliveries that could not be marked though the lease holds, (expired,
    maybe_sent) of those that are expired or else suppressed. What its campaign stopped waits on.
    """
    result = await conn.execute(_LATE, {"ids": list(ids), "token": token, "margin": margin})
    return {row.id: (row.expired, row.maybe_sent) for row in result.all()}
