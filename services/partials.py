"""Partials: pieces such as a footer or a layout that a module's templates share."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from channels import partials as sources
from channels.compiled import BadTemplate, parse
from domain.contract.template import PartialPut, PartialRequest
from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.ids import new_id
from services.access import Actor
from services.app import App
from services.auditing import audit_row, named
from services.idempotency import Answer, Idempotency, once
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from services.versions import check_version
from stores import partials as store


async def create(
    app: App, actor: Actor, request: PartialRequest, idempotency: Idempotency | None = None
) -> Answer:
    """Make a partial; raises Conflict when its key is taken, Invalid for broken syntax."""
    actor.require("templates:write")
    check(request)

    async def work(conn: AsyncConnection) -> Answer:
        id = new_id()
        made = {
            "id": id,
            "module_id": actor.module_id,
            "key": request.key,
            **_stored(request, actor),
        }
        if not await store.add(conn, made):
            raise Conflict(f"There is a partial {request.key} already.")
        row = await _row(conn, actor, request.key)
        await audit_row(
            conn, actor, "partial.created", "prt", row, {"key": row.key, "note": request.note}
        )
        location = f"/v1/partials/{request.key}"
        return Answer(_body(row), 201, headers={"Location": location})

    return await once(app, actor, idempotency, work)


async def find(
    app: App, actor: Actor, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return a page of the module's partials, newest first."""
    actor.require("templates:read")
    async with app.db.leader() as conn:
        rows = await store.find(conn, actor.module_id, before=decode_cursor(cursor), most=limit + 1)
    return Page([_body(row) for row in rows[:limit]], next_cursor([row.id for row in rows], limit))


async def get(app: App, actor: Actor, key: str) -> dict[str, Any]:
    """Return a partial with the templates that use it; raises NotFound."""
    actor.require("templates:read")
    async with app.db.leader() as conn:
        row = await _row(conn, actor, key)
        return {**_body(row), "used_by": await _users(conn, row)}


async def replace(
    app: App, actor: Actor, key: str, request: PartialPut, if_match: int | None = None
) -> dict[str, Any]:
    """Change what a partial says in versions published from now on; raises Stale, Invalid."""
    actor.require("templates:write")
    check(request)

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await _row(conn, actor, key)
        check_version(if_match, row.version)
        await store.replace(conn, row.id, _stored(request, actor))
        await audit_row(
            conn, actor, "partial.changed", "prt", row, {"key": row.key, "note": request.note}
        )
        row = await _row(conn, actor, key)
        return {**_body(row), "used_by": await _users(conn, row)}

    return await app.db.retrying(work)


async def delete(app: App, actor: Actor, key: str) -> None:
    """Remove a partial that no template uses any more; raises Conflict, which names one."""
    actor.require("templates:write")
    async with app.db.leader() as conn:
        row = await _row(conn, actor, key)
        if users := await store.find_users(conn, row.module_id, row.key):
            where = f"The template {users[0].key} uses it in version {users[0].version}"
            raise Conflict(f"{where}; change that first.")
        await store.delete(conn, row.id)
        await audit_row(conn, actor, "partial.deleted", "prt", row, {"key": row.key, "note": None})


def check(request: PartialPut) -> None:
    """Raise Invalid that names each source with broken syntax."""
    given = {"source": request.source}
    given |= {f"locales.{locale}": source for locale, source in request.locales.items()}
    errors = []
    for field, source in given.items():
        try:
            parse(source)
        except BadTemplate as fault:
            errors.append(FieldError(field, f"{fault} (line {fault.line})"))
        if isinstance(request, PartialRequest) and request.key in sources.names(source):
            errors.append(FieldError(field, "uses itself"))
    if errors:
        raise Invalid(errors=errors)


async def _row(conn: AsyncConnection, actor: Actor, key: str) -> Any:
    found = await store.load(conn, actor.module_id, [key.replace("\x00", "")])
    if key not in found:
        raise NotFound(f"There is no partial {key[:80]}.")
    return found[key]


def _stored(request: PartialPut, actor: Actor) -> dict[str, Any]:
    return {
        "source": request.source,
        "locales": dict(request.locales),
        "author": named(actor),
        "note": request.note,
    }


async def _users(conn: AsyncConnection, row: Any) -> list[dict[str, Any]]:
    """Return who uses it; `frozen` is the state of the partial that a published version keeps."""
    return [
        {"template": one.key, "version": one.version, "published": one.published is True,
         "frozen": one.partial_version}
        for one in await store.find_users(conn, row.module_id, row.key)
    ]  # fmt: skip


def _body(row: Any) -> dict[str, Any]:
    return {
        "key": row.key, "source": row.source, "locales": row.locales, "author": row.author,
        "note": row.note, "created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at),
        "version": row.version,
    }  # fmt: skip
