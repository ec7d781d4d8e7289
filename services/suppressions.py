"""Suppressions: addresses that must not be used, kept by modules and operators."""

from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.suppression import SuppressionPatch, SuppressionRequest
from domain.errors import Invalid, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from domain.suppression import CAUSES, SuppressionReason, reason_of
from domain.vocabulary import Channel, ModuleScope
from services import modules
from services.access import Actor
from services.app import App
from services.audit_log import names_of
from services.auditing import audit_row, named
from services.idempotency import Answer, Idempotency, once
from services.paging import Page, next_cursor
from services.positions import seen
from services.suppression_filters import SuppressionFilters
from services.times import stamp
from services.versions import check_version
from stores import categories
from stores import suppressions as store

MOST_WHY: Final = 500
"""Characters of the words that lift a complaint."""


async def create(
    app: App,
    actor: Actor,
    request: SuppressionRequest,
    idempotency: Idempotency | None = None,
    *,
    module: str | None = None,
    source: str = "api",
) -> Answer:
    """Suppress an address: 201, or 200 for one that was there, whose stronger reason stays.

    `module` (id or key) is for actors of all modules. Raises Invalid, Forbidden.
    """
    actor.require("suppressions:write")
    actor.require_reach(request.scope)

    async def work(conn: AsyncConnection) -> Answer:
        check(request, set(await categories.load_all(conn)))
        owner = await modules.owner_of(conn, actor, module)
        [put] = await store.put(conn, [row_of(request, owner, actor, source)])
        row = await store.get(conn, put.id)
        await audit_row(conn, actor, "suppression.created", "sup", row, _told(row))
        body = view(row)
        location = {"Location": f"/v1/suppressions/{body['id']}"}
        return Answer(body, 201 if put.added else 200, headers=location)

    return await once(app, actor, idempotency, work)


async def find(
    app: App, actor: Actor, filters: SuppressionFilters, position: str | None = None
) -> Page:
    """Return a page of suppressions, newest first; `position` is the caller's last write."""
    actor.require("suppressions:read")
    conditions = conditions_of(actor, filters)
    async with app.db.read(seen(app, actor, position)) as conn:
        rows = await store.find(conn, conditions, most=filters.limit + 1)
    items = [view(row) for row in rows[: filters.limit]]
    return Page(items, next_cursor([row.id for row in rows], filters.limit))


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a suppression; raises NotFound."""
    actor.require("suppressions:read")
    async with app.db.leader() as conn:
        return view(await _find_row(conn, actor, id_text))


async def name_of(app: App, user: str) -> str:
    """Return what people call whoever made a suppression."""
    async with app.db.leader() as conn:
        return (await names_of(conn, [user])).get(user, user)


async def change(
    app: App, actor: Actor, id_text: str, patch: SuppressionPatch, if_match: int | None = None
) -> dict[str, Any]:
    """Change its end or note (RFC 7396); raises NotFound, Stale, Invalid, Forbidden."""
    actor.require("suppressions:write")
    given = patch.model_dump(exclude_unset=True)
    _check_end(given.get("expires_at"))

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await _find_row(conn, actor, id_text, lock=True)
        _check_owner(actor, row)
        check_version(if_match, row.version)
        await store.change(
            conn,
            row.id,
            expires_at=given.get("expires_at", row.expires_at),
            note=given.get("note", row.note) or "",
        )
        detail = {**_told(row), "fields": sorted(given)}
        await audit_row(conn, actor, "suppression.changed", "sup", row, detail)
        return view(await store.get(conn, row.id))

    return await app.db.retrying(work)


async def remove(
    app: App, actor: Actor, id_text: str, if_match: int | None = None, *, why: str = ""
) -> None:
    """Lift a suppression; the audit line stays.

    A complaint is lifted only with words why, which the audit keeps: who complained has told the
    mailbox provider that they want none of it. Raises NotFound, Stale, Invalid, Forbidden.
    """
    actor.require("suppressions:write")

    async def work(conn: AsyncConnection) -> None:
        row = await _find_row(conn, actor, id_text, lock=True)
        _check_owner(actor, row)
        check_version(if_match, row.version)
        if reason_of(row.reason) is SuppressionReason.COMPLAINT and not why.strip():
            raise Invalid.field("reason", "is needed to lift a complaint: say why, for the audit")
        await store.remove(conn, row.id)
        detail = {"why": why.strip()[:MOST_WHY]} if why.strip() else {}
        await audit_row(conn, actor, "suppression.removed", "sup", row, {**_told(row), **detail})

    await app.db.retrying(work)


def conditions_of(actor: Actor, filters: SuppressionFilters) -> dict[str, Any]:
    """Return the store's conditions of what an actor may see; raises Invalid."""
    module = None if actor.all_modules else actor.module_id
    return filters.conditions(module, all_too=actor.for_all)


def check(request: SuppressionRequest, known_categories: set[str]) -> None:
    """Raise Invalid for an unknown category or an end that has passed."""
    if request.category is not None and request.category not in known_categories:
        raise Invalid.field("category", f"is none of {', '.join(sorted(known_categories))}")
    _check_end(request.expires_at)


def row_of(
    request: SuppressionRequest, module_id: UUID, actor: Actor, source: str
) -> dict[str, Any]:
    """Return the row to be entered for a request."""
    return {
        "id": new_id(),
        "module_id": module_id if request.scope is ModuleScope.MODULE else None,
        "channel": request.channel,
        "address": request.address,
        "category": request.category,
        "reason": CAUSES[request.reason],
        "source": source,
        "note": request.note,
        "created_by": named(actor),
        "expires_at": request.expires_at.isoformat() if request.expires_at else None,
    }


def view(row: Any) -> dict[str, Any]:
    """Return a suppression in the contract's shape; `cause` is the reason that deliveries get."""
    return {
        "id": encode("sup", row.id),
        "channel": row.channel,
        "address": _shown(row.channel, row.address),
        "category": row.category,
        "reason": reason_of(row.reason),
        "cause": row.reason,
        "scope": ModuleScope.MODULE if row.module_id else ModuleScope.ALL,
        "module": row.module_key,
        "source": row.source,
        "note": row.note,
        "created_by": row.created_by,
        "created_at": stamp(row.created_at),
        "expires_at": stamp(row.expires_at),
        "active": row.active,
        "version": row.version,
    }


def _shown(channel: str, address: str) -> str:
    return encode("prf", UUID(address)) if channel == Channel.INAPP else address


def _check_end(moment: datetime | None) -> None:
    if moment is not None and moment <= datetime.now(UTC):
        raise Invalid.field("expires_at", "must lie in the future; to lift it now, delete it")


def _check_owner(actor: Actor, row: Any) -> None:
    if row.module_id is None:
        actor.require_reach(ModuleScope.ALL)


async def _find_row(
    conn: AsyncConnection, actor: Actor, id_text: str, *, lock: bool = False
) -> Any:
    try:
        row = await store.get(conn, decode("sup", id_text), lock=lock)
    except InvalidId:
        row = None
    theirs = row is not None and row.module_id not in (None, actor.module_id)
    if row is None or (theirs and not actor.all_modules):
        raise NotFound(f"There is no suppression {id_text[:80]}.")
    return row


def _told(row: Any) -> dict[str, Any]:
    """Return what the audit log says of a suppression: never the address."""
    return {"channel": row.channel, "cause": row.reason}
