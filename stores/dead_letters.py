"""Deliveries that ended without being sent, or without anybody knowing: found, and reopened."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.retry import LIFETIMES
from stores.ledger import events
from stores.ledger.fold import fold

FILTERS: Mapping[str, str] = {
    "module_id": "d.module_id = :module_id",
    "ids": "d.id = ANY(CAST(:ids AS uuid[]))",
    "states": "d.state = ANY(CAST(:states AS text[]))",
    "reasons": "d.reason = ANY(CAST(:reasons AS text[]))",
    "channels": "d.channel = ANY(CAST(:channels AS text[]))",
    "categories": "d.category = ANY(CAST(:categories AS text[]))",
    "accounts": "a.name = ANY(CAST(:accounts AS text[]))",
    "since": "d.id >= :since",
    "until": "d.id < :until",
    "before": "d.id < :before",
}
"""The conditions that a list may be narrowed by, each with its bind."""

_DEAD = "d.state IN ('failed', 'expired', 'unknown')"
_SELECT = """
    SELECT d.id, d.notification_id, d.channel, d.address, d.category, d.class AS class_, d.priority,
        d.state, d.reason, d.attempts, d.maybe_sent, d.vendor, a.name AS account,
        d.settled_at, d.outcome->>'vendor_code' AS vendor_code, m.key AS module_key, d.campaign_id,
        (SELECT n.erased_at FROM notifications n WHERE n.id = d.notification_id) AS erased_at
    FROM deliveries d JOIN modules m ON m.id = d.module_id
        LEFT JOIN accounts a ON a.id = d.account_id
"""
LIFETIMES_CASE: Final = " ".join(
    f"WHEN '{class_}' THEN {lifetime // timedelta(seconds=1)}"
    for class_, lifetime in LIFETIMES.items()
)

_REOPEN = text(f"""
    WITH chosen AS (
        SELECT d.id, d.state AS before, CASE d.class {LIFETIMES_CASE} END AS seconds
        FROM deliveries d
        WHERE d.id = ANY(CAST(:ids AS uuid[])) AND {_DEAD} AND d.class <> 'otp'
            AND d.campaign_id IS NULL
        ORDER BY d.id FOR UPDATE
    ), reopened AS (
        UPDATE deliveries d SET state = 'accepted', reason = '', rounds = 0,
            due_at = clock_timestamp(), settled_at = NULL, version = d.version + 1,
            expires_at = greatest(d.expires_at,
                clock_timestamp() + make_interval(secs => c.seconds))
        FROM chosen c WHERE d.id = c.id
        RETURNING {events.CHANGED}, c.before, d.expires_at
    ), woken AS (
        UPDATE notifications n SET finished_at = NULL, due_at = clock_timestamp(),
            expires_at = greatest(n.expires_at, r.expires_at), workflow_id = :workflow,
            swept_at = NULL, sweeps = 0
        FROM (SELECT notification_id, max(expires_at) AS expires_at FROM reopened
            GROUP BY notification_id) r
        WHERE n.id = r.notification_id
    )
    SELECT * FROM reopened
""")  # noqa: S608 - only constants are put together


async def find(
    conn: AsyncConnection, filters: Mapping[str, Any], *, most: int
) -> Sequence[Row[Any]]:
    """Return dead deliveries that pass all filters (keys of FILTERS), newest first."""
    conditions = "".join(f" AND ({FILTERS[name]})" for name in filters)
    statement = text(f"{_SELECT} WHERE {_DEAD}{conditions} ORDER BY d.id DESC LIMIT :most")
    return (await conn.execute(statement, {**filters, "most": most})).all()


async def reopen(conn: AsyncConnection, ids: Sequence[UUID], workflow_id: str) -> set[UUID]:
    """Let dead deliveries be sent once more, by this workflow; return their notifications.

    They are the same rows, so that nothing is asked anew; what is past its time gets the usual
    time of its class. One-time passwords stay as they are, and what is a campaign's, which is
    approved before it is sent again.
    """
    rows = (await conn.execute(_REOPEN, {"ids": list(ids), "workflow": workflow_id})).all()
    await events.append(conn, events.delivery_events(rows))
    notifications = {row.notification_id for row in rows}
    await fold(conn, sorted(notifications))
    return notifications
