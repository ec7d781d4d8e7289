"""How accounts did in the last hour, read from their states and counts."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_KINDS = "accepted, rejected, throttled, transient, unknown, refused, receipts, forged"
_SUMS = ", ".join(f"sum({kind}) AS {kind}" for kind in _KINDS.split(", "))

_HOUR = text(f"""
    SELECT account_id, {_SUMS} FROM account_stats
    WHERE account_id = ANY(CAST(:ids AS uuid[]))
        AND bucket > clock_timestamp() - interval '1 hour'
    GROUP BY account_id
""")  # noqa: S608 - only constants are put together

_MINUTES = text(f"""
    SELECT date_trunc('minute', bucket) AS minute, {_SUMS} FROM account_stats
    WHERE account_id = :id AND bucket > clock_timestamp() - interval '1 hour'
    GROUP BY 1 ORDER BY 1
""")  # noqa: S608

_LATENCIES = text("""
    SELECT s.account_id, u.n, sum(u.count) AS answers
    FROM account_stats s, unnest(s.latencies) WITH ORDINALITY AS u(count, n)
    WHERE s.account_id = ANY(CAST(:ids AS uuid[]))
        AND s.bucket > clock_timestamp() - interval '1 hour'
    GROUP BY s.account_id, u.n ORDER BY s.account_id, u.n
""")


async def last_hour(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return the counts of accounts in the last hour; those without any are left out."""
    rows = (await conn.execute(_HOUR, {"ids": list(ids)})).all()
    return {row.account_id: row for row in rows}


async def minutes(conn: AsyncConnection, id: UUID) -> Sequence[Row[Any]]:
    """Return the counts of an account, minute by minute of the last hour."""
    return (await conn.execute(_MINUTES, {"id": id})).all()


async def latencies(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    """Return how many answers of the last hour fell into each class of latency, by account."""
    found: dict[UUID, list[int]] = {}
    for row in (await conn.execute(_LATENCIES, {"ids": list(ids)})).all():
        found.setdefault(row.account_id, []).append(int(row.answers))
    return found


async def states(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, Row[Any]]:
    """Return the circuits and paces of accounts; `slowed_until` only while it is ahead."""
    result = await conn.execute(
        text("""
            SELECT account_id, circuit, reason, changed_at, retry_at, openings, probes_passed,
                pace, CASE WHEN slowed_until > clock_timestamp() THEN slowed_until END
                    AS slowed_until
            FROM account_states WHERE account_id = ANY(CAST(:ids AS uuid[]))
        """),
        {"ids": list(ids)},
    )
    return {row.account_id: row for row in result.all()}
