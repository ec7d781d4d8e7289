"""What receipts mean for an address: suppressed after hard failures, complaints, unsubscriptions.

The end does not depend on the order in which receipts arrive: each is looked at once, together
with those that are there already.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import new_id
from domain.vocabulary import ReceiptKind
from stores import suppressions

_FAILURES: Final = (ReceiptKind.FAILED, ReceiptKind.BOUNCED)
_WISHES: Final = frozenset({"opted_out", "blocked", "complained", "unsubscribed"})
"""Reasons that are the recipient's will towards a sender; others are facts of the address."""

_ADDRESS: Final = suppressions.comparable("d.channel", "d.address")

_SUPPRESS = text(f"""
    WITH wanted AS (
        SELECT DISTINCT ON (d.channel, {_ADDRESS}, module_id, category) g.id, d.channel,
            {_ADDRESS} AS address,
            CASE WHEN g.wish THEN d.module_id END AS module_id,
            CASE WHEN g.category THEN d.category END AS category, g.reason, g.attempt_id
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(
            id uuid, delivery_id uuid, attempt_id uuid, kind text, at timestamptz, reason text,
            wish boolean, category boolean
        ) JOIN deliveries d ON d.id = g.delivery_id
        WHERE d.address <> '' AND NOT EXISTS (
            SELECT 1 FROM receipts r
            WHERE r.attempt_id = g.attempt_id AND r.delivery_id = d.id AND r.kind = 'delivered'
                AND (g.kind = 'failed' OR (g.kind = 'bounced' AND r.at > g.at)))
        ORDER BY d.channel, {_ADDRESS}, module_id, category, g.id
    )
    INSERT INTO suppressions AS s (id, module_id, channel, address, category, reason, source,
        attempt_id)
    SELECT id, module_id, channel, address, category, reason, 'receipt', attempt_id FROM wanted
    ON CONFLICT (channel, address, module_id, category) DO UPDATE SET reason = excluded.reason,
        source = excluded.source, attempt_id = excluded.attempt_id, confirmation_id = NULL,
        created_at = clock_timestamp(), expires_at = NULL, version = s.version + 1
    WHERE s.expires_at <= clock_timestamp()
        OR {suppressions.stronger("excluded.reason", "s.reason")}
""")  # noqa: S608 - only constants are put together

_LIFT = text("""
    DELETE FROM suppressions s
    USING jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(attempt_id uuid, at timestamptz)
    WHERE s.attempt_id = g.attempt_id AND s.source = 'receipt'
        AND s.reason NOT IN ('complained', 'unsubscribed')
        AND NOT EXISTS (
            SELECT 1 FROM receipts r
            WHERE r.attempt_id = g.attempt_id AND r.kind = 'bounced'
                AND r.raw->'hard' = 'true'::jsonb AND r.at >= g.at)
""")


@dataclass(frozen=True, slots=True)
class Told:
    """What a receipt (or a note, which has no kind) says about the address of a delivery."""

    delivery_id: UUID
    attempt_id: UUID
    kind: ReceiptKind | None
    at: datetime
    reason: str = ""
    hard: bool = False
    unsubscribes: bool = False
    machine: bool = False
    url: str = ""
    """What was clicked, without what may be personal in it."""


async def apply(conn: AsyncConnection, told: Sequence[Told]) -> None:
    """Suppress, or suppress no longer, what receipts are about that were heard just now.

    A later delivery takes back what a failure of the same attempt did, and nothing else. The
    deliveries must be locked, so that receipts which arrive together see each other.
    """
    rows = [row for one in told for row in _suppressions(one)]
    if rows:
        await conn.execute(_SUPPRESS, {"rows": rows})
    arrived = [one for one in told if one.kind is ReceiptKind.DELIVERED]
    if arrived:
        lifted = [{"attempt_id": one.attempt_id, "at": one.at} for one in arrived]
        await conn.execute(_LIFT, {"rows": lifted})


def _suppressions(one: Told) -> list[dict[str, Any]]:
    rows = []
    if one.hard and one.kind in _FAILURES:
        usual = "hard_bounce" if one.kind is ReceiptKind.BOUNCED else "invalid_address"
        rows.append(_row(one, one.reason or usual))
    if one.kind is ReceiptKind.COMPLAINED:
        rows.append(_row(one, "complained"))
    if one.unsubscribes:
        rows.append(_row(one, "unsubscribed", category=True))
    return rows


def _row(one: Told, reason: str, *, category: bool = False) -> dict[str, Any]:
    return {
        "id": new_id(), "delivery_id": one.delivery_id, "attempt_id": one.attempt_id,
        "kind": one.kind if reason not in ("complained", "unsubscribed") else None,
        "at": one.at, "reason": reason, "wish": reason in _WISHES, "category": category,
    }  # fmt: skip
