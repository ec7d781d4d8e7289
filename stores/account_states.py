"""Health and pace of accounts, shared by all processes: circuits, probes, tokens, counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

LATENCY_BOUNDS: Final = (25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)
"""Upper bounds, in milliseconds, of the classes in which latencies are counted; one more above."""

BUCKET: Final = "date_bin('10 seconds', clock_timestamp(), TIMESTAMPTZ '2000-01-01')"
"""The ten seconds that a count belongs to, in SQL."""

_COUNT = text(f"""
    INSERT INTO account_stats AS s (account_id, bucket, accepted, rejected, throttled, transient,
        unknown, refused, latencies)
    SELECT r.account_id, {BUCKET}, r.accepted, r.rejected, r.throttled, r.transient, r.unknown,
        r.refused, r.latencies
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(account_id uuid, accepted int, rejected int,
        throttled int, transient int, unknown int, refused int, latencies int[])
    JOIN accounts a ON a.id = r.account_id
    ORDER BY r.account_id
    ON CONFLICT (account_id, bucket) DO UPDATE SET accepted = s.accepted + excluded.accepted,
        rejected = s.rejected + excluded.rejected, throttled = s.throttled + excluded.throttled,
        transient = s.transient + excluded.transient, unknown = s.unknown + excluded.unknown,
        refused = s.refused + excluded.refused,
        latencies = (SELECT array_agg(coalesce(u.a, 0) + coalesce(u.b, 0) ORDER BY u.n)
            FROM unnest(s.latencies, excluded.latencies) WITH ORDINALITY AS u(a, b, n))
""")  # noqa: S608 - only constants are put together

_FAILING = text("""
    SELECT account_id, sum(transient + unknown + refused) AS bad,
        sum(accepted + rejected + throttled + transient + unknown + refused) AS total
    FROM account_stats
    WHERE account_id = ANY(CAST(:ids AS uuid[]))
        AND bucket > clock_timestamp() - interval '20 seconds'
    GROUP BY account_id
    HAVING sum(transient + unknown + refused) >= :least AND sum(transient + unknown + refused)
        >= :share * sum(accepted + rejected + throttled + transient + unknown + refused)
""")

_OPEN = """
    circuit = 'open', reason = r.reason, openings = s.openings + 1, probes_passed = 0,
    probe_token = NULL, probe_until = NULL, retry_at = clock_timestamp()
        + make_interval(secs => :wait * power(2, least(s.openings, :doublings))),
    changed_at = CASE WHEN s.circuit = 'closed' THEN clock_timestamp() ELSE s.changed_at END
"""

_TRIP = text(f"""
    UPDATE account_states s SET {_OPEN}
    FROM (SELECT account_id, r.reason FROM account_states
        JOIN unnest(CAST(:ids AS uuid[]), CAST(:reasons AS text[])) AS r(id, reason)
            ON r.id = account_id
        ORDER BY account_id FOR UPDATE OF account_states) r
    WHERE s.account_id = r.account_id AND s.circuit = 'closed'
    RETURNING s.account_id
""")  # noqa: S608

_PROBE = text("""
    UPDATE account_states SET circuit = 'half_open', probe_token = :token,
        probe_until = clock_timestamp() + make_interval(secs => :seconds)
    WHERE account_id = :id AND circuit <> 'closed' AND retry_at <= clock_timestamp()
        AND (probe_until IS NULL OR probe_until < clock_timestamp())
    RETURNING account_id
""")

_PASSED = text("""
    UPDATE account_states SET probe_token = NULL, probe_until = NULL,
        probes_passed = probes_passed + 1,
        circuit = CASE WHEN probes_passed + 1 >= :enough THEN 'closed' ELSE 'half_open' END,
        reason = CASE WHEN probes_passed + 1 >= :enough THEN '' ELSE reason END,
        openings = CASE WHEN probes_passed + 1 >= :enough THEN 0 ELSE openings END,
        changed_at = CASE WHEN probes_passed + 1 >= :enough THEN clock_timestamp()
            ELSE changed_at END
    WHERE account_id = :id AND probe_token = :token
""")

_NOT_PASSED = text(f"""
    UPDATE account_states s SET {_OPEN}
    FROM (SELECT CAST(:reason AS text) AS reason) r
    WHERE s.account_id = :id AND s.probe_token = :token
""")  # noqa: S608

_SLOW = text("""
    UPDATE account_states SET pace = CASE WHEN slowed_until > clock_timestamp() THEN pace
            ELSE greatest(pace / 2, 0.05) END,
        slowed_until = greatest(slowed_until,
            clock_timestamp() + make_interval(secs => :seconds))
    WHERE account_id = :id
