"""Settlements: what attempts came to, written once and matched by the attempt's id."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Settlement
from stores.database import dumps
from stores.ledger import events, receipts

_SETTLE = text(f"""
    WITH chosen AS (
        SELECT d.id, d.state AS before, r.state AS next_state, r.reason AS next_reason,
            r.due_at AS next_due, r.doubt, CAST(r.outcome AS jsonb) AS next_outcome,
            r.vendor_id AS next_vendor_id, r.goes_on, r.round, CAST(r.route AS jsonb) AS next_route,
            CAST(r.decision AS jsonb) AS next_decision
        FROM deliveries d JOIN unnest(
            CAST(:ids AS uuid[]), CAST(:attempts AS uuid[]), CAST(:states AS text[]),
            CAST(:reasons AS text[]), CAST(:dues AS timestamptz[]), CAST(:doubts AS boolean[]),
            CAST(:outcomes AS text[]), CAST(:vendor_ids AS text[]), CAST(:going AS boolean[]),
            CAST(:rounds AS boolean[]), CAST(:routes AS text[]), CAST(:decisions AS text[])
        ) AS r(id, attempt_id, state, reason, due_at, doubt, outcome, vendor_id, goes_on, round,
            route, decision) ON r.id = d.id
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
    changed = list((await conn.execute(_SETTLE, _columns(settlements))).all())
    await events.append(conn, events.delivery_events(changed))
    settled = {row.id for row in changed}
    missed = [one for one in settlements if one.attempt_id and one.delivery_id not in settled]
    if missed:
        await conn.execute(_LATE_ANSWER, {"rows": [_late(one) for one in missed]})
    attempts = [row.attempt_id for row in changed if row.attempt_id]
    await receipts.join(conn, attempts, [row.id for row in changed])
    return changed


def _columns(settlements: Sequence[Settlement]) -> dict[str, list[Any]]:
    outcomes = [one.outcome for one in settlements]
    return {
        "ids": [one.delivery_id for one in settlements],
        "attempts": [one.attempt_id for one in settlements],
        "states": [one.state.value for one in settlements],
        "reasons": [one.reason for one in settlements],
        "dues": [one.due_at for one in settlements],
        "doubts": [one.maybe_sent for one in settlements],
        "outcomes": [dumps(one.record()) if one else None for one in outcomes],
        "vendor_ids": [(one.vendor_id or None) if one else None for one in outcomes],
        "going": [one.goes_on for one in settlements],
        "rounds": [one.round for one in settlements],
        "routes": [dumps(list(one.route)) if one.route else None for one in settlements],
        "decisions": [dumps(one.decision) if one.decision else None for one in settlements],
    }


def _late(one: Settlement) -> dict[str, Any]:
    return {
        "attempt_id": one.attempt_id,
        "outcome": one.outcome.record() if one.outcome else None,
        "vendor_id": (one.outcome.vendor_id or None) if one.outcome else None,
    }


def touched(rows: Sequence[Row[Any]]) -> list[UUID]:
    """Return the notifications of changed deliveries, in key order; a campaign's have none."""
    return sorted({row.notification_id for row in rows if row.campaign_id is None})
