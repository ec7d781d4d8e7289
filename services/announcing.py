"""Tells webhooks what happened: from the sealed outbox into rows, and from rows to receivers."""

import asyncio
import json
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.http import HttpExchange, HttpRequest
from domain.ids import encode, new_id
from domain.standard_webhooks import headers
from domain.webhook import PATIENCE, document, next_wait, type_of, wants
from services.app import App
from stores import audit, outbox, webhook_deliveries, webhooks
from stores.webhook_deliveries import Told

CONSUMER: Final = "webhooks"
CALL_SECONDS: Final = 20.0
LEASE_SECONDS: Final = 60.0
EACH: Final = 10
"""Calls at once to one webhook."""

MOST: Final = 200
_BATCHES: Final = 20
_LONGEST_WAIT: Final = 86_400.0
_JITTER: Final = 0.1
_GONE: Final = 410


@dataclass(frozen=True, slots=True)
class _Ended:
    """How one call ended."""

    call: Row[Any]
    exchange: HttpExchange

    @property
    def status(self) -> int | None:
        return self.exchange.response.status if self.exchange.response else None

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def detail(self) -> str:
        if self.exchange.response is not None:
            return "" if self.taken else f"answered {self.status}"
        return f"{self.exchange.problem} ({self.exchange.phase}): {self.exchange.detail}"[:300]


async def fan_out(app: App) -> int:
    """Write a row for each webhook and event of the next sealed batches; return how many batches.

    The cursor moves in the transaction that writes the rows, so that an event is told neither
    twice nor never, whenever the process dies.
    """

    async def work(conn: AsyncConnection) -> int:
        seq = await outbox.lock_cursor(conn, CONSUMER)
        if seq is None:
            return 0  # another process is at it
        batches = await outbox.read_batches(conn, after=seq, most=_BATCHES)
        if not batches:
            return 0
        # Read after the batches: a webhook made before an event of theirs is surely seen.
        listening = await webhooks.find_listening(conn)
        if listening:
            events = [event for batch in batches for event in batch.events]
            await webhook_deliveries.add(conn, _calls(events, listening))
        await outbox.move_cursor(conn, CONSUMER, batches[-1].seq)
        return len(batches)

    return await app.db.retrying(work)


async def claim(app: App, busy: Sequence[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Take due calls for this process, by webhook; `busy` ones are left for later."""
    async with app.db.leader() as conn:
        rows = await webhook_deliveries.claim(
            conn, busy=busy, each=EACH, most=MOST, seconds=LEASE_SECONDS
        )
    found: dict[UUID, list[Row[Any]]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        found.setdefault(row.webhook_id, []).append(row)
    return found


async def tell(app: App, webhook_id: UUID, calls: Sequence[Row[Any]]) -> None:
    """Make the claimed calls of one webhook and write how each ended.

    One that fails for days, or that says that it is gone (410), is switched off.
    """
    ended = await asyncio.gather(*(_call(app, one) for one in calls))

    async def work(conn: AsyncConnection) -> None:
        if any(one.taken for one in ended):
            await webhooks.worked(conn, webhook_id)
        else:
            await webhooks.failed(conn, webhook_id)
        await webhook_deliveries.settle(
            conn, [_told(one, app.settings.retry_scale) for one in ended]
        )
        failures = [one for one in ended if not one.taken]
        if len(failures) == len(ended):
            await _give_up(conn, webhook_id, failures)

    await app.db.retrying(work)


def _calls(
    events: Sequence[Mapping[str, Any]], listening: Sequence[Row[Any]]
) -> list[dict[str, Any]]:
    by_module: dict[str, list[Row[Any]]] = {}
    for one in listening:
        by_module.setdefault(encode("mod", one.module_id), []).append(one)
    calls: list[dict[str, Any]] = []
    for event in events:
        hearing = by_module.get(event.get("module") or "", [])
        type = type_of(event)
        wanting = [one for one in hearing if wants(one.events, type)]
        if wanting:
            body = json.dumps(document(event), ensure_ascii=False, separators=(",", ":"))
            calls += [
                {"id": new_id(), "webhook_id": one.id, "type": type, "body": body}
                for one in wanting
            ]
    return calls


async def _call(app: App, call: Row[Any]) -> _Ended:
    body = call.body.encode()
    secret = app.seal.open(call.secret)["secret"]
    signed = headers(secret, encode("whd", call.id), int(time.time()), body)
    request = HttpRequest("POST", call.url, signed, body)
    return _Ended(call, await app.outside.call(request, seconds=CALL_SECONDS))


def _told(one: _Ended, scale: float) -> Told:
    id, attempts = one.call.id, one.call.attempts
    if one.taken:
        return Told(id, attempts, "delivered", one.status)
    wait = next_wait(attempts, _retry_after(one.exchange), scale)
    if wait is None:
        return Told(id, attempts, "failed", one.status, one.detail)
    spread = 1 + random.uniform(0, _JITTER)  # noqa: S311 - spreads retries, guards nothing
    return Told(id, attempts, "waiting", one.status, one.detail, wait * spread)


def _retry_after(exchange: HttpExchange) -> float | None:
    """Return the seconds of a Retry-After (RFC 9110 §10.2.3), at most a day."""
    if exchange.response is None or exchange.response.status not in (429, 503):
        return None
    given = exchange.response.headers.get("retry-after", "")
    return min(float(given), _LONGEST_WAIT) if given.isdecimal() and len(given) < 10 else None


async def _give_up(conn: AsyncConnection, webhook_id: UUID, failures: Sequence[_Ended]) -> None:
    gone = any(one.status == _GONE for one in failures)
    days = 0.0 if gone else PATIENCE.total_seconds() / 86_400
    reason = "it says that it is gone (410)" if gone else f"failed for {PATIENCE.days} days"
    row = await webhooks.give_up(conn, webhook_id, reason, days=days)
    if row is not None:
        await audit.record(
            conn,
            module_id=row.module_id,
            actor="system",
            action="webhook.disabled",
            subject=encode("whk", row.id),
            detail={"reason": reason, "last": failures[-1].detail},
        )
