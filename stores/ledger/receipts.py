"""Receipts: what vendors say afterwards, in any order; states have ranks and only rise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.vocabulary import CategoryClass, ReceiptKind
from stores import webhook_calls
from stores.ledger import effects, engagements, events

_ATTEMPTS = text("""
    SELECT wanted.id, d.id AS delivery_id, d.account_id, d.class AS class_
    FROM unnest(CAST(:attempts AS uuid[])) AS wanted(id)
        JOIN deliveries d ON d.attempt_id = wanted.id
    UNION ALL
    SELECT a.id, a.delivery_id, a.account_id, d.class
    FROM attempts a JOIN deliveries d ON d.id = a.delivery_id
    WHERE a.id = ANY(CAST(:attempts AS uuid[]))
    UNION ALL
    SELECT c.carried_by, d.id, c.account_id, d.class
    FROM (
        SELECT carried_by, id AS delivery_id, account_id FROM deliveries
        WHERE carried_by = ANY(CAST(:attempts AS uuid[]))
        UNION ALL
        SELECT carried_by, delivery_id, account_id FROM attempts
        WHERE carried_by = ANY(CAST(:attempts AS uuid[]))
    ) c JOIN deliveries d ON d.id = c.delivery_id
""")

_CARRIED = text("""
    SELECT carried_by, attempt_id FROM deliveries WHERE carried_by = ANY(CAST(:attempts AS uuid[]))
    UNION ALL
    SELECT carried_by, id FROM attempts WHERE carried_by = ANY(CAST(:attempts AS uuid[]))
""")

_INSERT = text("""
    INSERT INTO receipts (attempt_id, kind, event_key, account_id, call_id, at, raw)
    SELECT attempt_id, kind, event_key, account_id, call_id, at, raw
    FROM jsonb_populate_recordset(NULL::receipts, CAST(:rows AS jsonb))
    ORDER BY attempt_id, kind, event_key
    ON CONFLICT DO NOTHING
    RETURNING attempt_id, kind, event_key
""")

_ANY = text("""
    SELECT EXISTS (SELECT 1 FROM receipts WHERE attempt_id = ANY(CAST(:attempts AS uuid[])))
        OR EXISTS (SELECT 1 FROM receipts WHERE delivery_id = ANY(CAST(:deliveries AS uuid[])))
""")

_JOIN = text("""
    UPDATE receipts r SET delivery_id = found.delivery_id,
        raw = CASE found.class WHEN 'otp' THEN (
            SELECT coalesce(jsonb_object_agg(f.key, f.value), '{}') FROM jsonb_each(r.raw) f
            WHERE f.key IN ('reason', 'code', 'hard', 'unsubscribes', 'machine')
        ) ELSE r.raw END
    FROM (
        SELECT d.attempt_id, d.id AS delivery_id, d.class, d.account_id FROM deliveries d
        JOIN unnest(CAST(:attempts AS uuid[])) AS wanted(id) ON wanted.id = d.attempt_id
        UNION ALL
        SELECT a.id, a.delivery_id, d.class, a.account_id FROM attempts a
        JOIN unnest(CAST(:attempts AS uuid[])) AS wanted(id) ON wanted.id = a.id
        JOIN deliveries d ON d.id = a.delivery_id
    ) AS found
    WHERE r.attempt_id = found.attempt_id AND r.delivery_id IS NULL
        AND (r.account_id IS NULL OR r.account_id = found.account_id)
    RETURNING r.delivery_id, r.attempt_id, r.kind, r.at, r.raw, r.call_id,
        r.received_at < now() AS waited
""")

_LOCK = text(f"""
    SELECT {events.CHANGED} FROM deliveries d
    WHERE d.id = ANY(CAST(:ids AS uuid[])) ORDER BY d.id FOR UPDATE
""")  # noqa: S608 - only constants are put together

_RAISE = text(f"""
    WITH proof AS (
        SELECT r.delivery_id, max(CASE
            WHEN r.kind = 'read' THEN 3
            WHEN r.kind IN ('opened', 'clicked') THEN
                CASE WHEN coalesce(r.raw->'machine' = 'true'::jsonb, false) THEN 2 ELSE 3 END
            WHEN r.kind = 'delivered' THEN 2 ELSE 1 END) AS rank
        FROM receipts r WHERE r.delivery_id = ANY(CAST(:ids AS uuid[]))
        GROUP BY r.delivery_id
    ), chosen AS (
        SELECT d.id, d.state AS before,
            CASE p.rank WHEN 3 THEN 'read' WHEN 2 THEN 'delivered' ELSE 'sent' END AS next_state
        FROM deliveries d JOIN proof p ON p.delivery_id = d.id
        WHERE p.rank > CASE d.state WHEN 'read' THEN 3 WHEN 'delivered' THEN 2 WHEN 'sent' THEN 1
            ELSE 0 END AND d.state <> 'sending'
        ORDER BY d.id FOR UPDATE OF d
    )
    UPDATE deliveries d SET state = c.next_state, reason = '', due_at = NULL, maybe_sent = true,
        lease_token = NULL, lease_until = NULL,
        settled_at = coalesce(d.settled_at, clock_timestamp()), version = d.version + 1
    FROM chosen c WHERE d.id = c.id
    RETURNING {events.CHANGED}, c.before
