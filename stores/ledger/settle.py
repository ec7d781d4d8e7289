"""Settlements: what attempts came to, written once and matched by the attempt's id."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Settlement
from stores.ledger import events, receipts

_SETTLE = text(f"""
    WITH chosen AS (
        SELECT d.id, d.state AS before, r.state AS next_state, r.reason AS next_reason,
            r.due_at AS next_due, r.doubt, r.outcome AS next_outcome, r.vendor_id AS next_vendor_id,
            r.goes_on, r.round, r.route AS next_route, r.decision AS next_decision
        FROM deliveries d JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
            id uuid, attempt_id uuid, state text, reason text, due_at timestamptz, doubt boolean,
            outcome jsonb, vendor_id text, goes_on boolean, round boolean, route jsonb,
            decision jsonb
        ) ON r.id = d.id
        WHERE CASE
            WHEN r.attempt_id IS NULL THEN d.state IN ('accepted', 'scheduled', 'held')
            WHEN d.attempt_id IS DISTINCT FROM r.attempt_id THEN false
            ELSE d.state = 'sending'
                OR (r.state = 'sent' AND d.state IN ('unknown', 'held', 'expired', 'failed'))
        END
        ORDER BY d.id
        FOR UPDATE OF d
    )
    UPDATE deliveries d SET state = c.next_state, reason = c.next_reason, due_at = c.next_due,
        maybe_sent = d.maybe_sent OR c.doubt, outcome = coalesce(c.next_outcome, d.outcome),
        vendor_id = coalesce(c.next_vendor_id, d.vendor_id), settled_at = clock_timestamp(),
        lease_token = CASE WHEN c.goes_on THEN d.lease_token END,
        lease_until = CASE WHEN c.goes_on THEN d.lease_until END,
        rounds = d.rounds + CASE WHEN c.round THEN 1 ELSE 0 END,
        route = coalesce(c.next_route, d.route),
        decision = coalesce(c.next_decision, d.decision), version = d.version + 1
    FROM chosen c WHERE d.id = c.id
    RETURNING {events.CHANGED}, c.before, d.attempt_id
""")  # noqa: S608 - only constants are put together

_LATE_ANSWER = text("""
    UPDATE attempts a SET outcome = r.outcome, vendor_id = r.vendor_id,
        settled_at = clock_timestamp()
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        attempt_id uuid, outcome jsonb, vendor_id text
    ) WHERE a.id = r.attempt_id
""")


async def settle(conn: AsyncConnection, settlements: Sequence[Settlement]) -> list[Row[Any]]:
    """Write settlements and return the rows that changed, each with its state `before`.

    A settlement of an attempt that was given up as unknown still counts when it proves that the
    message was sent; one that meets a newer attempt is kept with its own attempt.
    """
    if not settlements:
        return []
    rows = [_row(one) for one in settlements]
    changed = list((await conn.execute(_SETTLE, {"rows": rows})).all())
    await events.append(conn, [events.delivery_event(row) for row in changed])
    settled = {row.id for row in changed}
    missed = [row for row in rows if row["id"] not in settled and row["attempt_id"]]
    if missed:
        await conn.execute(_LATE_ANSWER, {"rows": missed})
    attempts = [row.attempt_id for row in changed if row.attempt_id]
    await receipts.join(conn, attempts, [row.id for row in changed])
    return changed


def _row(one: Settlement) -> dict[str, Any]:
    outcome = one.outcome
    return {
        "id": one.delivery_id,
        "attempt_id": one.attempt_id,
        "state": one.state,
        "reason": one.reason,
        "due_at": one.due_at,
        "doubt": one.maybe_sent,
        "goes_on": one.goes_on,
        "round": one.round,
        "route": list(one.route) or None,
        "decision": one.decision,
        "outcome": None if outcome is None else asdict(outcome),
        "vendor_id": (outcome.vendor_id or None) if outcome else None,
    }


def touched(rows: Sequence[Row[Any]]) -> list[UUID]:
    """Return the notifications of changed deliveries, in key order; a campaign's have none."""
    return sorted({row.notification_id for row in rows if row.campaign_id is None})
