"""Events that come in: each is taken once, starts what listens to it, and cancels what it ends.

All of it is one transaction: an event that is posted twice, at once or again within two days,
gets the answer of the first.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.event import CloudEvent
from domain.contract.notification import NotificationRequest
from domain.errors import Conflict, Problem
from domain.events import correlation, matches
from domain.ids import encode
from services import campaign_tests, starting
from services.acceptance import Accepted
from services.access import Actor
from services.app import App
from services.event_mapping import mapped
from services.idempotency import Answer
from services.promising import promise
from services.times import stamp
from stores import events as store
from stores import triggers
from stores.ledger import change as changes

MOST_TYPES: Final = 200
MOST_RECENT: Final = 50


@dataclass(slots=True)
class Effects:
    """What an event did, to be begun after its transaction."""

    promised: list[Accepted] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    cancelled: list[UUID] = field(default_factory=list)
    workflows: list[str] = field(default_factory=list)

    def body(self) -> dict[str, Any]:
        """Return the 202 answer."""
        return {
            "notifications": [one.body() for one in self.promised],
            "cancelled": [encode("ntf", id) for id in self.cancelled],
            "refused": self.refused,
        }


async def post(app: App, actor: Actor, event: CloudEvent) -> Answer:
    """Take an event; 202 {notifications, cancelled, refused}, the same again for a repeated one.

    `refused` has, for each trigger whose notification could not be made, the problem. An event
    that nothing listens to is counted, and starts nothing.
    """
    actor.require("events:write")

    async def work(conn: AsyncConnection) -> tuple[Answer, Effects]:
        told = await store.take(conn, actor.module_id, event.source, event.id, event.type)
        if told is not None:
            return Answer(told, 202, replayed=True), Effects()
        effects = await _effects(app, conn, actor, event)
        await campaign_tests.note_event(conn, actor, event)
        body = effects.body()
        await store.count(
            conn, actor.module_id, event.type,
            started=len(effects.promised), cancelled=len(effects.cancelled),
        )  # fmt: skip
        await store.answered(conn, actor.module_id, event.source, event.id, body)
        return Answer(body, 202), effects

    answer, effects = await app.db.retrying(work)
    if effects.promised:
        await starting.start_all(app, actor, effects.promised)
    for workflow_id in effects.workflows:
        await starting.wake(app, workflow_id)
    return answer


async def post_all(app: App, actor: Actor, given: Sequence[CloudEvent | Problem]) -> Answer:
    """Take a batch, each event by itself and in its order; 202 {items}."""
    actor.require("events:write")
    items: list[dict[str, Any]] = []
    for number, event in enumerate(given):
        if isinstance(event, Problem):
            items.append({"error": event.inside(f"[{number}]").body()})
            continue
        told = await post(app, actor, event)
        named = {"id": event.id, "source": event.source, "repeated": told.replayed}
        items.append({**named, **told.content})
    return Answer({"items": items}, 202)


async def types(app: App, actor: Actor) -> dict[str, Any]:
    """Return the types of events that came, the latest first, with what they did."""
    actor.require("events:read")
    async with app.db.leader() as conn:
        rows = await store.counts(conn, _module(actor), MOST_TYPES)
    items = [
        {
            "type": row.event_type, "module": row.module_key, "events": row.events,
            "started": row.started, "cancelled": row.cancelled, "last_at": stamp(row.last_at),
            "listened": row.listened,
        }
        for row in rows
    ]  # fmt: skip
    return {"items": items, "next_cursor": None}


async def recent(
    app: App, actor: Actor, *, types: Sequence[str] = (), most: int = MOST_RECENT
) -> dict[str, Any]:
    """Return the events that came last within two days, of these types, and what each did."""
    actor.require("events:read")
    async with app.db.leader() as conn:
        rows = await store.latest(conn, _module(actor), types=types, most=most)
    items = [
        {
            "source": row.source, "id": row.id, "type": row.type, "module": row.module_key,
            "posted_at": stamp(row.posted_at),
            "notifications": [one["id"] for one in row.answer["notifications"]],
            "cancelled": row.answer["cancelled"],
            "refused": row.answer["refused"],
        }
        for row in rows
    ]  # fmt: skip
    return {"items": items, "next_cursor": None}


def _module(actor: Actor) -> UUID | None:
    return None if actor.all_modules else actor.module_id


async def _effects(app: App, conn: AsyncConnection, actor: Actor, event: CloudEvent) -> Effects:
    document = event.document()
    concerned = await triggers.concerned(conn, actor.module_id, event.type)
    starts = [
        row
        for row in concerned
        if row.enabled and row.event_type == event.type
        and matches(row.definition.get("filter", {}), document)
    ]  # fmt: skip
    ended = [(row.id, tie) for row in concerned if (tie := tie_of(row, event.type, document))]
    begun = {row.id: tie for row in starts if (tie := _own_tie(row, document))}
    effects = Effects()
    if ended or begun:
        await store.lock(conn, [*ended, *begun.items()])
    if ended:
        await _cancel(conn, ended, effects)
    if starts:
        await _start(app, conn, actor, starts, document, begun, effects)
    return effects


async def _cancel(
    conn: AsyncConnection, ended: Sequence[tuple[UUID, str]], effects: Effects
) -> None:
    for id in await store.take_awaited(conn, ended):
        try:
            if await changes.cancel(conn, id):
                effects.cancelled.append(id)
        except Conflict:  # it is being sent or was sent already
            continue
    if effects.cancelled:
        effects.workflows = await store.workflows(conn, effects.cancelled)


async def _start(
    app: App,
    conn: AsyncConnection,
    actor: Actor,
    starts: Sequence[Row[Any]],
    event: Mapping[str, Any],
    begun: Mapping[UUID, str],
    effects: Effects,
) -> None:
    """Promise what triggers make of an event; those of makers with equal scopes together."""
    groups: defaultdict[tuple[str, ...], list[tuple[Row[Any], NotificationRequest]]]
    groups = defaultdict(list)
    for row in starts:
        try:
            groups[tuple(row.scopes)].append((row, request_of(row, event)))
        except Problem as problem:
            effects.refused.append(_refusal(row, problem))
    awaited = []
    for scopes, asked in groups.items():
        by = Actor("trigger", actor.module_id, actor.module_key, frozenset(scopes))
        judged = await promise(app, conn, by, [request for _, request in asked])
        for (row, _), result in zip(asked, judged, strict=True):
            if isinstance(result, Problem):
                effects.refused.append(_refusal(row, result))
                continue
            effects.promised.append(result)
            if row.id in begun:
                until = datetime.fromisoformat(result.row["expires_at"])
                awaited.append(store.Awaited(row.id, begun[row.id], result.id, until))
    if awaited:
        await store.add_awaited(conn, awaited)


def request_of(row: Row[Any], event: Mapping[str, Any]) -> NotificationRequest:
    """Return the request that a trigger's row makes of an event; raises Invalid."""
    request = mapped(row.definition["notification"], event)
    delay = row.definition.get("delay_seconds", 0)
    send_at = datetime.now(UTC) + timedelta(seconds=delay) if delay else None
    metadata = {**request.metadata, "trigger": row.name, "event": event["id"]}
    return request.model_copy(update={"send_at": send_at, "metadata": metadata})


def tie_of(row: Row[Any], event_type: str, event: Mapping[str, Any]) -> str | None:
    """Return what ties an event to the messages of a trigger that it cancels."""
    if row.cancel_type != event_type:
        return None
    return correlation(event, list(row.definition["cancel_on"]["match"]))


def _own_tie(row: Row[Any], event: Mapping[str, Any]) -> str | None:
    """Return by what the message of a trigger will be cancelled."""
    if row.cancel_type is None:
        return None
    return correlation(event, list(row.definition["cancel_on"]["match"].values()))


def _refusal(row: Row[Any], problem: Problem) -> dict[str, Any]:
    return {"trigger": row.name, "error": problem.inside("notification").body()}