""")  # noqa: S608 - only constants are put together


TRACKED: Final = "tracked"
"""In the `raw` of a receipt: Tocsin saw it itself, and has recorded the engagement already."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One authentic thing a vendor said of an attempt; `event_key` tells duplicates apart.

    `raw` holds {reason, code, hard, unsubscribes, machine} and, where it may be kept, the url of
    a click and the vendor's own words. `account_id` None: it may be about any account's attempt.
    """

    attempt_id: UUID
    kind: ReceiptKind
    event_key: str
    account_id: UUID | None
    at: datetime
    raw: dict[str, Any]
    call_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What must be known of an attempt before anything that is said of it is believed."""

    id: UUID
    delivery_id: UUID
    account_id: UUID | None
    class_: CategoryClass


@dataclass(frozen=True, slots=True)
class Inserted:
    """How many receipts were new, and the attempts that they are of, to be joined."""

    fresh: int
    attempts: Sequence[UUID]


async def find_attempts(conn: AsyncConnection, attempts: Sequence[UUID]) -> dict[UUID, Attempt]:
    """Return the attempts that exist, by their ids."""
    rows = (await conn.execute(_ATTEMPTS, {"attempts": list(attempts)})).all()
    return {
        row.id: Attempt(row.id, row.delivery_id, row.account_id, CategoryClass(row.class_))
        for row in rows
    }


async def keep(conn: AsyncConnection, given: Sequence[Receipt]) -> list[UUID]:
    """Keep receipts (a repeated one changes nothing) and return the notifications they moved.

    One that matches no attempt yet waits for `join`.
    """
    return await join(conn, (await insert(conn, given)).attempts)


async def insert(conn: AsyncConnection, given: Sequence[Receipt]) -> Inserted:
    """Write receipts; `join` must follow.

    One of a message that carried several deliveries is written for the attempt of each.
    """
    if not given:
        return Inserted(0, [])
    carried = await _carried(conn, [one.attempt_id for one in given])
    rows = [
        {
            "attempt_id": attempt, "kind": one.kind, "event_key": one.event_key,
            "account_id": one.account_id, "call_id": one.call_id, "at": one.at, "raw": one.raw,
        }
        for one in given
        for attempt in carried.get(one.attempt_id, [one.attempt_id])
    ]  # fmt: skip
    written = (await conn.execute(_INSERT, {"rows": rows})).all()
    message = {attempt: one for one, attempts in carried.items() for attempt in attempts}
    fresh = {
        (message.get(row.attempt_id, row.attempt_id), row.kind, row.event_key) for row in written
    }
    meant = {each for one in given for each in carried.get(one.attempt_id, [one.attempt_id])}
    return Inserted(len(fresh), sorted(meant))


async def join(
    conn: AsyncConnection, attempts: Sequence[UUID], deliveries: Sequence[UUID] = ()
) -> list[UUID]:
    """Give waiting receipts to the deliveries of these attempts and raise their states.

    `deliveries` just settled are raised too: a receipt may have come while they were sending.
    A receipt of another account than the attempt's is never joined. What follows for the address
    (suppressed, or no longer) happens here, once for each receipt. What a vendor said of a one-time
    code is not kept: it may repeat it.
    """
    where = {"attempts": list(attempts), "deliveries": list(deliveries)}
    if not (await conn.execute(_ANY, where)).scalar_one():
        return []
    joined = (await conn.execute(_JOIN, {"attempts": list(attempts)})).all()
    told = {row.delivery_id for row in joined}
    locked = {row.id: row for row in (await conn.execute(_LOCK, {"ids": sorted(told)})).all()}
    await webhook_calls.matched(
        conn, sorted({row.call_id for row in joined if row.waited} - {None})
    )
    raised = (await conn.execute(_RAISE, {"ids": sorted({*told, *deliveries})})).all()
    told_of = [_told(row) for row in joined]
    await effects.apply(conn, told_of)
    await engagements.hear(
        conn, [one for one, row in zip(told_of, joined, strict=True) if not row.raw.get(TRACKED)]
    )
    await events.append(
        conn,
        [
            *(events.receipt_event(locked[row.delivery_id], row) for row in joined),
            *events.delivery_events(raised),
        ],
    )
    return sorted({row.notification_id for row in raised if row.campaign_id is None})


async def _carried(conn: AsyncConnection, messages: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Return the attempts of the deliveries that messages carried together, by the messages."""
    found: dict[UUID, list[UUID]] = {}
    for row in await conn.execute(_CARRIED, {"attempts": list(messages)}):
        found.setdefault(row.carried_by, []).append(row.attempt_id)
    return found


def _told(row: Row[Any]) -> effects.Told:
    return effects.Told(
        delivery_id=row.delivery_id,
        attempt_id=row.attempt_id,
        kind=ReceiptKind(row.kind),
        at=row.at,
        reason=row.raw.get("reason") or "",
        hard=bool(row.raw.get("hard")),
        unsubscribes=bool(row.raw.get("unsubscribes")),
        machine=bool(row.raw.get("machine")),
        url=row.raw.get("url") or "",
    )
