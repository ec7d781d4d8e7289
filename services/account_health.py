"""How accounts do: their circuits, and the last hour in counts, rates and latencies."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from domain import circuit
from domain.ids import encode
from domain.routing import Circuit
from domain.vocabulary import Channel
from services.access import Actor
from services.account_settings import shown
from services.accounts import PAUSED, find_row
from services.app import App
from services.times import stamp
from stores import account_health as store
from stores import accounts, slow_receipts
from stores.account_states import LATENCY_BOUNDS

KINDS: Final = ("accepted", "rejected", "throttled", "transient", "unknown", "refused")
_CHANNELS: Final = list(Channel)


async def find(app: App, actor: Actor, channel: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Return how every account does, by channel, and within each in the order of routing: those in
    use first, then the cheapest, then the heaviest.
    """
    actor.require("accounts:read")
    filters = {"channels": list(channel)} if channel else {}
    async with app.db.leader() as conn:
        rows = await accounts.find(conn, filters, most=None)
    return sorted(await _healths(app, rows), key=_place)


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return an account's health with its minutes; raises NotFound."""
    actor.require("accounts:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, id_text)
        minutes = await store.minutes(conn, row.id)
    [health] = await _healths(app, [row])
    return {**health, "minutes": [{"at": stamp(one.minute), **counts_of(one)} for one in minutes]}


async def _healths(app: App, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    late = await _late(app, [row.id for row in rows if row.slow_seconds is not None])
    async with app.db.leader() as conn:
        states = await store.states(conn, ids)
        hours = await store.last_hour(conn, ids)
        latencies = await store.latencies(conn, ids)
    as_of = stamp(datetime.now(UTC))
    return [
        {
            **_state(app, row, states.get(row.id)),
            "last_hour": _hour(hours.get(row.id), latencies.get(row.id, [])),
            "slow_receipts": late.get(row.id, _lateness(0, 0)) if row.slow_seconds else None,
            "as_of": as_of,
        }
        for row in rows
    ]


def _state(app: App, row: Row[Any], state: Row[Any] | None) -> dict[str, Any]:
    """Return who an account is, its rules of routing, and whether it is in use."""
    broken = state is not None and state.circuit != Circuit.CLOSED
    slowed = stamp(state.slowed_until) if state else None
    problem = shown(app.seal, row)["settings_problem"]
    rules = ("weight", "cost", "countries", "categories", "per_second")
    return {
        "id": encode("acc", row.id),
        "name": row.name,
        "channel": row.channel,
        "vendor": row.vendor,
        "state": row.circuit if row.enabled else PAUSED,
        "in_use": row.enabled and not (broken or slowed or problem),
        **{name: getattr(row, name) for name in rules},
        "settings_problem": problem,
        "reason": state.reason if state else "",
        "since": stamp(state.changed_at) if state else None,
        "retry_at": stamp(state.retry_at) if state and broken else None,
        "openings": state.openings if state else 0,
        "probes_passed": state.probes_passed if state else 0,
        "slowed_until": slowed,
        "pace": float(state.pace) if state else 1.0,
    }


def _hour(hour: Row[Any] | None, latencies: list[int]) -> dict[str, Any]:
    return {
        **counts_of(hour),
        "latency_ms": {f"p{part}": quantile(latencies, part / 100) for part in (50, 95, 99)},
        "receipts": int(hour.receipts) if hour else 0,
        "forged": int(hour.forged) if hour else 0,
    }


async def _late(app: App, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """Count late receipts as the circuit does; from a replica, since many deliveries are read."""
    if not ids:
        return {}
    async with app.db.read() as conn:
        counted = await slow_receipts.count(conn, ids, window=circuit.SLOW_WINDOW_SECONDS)
    return {id: _lateness(total, slow) for id, (total, slow) in counted.items()}


def _lateness(total: int, slow: int) -> dict[str, Any]:
    return {"total": total, "slow": slow, "share": round(slow / total, 4) if total else 0.0}


def _place(health: dict[str, Any]) -> tuple[Any, ...]:
    channel = _CHANNELS.index(Channel(health["channel"]))
    return (channel, not health["in_use"], health["cost"], -health["weight"], health["name"])


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
