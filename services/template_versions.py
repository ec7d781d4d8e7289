"""Versions of templates: added as drafts, published one at a time, never changed."""

import asyncio
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.template import PublishRequest, TemplateVersionRequest
from domain.errors import Invalid, NotFound
from domain.ids import encode
from domain.vocabulary import CategoryClass
from services import template_checks, template_partials, template_views
from services import template_review as review
from services.access import Actor
from services.app import App
from services.auditing import audit_row, named
from services.idempotency import Answer, Idempotency, once
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, encode_cursor
from services.templates import find_row
from services.versions import check_version
from stores import categories
from stores import templates as store

_GREATEST: Final = 2**31 - 1


async def add(
    app: App,
    actor: Actor,
    name: str,
    request: TemplateVersionRequest,
    idempotency: Idempotency | None = None,
) -> Answer:
    """Add a draft; what is sent stays the same until it is published. Raises NotFound, Invalid."""
    actor.require("templates:write")
    template_checks.check_request(request)

    async def work(conn: AsyncConnection) -> Answer:
        row = await find_row(conn, actor, name, lock=True)
        uses = await template_partials.check(conn, row, request)
        number = await store.count_version(conn, row.id)
        stored = template_checks.version_of(row.id, number, request, named(actor), uses)
        await store.add_version(conn, stored)
        detail = {"version": number, "note": request.note}
        await audit_row(
            conn, actor, "template.version_added", "tpl", row, {"key": row.key, **detail}
        )
        body = template_views.version_detail(row, await find_version(conn, row, number))
        location = f"/v1/templates/{row.key}/versions/{number}"
        return Answer(body, 201, headers={"Location": location})

    return await once(app, actor, idempotency, work)


async def publish(
    app: App, actor: Actor, name: str, request: PublishRequest, if_match: int | None = None
) -> dict[str, Any]:
    """Send a version from now on; repeatable. `problems` holds the warnings about its words.

    Its partials are frozen with it. A version that was published before is sent again whatever is
    found, since going back must always be possible. Raises NotFound, Stale, Invalid for a version
    that does not exist and for words with errors.
    """
    actor.require("templates:write")

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, name, lock=True)
        check_version(if_match, row.version)
        if request.version > row.latest_version:
            raise Invalid.field("version", f"is none of the {row.latest_version} versions")
        stored = await find_version(conn, row, request.version)
        whole = await template_partials.composed(conn, row, stored)
        # In a thread of its own: many languages may take seconds, which others need not wait.
        class_ = await class_of(conn, row)
        found = await asyncio.to_thread(review.problems, whole.version, class_)
        errors = whole.errors + review.errors(found)
        if errors and stored.published_at is None:
            raise Invalid("The version is not fit to be published.", errors=errors)
        if request.version != row.published_version:
            if whole.versions:
                await store.freeze(conn, whole.version, whole.versions)
            await store.publish(conn, row.id, request.version, named(actor))
            await audit_row(
                conn,
                actor,
                "template.published",
                "tpl",
                row,
                {"key": row.key, **_told(row, request)},
            )
        row = await find_row(conn, actor, encode("tpl", row.id))
        body = template_views.detail(row, await store.find_versions(conn, row.id))
        return {**body, "problems": found}

    return await app.db.retrying(work)


def _told(row: Any, request: PublishRequest) -> dict[str, Any]:
    return {"version": request.version, "before": row.published_version, "note": request.note}


async def class_of(conn: AsyncConnection, row: Any) -> CategoryClass:
    """Return the class that a template's messages have unless they say otherwise."""
    return await class_of_key(conn, row.category)


async def class_of_key(conn: AsyncConnection, key: str | None) -> CategoryClass:
    """Return the class of a category, of none or an unknown one transactional."""
    category = await categories.get(conn, key) if key else None
    return CategoryClass(category.class_) if category else CategoryClass.TRANSACTIONAL


async def find(
    app: App, actor: Actor, name: str, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return a page of a template's versions, newest first, without their words."""
    actor.require("templates:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, name, archived=True)
        last = decode_cursor(cursor)
        below = None if last is None else min(last.int, _GREATEST)
        found = await store.find_versions(conn, row.id, below=below, most=limit + 1)
    shown = found[:limit]
    more = len(found) > limit
    return Page(
        [template_views.version_summary(row, version) for version in shown],
        encode_cursor(UUID(int=shown[-1].version)) if more else None,
    )


async def get(app: App, actor: Actor, name: str, number: int) -> dict[str, Any]:
    """Return one version with its words; raises NotFound."""
    actor.require("templates:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, name, archived=True)
        return template_views.version_detail(row, await find_version(conn, row, number))


async def find_version(conn: AsyncConnection, row: Any, number: int) -> Any:
    """Return the stored row of a template's version; raises NotFound."""
    found = await store.get_version(conn, row.id, number) if number <= _GREATEST else None
    if found is None:
        raise NotFound(f"The template {row.key} has no version {number}.")
    return found