""")

_RECOVER = text("""
    UPDATE account_states s SET pace = least(s.pace * 1.05, 1)
    FROM (SELECT account_id FROM account_states WHERE account_id = ANY(CAST(:ids AS uuid[]))
        AND pace < 1 AND (slowed_until IS NULL OR slowed_until < clock_timestamp())
        ORDER BY account_id FOR UPDATE) r
    WHERE s.account_id = r.account_id
""")

_TAKE = text("""
    WITH refilled AS (
        SELECT s.account_id, a.per_second * s.pace AS rate,
            least(greatest(a.per_second * s.pace, 1), s.tokens
                + extract(epoch FROM clock_timestamp() - s.refilled_at) * a.per_second * s.pace
            ) AS have
        FROM account_states s JOIN accounts a ON a.id = s.account_id
        WHERE s.account_id = :id FOR UPDATE OF s
    ), granted AS (
        SELECT account_id, rate, have,
            greatest(floor(least(:wanted, greatest(ceil(rate / 4), 1), have
                - CASE WHEN :all OR rate < 5 THEN 0 ELSE rate * :kept END)), 0) AS tokens
        FROM refilled
    )
    UPDATE account_states s SET tokens = g.have - g.tokens, refilled_at = clock_timestamp()
    FROM granted g WHERE s.account_id = g.account_id
    RETURNING CAST(g.tokens AS int) AS tokens, g.rate
""")


async def load(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Return the state of every account; `probe_due` says that it may be probed."""
    result = await conn.execute(
        text("""
            SELECT account_id, circuit, reason, changed_at, retry_at, slowed_until, pace,
                circuit <> 'closed' AND retry_at <= clock_timestamp()
                    AND (probe_until IS NULL OR probe_until < clock_timestamp()) AS probe_due,
                slowed_until > clock_timestamp() AS slowed
            FROM account_states
        """)
    )
    return result.all()


async def count(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Add counts of outcomes to the present ten seconds of their accounts."""
    await conn.execute(_COUNT, {"rows": list(rows)})


async def find_failing(
    conn: AsyncConnection, ids: Sequence[UUID], *, least: int, share: float
) -> dict[UUID, str]:
    """Return the accounts that fail too often over all processes, and how often."""
    found = await conn.execute(_FAILING, {"ids": list(ids), "least": least, "share": share})
    return {
        row.account_id: f"{row.bad} of {row.total} failed in the last 20 s" for row in found.all()
    }


async def trip(
    conn: AsyncConnection, reasons: dict[UUID, str], *, wait: float, doublings: int
) -> set[UUID]:
    """Open the circuits of accounts, with reasons; return those that were closed before."""
    ids = sorted(reasons)
    result = await conn.execute(
        _TRIP,
        {"ids": ids, "reasons": [reasons[id] for id in ids], "wait": wait, "doublings": doublings},
    )
    return set(result.scalars().all())


async def begin_probe(conn: AsyncConnection, id: UUID, token: UUID, *, seconds: float) -> bool:
    """Take the only probe of an open circuit; False when it is not due or somebody else has it."""
    result = await conn.execute(_PROBE, {"id": id, "token": token, "seconds": seconds})
    return result.one_or_none() is not None


async def pass_probe(conn: AsyncConnection, id: UUID, token: UUID, *, enough: int) -> None:
    """Note a probe that went well; after `enough` of them the circuit is closed."""
    await conn.execute(_PASSED, {"id": id, "token": token, "enough": enough})


async def fail_probe(
    conn: AsyncConnection, id: UUID, token: UUID, reason: str, *, wait: float, doublings: int
) -> None:
    """Note a probe that went wrong: the circuit stays open, for longer."""
    await conn.execute(
        _NOT_PASSED,
        {"id": id, "token": token, "reason": reason, "wait": wait, "doublings": doublings},
    )


async def slow_down(conn: AsyncConnection, id: UUID, *, seconds: float) -> None:
    """Leave an account alone whose vendor throttles, and halve its pace: once, however many of the
    messages under way are told to slow down.
    """
    await conn.execute(_SLOW, {"id": id, "seconds": seconds})


async def recover(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Let slowed accounts, which are accepted again, become a little faster."""
    await conn.execute(_RECOVER, {"ids": list(ids)})


async def take_tokens(
    conn: AsyncConnection, id: UUID, wanted: int, *, all_of_it: bool, kept: float
) -> tuple[int, float]:
    """Return (tokens granted, tokens per second): at most a quarter of a second's, at least one.

    Only with `all_of_it` may the share `kept` for urgent messages be used up.
    """
    result = await conn.execute(_TAKE, {"id": id, "wanted": wanted, "all": all_of_it, "kept": kept})
    row = result.one_or_none()
    return (0, 1.0) if row is None else (row.tokens, float(row.rate))


async def purge_stats(conn: AsyncConnection, *, before: datetime) -> None:
    """Remove counts that are older."""
    await conn.execute(text("DELETE FROM account_stats WHERE bucket < :before"), {"before": before})
