"""Receipts: what vendors say afterwards, in any order; states have ranks and only rise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.vocabulary import ReceiptKind
from stores.ledger import events

_KEEP = text("""
    INSERT INTO receipts (attempt_id, kind, event_key, account_id, at, raw)
    SELECT attempt_id, kind, event_key, account_id, at, raw
    FROM jsonb_populate_recordset(NULL::receipts, CAST(:rows AS jsonb))
    ORDER BY attempt_id, kind, event_key
    ON CONFLICT DO NOTHING
""")

_ANY = text("""
    SELECT EXISTS (SELECT 1 FROM receipts WHERE attempt_id = ANY(CAST(:attempts AS uuid[])))
        OR EXISTS (SELECT 1 FROM receipts WHERE delivery_id = ANY(CAST(:deliveries AS uuid[])))
""")

_JOIN = text("""
    UPDATE receipts r SET delivery_id = found.delivery_id,
        raw = CASE found.class WHEN 'otp' THEN '{}' ELSE r.raw END
    FROM (
        SELECT d.attempt_id, d.id AS delivery_id, d.class FROM deliveries d
        JOIN unnest(CAST(:attempts AS uuid[])) AS wanted(id) ON wanted.id = d.attempt_id
        UNION ALL
        SELECT a.id, a.delivery_id, d.class FROM attempts a
        JOIN unnest(CAST(:attempts AS uuid[])) AS wanted(id) ON wanted.id = a.id
        JOIN deliveries d ON d.id = a.delivery_id
    ) AS found
    WHERE r.attempt_id = found.attempt_id AND r.delivery_id IS NULL
    RETURNING r.delivery_id
""")

_RAISE = text(f"""
    WITH proof AS (
        SELECT r.delivery_id, max(CASE r.kind
            WHEN 'read' THEN 3 WHEN 'opened' THEN 3 WHEN 'clicked' THEN 3
            WHEN 'delivered' THEN 2 ELSE 1 END) AS rank
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


@dataclass(frozen=True, slots=True)
class Receipt:
    """One authentic thing a vendor said of an attempt; `event_key` tells duplicates apart."""

    attempt_id: UUID
    kind: ReceiptKind
    event_key: str
    account_id: UUID | None
    at: datetime
    raw: dict[str, Any]


async def keep(conn: AsyncConnection, given: Sequence[Receipt]) -> list[UUID]:
    """Keep receipts (a repeated one changes nothing) and return the notifications they moved.

    One that matches no attempt yet waits for `join`.
    """
    rows = [
        {
            "attempt_id": one.attempt_id, "kind": one.kind, "event_key": one.event_key,
            "account_id": one.account_id, "at": one.at, "raw": one.raw,
        }
        for one in given
    ]  # fmt: skip
    await conn.execute(_KEEP, {"rows": rows})
    return await join(conn, sorted({one.attempt_id for one in given}))


async def join(
    conn: AsyncConnection, attempts: Sequence[UUID], deliveries: Sequence[UUID] = ()
) -> list[UUID]:
    """Give waiting receipts to the deliveries of these attempts and raise their states.

    `deliveries` just settled are raised too: a receipt may have come while they were sending.
    What a vendor said of a one-time code is not kept: it may repeat it.
    """
    where = {"attempts": list(attempts), "deliveries": list(deliveries)}
    if not (await conn.execute(_ANY, where)).scalar_one():
        return []
    joined = (await conn.execute(_JOIN, {"attempts": list(attempts)})).scalars().all()
    raised = (await conn.execute(_RAISE, {"ids": sorted({*joined, *deliveries})})).all()
    await events.append(conn, [events.delivery_event(row) for row in raised])
    return sorted({row.notification_id for row in raised})
