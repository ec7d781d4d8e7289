"""The calls that vendors made, as they came, for operators and for the day a mapping is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import floor_id

_ADD = text("""
    INSERT INTO webhook_calls (id, account_id, method, headers, query, body, bytes, verdict,
        detail, reports)
    VALUES (:id, :account_id, :method, CAST(:headers AS jsonb), :query, :body, :bytes, :verdict,
        :detail, CAST(:reports AS jsonb))
""")

_FIND = text("""
    SELECT c.id, c.account_id, a.name AS account, c.received_at, c.method, c.headers, c.query,
        c.body, c.bytes, c.verdict, c.detail, c.reports
    FROM webhook_calls c LEFT JOIN accounts a ON a.id = c.account_id
    WHERE (cardinality(CAST(:accounts AS uuid[])) = 0
            OR c.account_id = ANY(CAST(:accounts AS uuid[])))
        AND (cardinality(CAST(:verdicts AS text[])) = 0
            OR c.verdict = ANY(CAST(:verdicts AS text[])))
        AND (CAST(:before AS uuid) IS NULL OR c.id < :before)
    ORDER BY c.id DESC LIMIT :most
""")

_MATCHED = text("""
    UPDATE webhook_calls c SET verdict = 'heard'
    WHERE c.id = ANY(CAST(:calls AS uuid[])) AND c.verdict = 'unmatched'
        AND NOT EXISTS (SELECT 1 FROM receipts r
            WHERE r.call_id = c.id AND r.delivery_id IS NULL)
""")


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """One call; `query` and `body` are None where they may hold what must not be stored."""

    id: UUID
    account_id: UUID
    method: str
    headers: Mapping[str, str]
    query: str | None
    body: bytes | None
    bytes: int
    verdict: str
    detail: str = ""
    reports: Sequence[Mapping[str, Any]] = ()


async def add(conn: AsyncConnection, call: WebhookCall) -> None:
    """Store a call."""
    await conn.execute(_ADD, asdict(call))


async def note(conn: AsyncConnection, id: UUID, detail: str) -> None:
    """Add to a call what came of it afterwards."""
    await conn.execute(
        text("UPDATE webhook_calls SET detail = :detail WHERE id = :id"),
        {"id": id, "detail": detail},
    )


async def find(
    conn: AsyncConnection,
    *,
    accounts: Sequence[UUID],
    verdicts: Sequence[str],
    before: UUID | None,
    most: int,
) -> list[Row[Any]]:
    """Return calls, newest first; an empty filter lets everything pass."""
    result = await conn.execute(
        _FIND,
        {
            "accounts": list(accounts), "verdicts": list(verdicts), "before": before, "most": most,
        },
    )  # fmt: skip
    return list(result.all())


async def matched(conn: AsyncConnection, calls: Sequence[UUID]) -> None:
    """Note that these calls wait no longer, unless other receipts of theirs still do."""
    if calls:
        await conn.execute(_MATCHED, {"calls": list(calls)})


async def purge(conn: AsyncConnection, *, days: int) -> int:
    """Remove calls older than `days`; return how many."""
    result = await conn.execute(
        text("DELETE FROM webhook_calls WHERE id < :oldest"),
        {"oldest": floor_id(datetime.now(UTC) - timedelta(days=days))},
    )
    return int(result.rowcount)
