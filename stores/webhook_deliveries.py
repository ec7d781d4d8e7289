"""What webhooks are to be told: one row a call, kept until it was taken or given up."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_CLAIM = text("""
    WITH due AS (
        SELECT x.id FROM webhooks w CROSS JOIN LATERAL (
            SELECT d.id FROM webhook_deliveries d
            WHERE d.webhook_id = w.id AND d.state = 'waiting' AND d.due_at <= clock_timestamp()
                AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())
            ORDER BY d.due_at, d.id LIMIT :each
            FOR UPDATE SKIP LOCKED
        ) x
        WHERE w.enabled AND w.id <> ALL(CAST(:busy AS uuid[]))
        ORDER BY x.id LIMIT :most
    )
    UPDATE webhook_deliveries d SET attempts = d.attempts + 1,
        lease_until = clock_timestamp() + make_interval(secs => :seconds)
    FROM due, webhooks w
    WHERE d.id = due.id AND w.id = d.webhook_id
    RETURNING d.id, d.webhook_id, d.body, d.attempts, w.url, w.secret
""")

_SETTLE = text("""
    UPDATE webhook_deliveries d SET state = r.state, status = r.status, detail = r.detail,
        lease_until = NULL,
        due_at = CASE WHEN r.wait IS NULL THEN d.due_at
            ELSE clock_timestamp() + make_interval(secs => r.wait) END,
        settled_at = CASE WHEN r.state <> 'waiting' THEN clock_timestamp() END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
        id uuid, attempts int, state text, status int, detail text, wait double precision
    )
    WHERE d.id = r.id AND d.attempts = r.attempts AND d.state = 'waiting'
    RETURNING d.id
""")

_COLUMNS = """
    id, webhook_id, type, body, state, attempts, due_at, status, detail, created_at, settled_at
"""


@dataclass(frozen=True, slots=True)
class Told:
    """How a call ended: taken, to be repeated in `wait` seconds, or given up."""

    id: UUID
    attempts: int
    state: str
    status: int | None
    detail: str = ""
    wait: float | None = None


async def add(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert calls that are due now, given as {id, webhook_id, type, body}."""
    if rows:
        await conn.execute(
            text("""
                INSERT INTO webhook_deliveries (id, webhook_id, type, body)
                SELECT r.id, r.webhook_id, r.type, r.body
                FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(
                    id uuid, webhook_id uuid, type text, body text
                ) WHERE EXISTS (SELECT 1 FROM webhooks w WHERE w.id = r.webhook_id)
                ORDER BY r.id
            """),
            {"rows": list(rows)},
        )


async def claim(
    conn: AsyncConnection, *, busy: Sequence[UUID], each: int, most: int, seconds: float
) -> Sequence[Row[Any]]:
    """Take due calls for `seconds`, some of each webhook that is not busy here."""
    result = await conn.execute(
        _CLAIM, {"busy": list(busy), "each": each, "most": most, "seconds": seconds}
    )
    return result.all()


async def settle(conn: AsyncConnection, told: Sequence[Told]) -> None:
    """Write how calls ended; one that somebody else has taken over since is left alone."""
    rows = [
        {
            "id": one.id, "attempts": one.attempts, "state": one.state, "status": one.status,
            "detail": one.detail, "wait": one.wait,
        }
        for one in sorted(told, key=lambda one: one.id)
    ]  # fmt: skip
    await conn.execute(_SETTLE, {"rows": rows})


async def find(
    conn: AsyncConnection, webhook_id: UUID, *, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return the calls of a webhook, newest first."""
    result = await conn.execute(
        text(f"""
            SELECT {_COLUMNS} FROM webhook_deliveries
            WHERE webhook_id = :webhook AND (CAST(:before AS uuid) IS NULL OR id < :before)
            ORDER BY id DESC LIMIT :most
        """),  # noqa: S608 - only constants are put together
        {"webhook": webhook_id, "before": before, "most": most},
    )
    return result.all()


async def get(conn: AsyncConnection, id: UUID) -> Row[Any]:
    """Return a call."""
    result = await conn.execute(
        text(f"SELECT {_COLUMNS} FROM webhook_deliveries WHERE id = :id"),  # noqa: S608
        {"id": id},
    )
    return result.one()


async def purge(conn: AsyncConnection, *, days: int) -> int:
    """Remove calls that were made more than `days` ago, whatever became of them."""
    result = await conn.execute(
        text("""
            DELETE FROM webhook_deliveries
            WHERE created_at < clock_timestamp() - make_interval(days => :days)
        """),
        {"days": days},
    )
    return int(result.rowcount)
