"""How an account does: its circuit, and the last hour in counts, rates and latencies."""

from typing import Any, Final

from sqlalchemy import Row

from domain.ids import encode
from services.access import Actor
from services.accounts import PAUSED, find_row
from services.app import App
from services.times import stamp
from stores import account_health as store
from stores.account_states import LATENCY_BOUNDS

KINDS: Final = ("accepted", "rejected", "throttled", "transient", "unknown", "refused")


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return an account's health; raises NotFound."""
    actor.require("accounts:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, id_text)
        state = await store.state(conn, row.id)
        hour = (await store.last_hour(conn, [row.id])).get(row.id)
        minutes = await store.minutes(conn, row.id)
        latencies = await store.latencies(conn, row.id)
    counts = counts_of(hour)
    return {
        "id": encode("acc", row.id),
        "name": row.name,
        "state": row.circuit if row.enabled else PAUSED,
        "reason": state.reason if state else "",
        "since": stamp(state.changed_at) if state else None,
        "retry_at": stamp(state.retry_at) if state and state.circuit != "closed" else None,
        "slowed_until": stamp(state.slowed_until) if state else None,
        "pace": float(state.pace) if state else 1.0,
        "last_hour": {
            **counts,
            "latency_ms": {
                "p50": quantile(latencies, 0.5),
                "p95": quantile(latencies, 0.95),
                "p99": quantile(latencies, 0.99),
            },
            "receipts": int(hour.receipts) if hour else 0,
            "forged": int(hour.forged) if hour else 0,
        },
        "minutes": [{"at": stamp(one.minute), **counts_of(one)} for one in minutes],
    }


def counts_of(row: Row[Any] | None) -> dict[str, Any]:
    """Return outcomes by kind, their sum, and the share that speaks against the account."""
    counts = {kind: int(getattr(row, kind)) if row else 0 for kind in KINDS}
    total = sum(counts.values())
    bad = counts["transient"] + counts["unknown"] + counts["refused"]
    return {**counts, "total": total, "error_share": round(bad / total, 4) if total else 0.0}


def quantile(counts: list[int], share: float) -> int | None:
    """Return the upper bound, in milliseconds, of the class that holds a share of the answers.

    None without answers; of answers slower than the last bound, that bound.
    """
    wanted, seen = share * sum(counts), 0
    for place, number in enumerate(counts):
        seen += number
        if number and seen >= wanted:
            return LATENCY_BOUNDS[min(place, len(LATENCY_BOUNDS) - 1)]
    return None
