"""Modules: the client systems that send."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.access import ModulePatch, ModuleRequest
from domain.errors import Conflict, Forbidden, Invalid, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from domain.trial import ModuleMode
from services.access import Actor
from services.app import App
from services.auditing import audit_subject
from services.merging import merge
from services.paging import MAX_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from services.versions import check_version
from stores import modules as store


async def create(app: App, actor: Actor, request: ModuleRequest) -> dict[str, Any]:
    """Make a module, on trial unless it is said; raises Conflict when its key is taken.

    Raises Forbidden when somebody who is no administrator makes it live at once.
    """
    actor.require("modules:write")
    _require_lets_live(actor, ModuleMode.TRIAL, request.mode)
    try:
        async with app.db.leader() as conn:
            row = await store.add(
                conn, new_id(), request.key, request.name or request.key, mode=request.mode
            )
            await audit_subject(conn, actor, "module.created", encode("mod", row.id), row.id)
    except IntegrityError:
        raise Conflict(f"There is a module {request.key} already.") from None
    return _body(row)


async def find(app: App, actor: Actor, limit: int = MAX_LIMIT, cursor: str | None = None) -> Page:
    """Return modules, newest first."""
    actor.require("modules:read")
    async with app.db.leader() as conn:
        rows = await store.find(conn, before=decode_cursor(cursor), most=limit + 1)
    return Page([_body(row) for row in rows[:limit]], next_cursor([r.id for r in rows], limit))


async def get(app: App, actor: Actor, name: str) -> dict[str, Any]:
    """Return a module by id or key; raises NotFound."""
    actor.require("modules:read")
    async with app.db.leader() as conn:
        return _body(await find_row(conn, name))


async def change(
    app: App, actor: Actor, name: str, patch: ModulePatch, if_match: int | None
) -> dict[str, Any]:
    """Change a module (RFC 7396): its name, and whether it is on trial or live.

    Raises NotFound, Stale, Invalid, and Forbidden when somebody else than an administrator ends a
    trial.
    """
    actor.require("modules:write")
    given = patch.model_dump(mode="json", exclude_unset=True)

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, name, lock=True)
        check_version(if_match, row.version)
        wanted = _changed(row, given)
        _require_lets_live(actor, row.mode, wanted["mode"])
        changed = await store.change(conn, row.id, wanted)
        await audit_subject(
            conn,
            actor,
            "module.changed",
            encode("mod", row.id),
            row.id,
            {"fields": sorted(given), "mode": changed.mode},
        )
        return _body(changed)

    return await app.db.retrying(work)


def _require_lets_live(actor: Actor, before: str, after: str) -> None:
    """Raise Forbidden unless it stays as it is, begins a trial, or an administrator ends one."""
    if before != after and after == ModuleMode.LIVE and not actor.may("*"):
        raise Forbidden("Only an administrator, or a key with the scope *, lets a module live.")


def _changed(row: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("name", "mode"):
        if name in given and given[name] is None:
            raise Invalid.field(name, "cannot be taken away")
    redirects = given.get("redirect_to", row.redirect_to)
    return {
        "name": given.get("name", row.name),
        "mode": given.get("mode", row.mode),
        "safelist": given.get("safelist", row.safelist) or [],
        "redirect_to": merge(row.redirect_to, redirects) if redirects else {},
        "brand": _brand(row.brand, given),
    }


def _brand(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    if "brand" not in given:
        return dict(before)
    return merge(before, given["brand"]) if given["brand"] else {}


async def find_row(conn: Any, name: str, *, lock: bool = False) -> Any:
    """Return the stored row of a module by id or key; raises NotFound."""
    try:
        row = await store.get(conn, id=decode("mod", name), key=None, lock=lock)
    except InvalidId:
        row = await store.get(conn, id=None, key=name.replace("\x00", ""), lock=lock)
    if row is None:
        raise NotFound(f"There is no module {name[:80]}.")
    return row


async def owner_of(conn: AsyncConnection, actor: Actor, module: str | None) -> UUID:
    """Return whose a thing will be: the actor's own module, or one that those of all modules name.

    Raises Forbidden, NotFound.
    """
    if module is None:
        return actor.module_id
    if not actor.all_modules:
        raise Forbidden("Only users who work for all modules may name one.")
    row = await find_row(conn, module)
    owner: UUID = row.id
    return owner


def _body(row: Any) -> dict[str, Any]:
    return {
        "id": encode("mod", row.id), "key": row.key, "name": row.name,
        "mode": row.mode, "safelist": list(row.safelist), "redirect_to": row.redirect_to,
        "brand": row.brand,
        "created_at": stamp(row.created_at), "version": row.version,
    }  # fmt: skip
