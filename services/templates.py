"""Templates: words that are versioned, and sent once a version is published."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.template import TemplatePatch, TemplateRequest
from domain.errors import Conflict, Invalid, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from services import template_checks, template_partials, template_views
from services.access import Actor
from services.app import App
from services.auditing import audit_row, named
from services.idempotency import Answer, Idempotency, once
from services.modules import owner_of
from services.paging import Page, next_cursor
from services.positions import seen
from services.template_filters import TemplateFilters
from services.versions import check_version
from stores import categories
from stores import templates as store

check_data = template_checks.check_data
_NOTHING: Mapping[str, Any] = {}


async def create(
    app: App,
    actor: Actor,
    request: TemplateRequest,
    idempotency: Idempotency | None = None,
    *,
    module: str | None = None,
) -> Answer:
    """Make a template with a draft as version 1; raises Conflict when the key is taken, Invalid.

    `module` (id or key) is for actors of all modules.
    """
    actor.require("templates:write")
    template_checks.check_request(request)

    async def work(conn: AsyncConnection) -> Answer:
        await _check_category(conn, request.category)
        id = new_id()
        added = await store.add(
            conn,
            id=id,
            module_id=await owner_of(conn, actor, module),
            key=request.key,
            name=request.name or request.key,
            category=request.category,
            priority=request.priority,
            digest=request.digest.model_dump() if request.digest else None,
        )
        if not added:
            raise Conflict(f"There is a template {request.key} already.")
        row = await find_row(conn, actor, encode("tpl", id))
        uses = await template_partials.check(conn, row, request)
        stored = template_checks.version_of(id, 1, request, named(actor), uses)
        await store.add_version(conn, stored)
        await audit_row(
            conn,
            actor,
            "template.created",
            "tpl",
            row,
            {"key": row.key, "version": 1, "note": request.note},
        )
        body = template_views.detail(row, await store.find_versions(conn, id))
        return Answer(body, 201, headers={"Location": f"/v1/templates/{request.key}"})

    return await once(app, actor, idempotency, work)


async def find(
    app: App, actor: Actor, filters: TemplateFilters, position: str | None = None
) -> Page:
    """Return a page of templates, newest first; `position` is the caller's last write."""
    actor.require("templates:read")
    conditions = filters.conditions(actor.sees)
    async with app.db.read(seen(app, actor, position)) as conn:
        rows = await store.find(conn, conditions, most=filters.limit + 1, archived=filters.archived)
    items = [template_views.summary(row) for row in rows[: filters.limit]]
    return Page(items, next_cursor([row.id for row in rows], filters.limit))


async def get(app: App, actor: Actor, name: str, *, archived: bool = False) -> dict[str, Any]:
    """Return a template by key or id, perhaps archived, with its newest words; raises NotFound."""
    actor.require("templates:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, name, archived=archived)
        return template_views.detail(row, await store.find_versions(conn, row.id))


async def change(
    app: App, actor: Actor, name: str, patch: TemplatePatch, if_match: int | None = None
) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396) to what is not versioned; raises Stale, Invalid."""
    actor.require("templates:write")
    given = patch.model_dump(exclude_unset=True, mode="json")

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, name, lock=True)
        check_version(if_match, row.version)
        await _check_category(conn, given.get("category"))
        await store.change(
            conn,
            row.id,
            name=given.get("name", row.name) or row.key,
            category=given.get("category", row.category),
            priority=given.get("priority", row.priority),
            digest=given.get("digest", row.digest),
        )
        await audit_row(
            conn, actor, "template.changed", "tpl", row, {"key": row.key, "fields": sorted(given)}
        )
        return await _shown(conn, actor, row)

    return await app.db.retrying(work)


async def archive(
    app: App, actor: Actor, name: str, if_match: int | None = None, note: str | None = None
) -> dict[str, Any]:
    """Take a template out of use: its key is free again, what was accepted is still sent."""
    actor.require("templates:write")

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, name, lock=True)
        check_version(if_match, row.version)
        await store.archive(conn, row.id)
        await audit_row(
            conn, actor, "template.archived", "tpl", row, {"key": row.key, "note": note}
        )
        return await _shown(conn, actor, row)

    return await app.db.retrying(work)


async def unarchive(
    app: App, actor: Actor, name: str, if_match: int | None = None, note: str | None = None
) -> dict[str, Any]:
    """Take a template into use again, as it was; raises Conflict when its key was taken."""
    actor.require("templates:write")

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, name, lock=True, archived=True)
        check_version(if_match, row.version)
        if row.archived_at is None:
            raise Conflict(f"The template {row.key} is in use.")
        try:
            await store.unarchive(conn, row.id)
        except IntegrityError:
            raise Conflict(f"Another template has the key {row.key} now; archive it.") from None
        await audit_row(
            conn, actor, "template.unarchived", "tpl", row, {"key": row.key, "note": note}
        )
        return await _shown(conn, actor, row)

    return await app.db.retrying(work)


async def _shown(conn: AsyncConnection, actor: Actor, row: Any) -> dict[str, Any]:
    changed = await find_row(conn, actor, encode("tpl", row.id), archived=True)
    return template_views.detail(changed, await store.find_versions(conn, row.id))


async def find_row(
    conn: AsyncConnection, actor: Actor, name: str, *, lock: bool = False, archived: bool = False
) -> Any:
    """Return the stored row of a template by id or key, perhaps archived; raises NotFound."""
    try:
        id = decode("tpl", name)
    except InvalidId:
        id = None
    row = await store.get(
        conn,
        id=id,
        key=name.replace("\x00", ""),
        module_id=actor.module_id,
        all_modules=actor.all_modules,
        lock=lock,
        archived=archived,
    )
    if row is None:
        raise NotFound(f"There is no template {name[:80]}.")
    return row


async def _check_category(conn: AsyncConnection, key: str | None) -> None:
    if key is not None and await categories.get(conn, key) is None:
        raise Invalid.field("category", "names no category")
