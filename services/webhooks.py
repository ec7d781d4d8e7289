"""Webhooks: where modules want to be called, and what they were told."""

import json
import os
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.webhook import WebhookPatch, WebhookRequest
from domain.errors import Conflict, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from domain.standard_webhooks import new_secret
from domain.webhook import TEST
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from services.versions import check_version
from stores import webhook_deliveries
from stores import webhooks as store

MOST: Final = 50
"""Webhooks of one module."""


async def create(app: App, actor: Actor, request: WebhookRequest) -> dict[str, Any]:
    """Make a webhook and return it with its secret this once; raises Conflict over the limit."""
    actor.require("webhooks:write")
    secret, id = new_secret(os.urandom), new_id()
    async with app.db.leader() as conn:
        if await store.count(conn, actor.module_id) >= MOST:
            raise Conflict(f"A module may have {MOST} webhooks; remove one first.")
        await store.add(
            conn,
            id=id,
            module_id=actor.module_id,
            url=request.url,
            events=request.events,
            secret=app.seal.close({"secret": secret}),
            hint=secret[-4:],
            enabled=request.enabled,
        )
        row = await find_row(conn, actor, encode("whk", id))
        await audit_row(conn, actor, "webhook.created", "whk", row)
    return {**_body(row), "secret": secret}


async def find(
    app: App, actor: Actor, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return webhooks without their secrets, newest first."""
    actor.require("webhooks:read")
    async with app.db.leader() as conn:
        rows = await store.find(
            conn, module_id=_module(actor), before=decode_cursor(cursor), most=limit + 1
        )
    return Page([_body(row) for row in rows[:limit]], next_cursor([r.id for r in rows], limit))


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a webhook without its secret; raises NotFound."""
    actor.require("webhooks:read")
    async with app.db.leader() as conn:
        return _body(await find_row(conn, actor, id_text))


async def change(
    app: App, actor: Actor, id_text: str, patch: WebhookPatch, if_match: int | None = None
) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396); raises Stale, NotFound."""
    actor.require("webhooks:write")
    given = {name: value for name, value in patch.model_dump().items() if value is not None}

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        present = {"url": row.url, "events": list(row.events), "enabled": row.enabled}
        await store.change(conn, row.id, **{**present, **given})
        await audit_row(conn, actor, "webhook.changed", "whk", row, {"fields": sorted(given)})
        return _body(await find_row(conn, actor, id_text))

    return await app.db.retrying(work)


async def delete(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Remove a webhook; what it was still to be told is dropped."""
    actor.require("webhooks:write")

    async def work(conn: AsyncConnection) -> None:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        await store.remove(conn, row.id)
        await audit_row(conn, actor, "webhook.deleted", "whk", row)

    await app.db.retrying(work)


async def test(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Let a webhook be called with `webhook.test`, and return the call as it waits.

    Raises Conflict for a webhook that is switched off.
    """
    actor.require("webhooks:write")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        if not row.enabled:
            raise Conflict("It is switched off; switch it on first with PATCH {enabled: true}.")
        data = {"webhook": encode("whk", row.id), "module": encode("mod", row.module_id)}
        told = {"type": TEST, "timestamp": datetime.now(UTC).isoformat(), "data": data}
        call = {"id": new_id(), "webhook_id": row.id, "type": TEST, "body": json.dumps(told)}
        await webhook_deliveries.add(conn, [call])
        return _call(await webhook_deliveries.get(conn, call["id"]))


async def find_deliveries(
    app: App,
    actor: Actor,
    id_text: str,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Return what a webhook was or is to be told, newest first; raises NotFound."""
    actor.require("webhooks:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        rows = await webhook_deliveries.find(
            conn, row.id, before=decode_cursor(cursor), most=limit + 1
        )
    return Page([_call(one) for one in rows[:limit]], next_cursor([r.id for r in rows], limit))


async def find_row(conn: AsyncConnection, actor: Actor, id_text: str, *, lock: bool = False) -> Any:
    """Return the stored row of a webhook; raises NotFound, also for another module's."""
    try:
        row = await store.get(conn, decode("whk", id_text), _module(actor), lock=lock)
    except InvalidId:
        row = None
    if row is None:
        raise NotFound(f"There is no webhook {id_text[:80]}.")
    return row


def _module(actor: Actor) -> UUID | None:
    return None if actor.all_modules else actor.module_id


def _body(row: Any) -> dict[str, Any]:
    return {
        "id": encode("whk", row.id),
        "module": row.module_key,
        "url": row.url,
        "events": list(row.events),
        "enabled": row.enabled,
        "reason": row.reason,
        "failing_since": stamp(row.failing_since),
        "hint": f"…{row.hint}",
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "version": row.version,
    }


def _call(row: Any) -> dict[str, Any]:
    waits = row.state == "waiting"
    return {
        "id": encode("whd", row.id),
        "type": row.type,
        "state": row.state,
        "attempts": row.attempts,
        "due_at": stamp(row.due_at) if waits else None,
        "status": row.status,
        "detail": row.detail,
        "created_at": stamp(row.created_at),
        "settled_at": stamp(row.settled_at),
        "body": json.loads(row.body),
    }
