"""Receipts that come too late: counted for the accounts that have a rule about them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import floor_id

_LOOKED_BACK: Final = timedelta(days=1)
"""Older deliveries are not looked at, however late they were attempted."""

_COUNTED = """
    SELECT a.id, a.slow_seconds, a.slow_share, count(*) AS total, count(*) FILTER (
            WHERE r.first IS NULL
                OR r.first > d.attempted_at + make_interval(secs => a.slow_seconds)
        ) AS slow
    FROM accounts a JOIN account_states s ON s.account_id = a.id
        JOIN deliveries d ON d.account_id = a.id
        LEFT JOIN LATERAL (
            SELECT min(received_at) AS first FROM receipts
            WHERE delivery_id = d.id AND kind IN ('delivered', 'read', 'failed', 'bounced')
        ) r ON true
    WHERE a.slow_seconds IS NOT NULL AND a.slow_share IS NOT NULL
        AND d.id >= :since AND d.state IN ('sent', 'delivered', 'read')
        AND d.attempted_at > clock_timestamp() - make_interval(secs => a.slow_seconds + :window)
        AND d.attempted_at < clock_timestamp() - make_interval(secs => a.slow_seconds)
        AND {which}
    GROUP BY a.id
"""

_JUDGED = _COUNTED.format(
    which="a.enabled AND s.circuit = 'closed' AND d.attempted_at > s.changed_at"
)
_TOO_MANY = text(f"""
    SELECT id, slow_seconds, total, slow FROM ({_JUDGED}) counted
    WHERE total >= :least AND slow >= slow_share * total
""")  # noqa: S608 - only constants are put together

_OF_ACCOUNTS = text(_COUNTED.format(which="a.id = ANY(CAST(:ids AS uuid[]))"))


async def find_too_many(conn: AsyncConnection, *, window: float, least: int) -> dict[UUID, str]:
    """Return the accounts whose receipts come too late, by their own rules, and how often.

    Looked at are messages of the last `window` seconds whose time for a receipt is over, sent
    since the circuit last changed.
    """
    found = await conn.execute(_TOO_MANY, {**_since(), "window": window, "least": least})
    return {
        row.id: f"{row.slow} of {row.total} receipts took longer than {row.slow_seconds:g} s"
        for row in found.all()
    }


async def count(
    conn: AsyncConnection, ids: Sequence[UUID], *, window: float
) -> dict[UUID, tuple[int, int]]:
    """Return (messages, those whose receipt is late) of accounts, as `find_too_many` looks at them,
    whatever their circuits are; accounts without the rule or without messages are left out.
    """
    found = await conn.execute(_OF_ACCOUNTS, {**_since(), "window": window, "ids": list(ids)})
    return {row.id: (row.total, row.slow) for row in found.all()}


def _since() -> dict[str, Any]:
    return {"since": floor_id(datetime.now(UTC) - _LOOKED_BACK)}
