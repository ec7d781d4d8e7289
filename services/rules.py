"""Business rules: kept by administrators, off until they are enabled."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.rule import RulePatch, RuleRequest, check_settings
from domain.errors import Conflict, Invalid, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from domain.rules import RuleKind
from domain.vocabulary import ModuleScope
from services.access import Actor
from services.app import App
from services.approval_policies import check_approvers
from services.auditing import audit_row, named
from services.fields import field_errors
from services.idempotency import Answer, Idempotency, once
from services.modules import owner_of
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, page_of
from services.times import stamp
from services.versions import check_version
from stores import categories
from stores import rules as store


async def create(
    app: App,
    actor: Actor,
    request: RuleRequest,
    idempotency: Idempotency | None = None,
    *,
    module: str | None = None,
) -> Answer:
    """Make a rule; raises Invalid, Forbidden, Conflict when its name is taken.

    `module` (id or key) is for actors of all modules.
    """
    actor.require("rules:write")
    actor.require_reach(request.scope)
    settings = checked_settings(request.kind, request.settings)

    async def work(conn: AsyncConnection) -> Answer:
        await _check_category(conn, request.category)
        owner = await owner_of(conn, actor, module)
        await check_approvers(conn, request.kind, settings)
        id = new_id()
        await store.add(
            conn,
            {
                "id": id,
                "module_id": None if request.scope is ModuleScope.ALL else owner,
                "category": request.category, "name": request.name, "kind": request.kind,
                "settings": settings, "enabled": request.enabled, "created_by": named(actor),
            },
        )  # fmt: skip
        row = await store.get(conn, id)
        await audit_row(conn, actor, "rule.created", "rul", row, {"kind": request.kind})
        body = view(row)
        return Answer(body, 201, headers={"Location": f"/v1/rules/{body['id']}"})

    try:
        return await once(app, actor, idempotency, work)
    except IntegrityError:
        raise _taken(request.name) from None


async def find(
    app: App, actor: Actor, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return a page of rules, newest first: the module's, and those of all modules."""
    actor.require("rules:read")
    async with app.db.leader() as conn:
        rows = await store.find(
            conn,
            module_id=actor.sees,
            before=decode_cursor(cursor),
            most=limit + 1,
        )
    return page_of(rows, limit, view)


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a rule; raises NotFound."""
    actor.require("rules:read")
    async with app.db.leader() as conn:
        return view(await find_row(conn, actor, id_text))


async def change(
    app: App, actor: Actor, id_text: str, patch: RulePatch, if_match: int | None = None
) -> dict[str, Any]:
    """Change a rule (RFC 7396), or switch it on or off; settings are replaced as a whole.

    Raises NotFound, Stale, Invalid, Forbidden, Conflict when its name is taken.
    """
    actor.require("rules:write")
    given = patch.model_dump(exclude_unset=True)

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, id_text, lock=True)
        _check_owner(actor, row)
        check_version(if_match, row.version)
        await store.change(conn, row.id, await _changed(conn, row, given))
        detail = {"kind": row.kind, "fields": sorted(given)}
        await audit_row(conn, actor, "rule.changed", "rul", row, detail)
        return view(await store.get(conn, row.id))

    try:
        return await app.db.retrying(work)
    except IntegrityError:
        raise _taken(patch.name) from None


async def remove(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Remove a rule; the audit line stays. Raises NotFound, Stale, Forbidden."""
    actor.require("rules:write")

    async def work(conn: AsyncConnection) -> None:
        row = await find_row(conn, actor, id_text, lock=True)
        _check_owner(actor, row)
        check_version(if_match, row.version)
        await store.remove(conn, row.id)
        await audit_row(conn, actor, "rule.removed", "rul", row, {"kind": row.kind})

    await app.db.retrying(work)


async def find_row(conn: AsyncConnection, actor: Actor, id_text: str, *, lock: bool = False) -> Any:
    """Return the stored row of a rule; raises NotFound, also for another module's."""
    try:
        row = await store.get(conn, decode("rul", id_text), lock=lock)
    except InvalidId:
        row = None
    theirs = row is not None and row.module_id not in (None, actor.module_id)
    if row is None or (theirs and not actor.all_modules):
        raise NotFound(f"There is no rule {id_text[:80]}.")
    return row


def view(row: Any) -> dict[str, Any]:
    """Return a rule in the contract's shape."""
    return {
        "id": encode("rul", row.id),
        "name": row.name,
        "kind": row.kind,
        "category": row.category,
        "scope": ModuleScope.MODULE if row.module_id else ModuleScope.ALL,
        "module": row.module_key,
        "settings": row.settings,
        "enabled": row.enabled,
        "created_by": row.created_by,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "version": row.version,
    }


async def _changed(conn: AsyncConnection, row: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    for name in ("name", "settings", "enabled"):
        if name in given and given[name] is None:
            raise Invalid.field(name, "cannot be taken away")
    category = given.get("category", row.category)
    await _check_category(conn, category)
    settings = row.settings
    if "settings" in given:
        settings = checked_settings(RuleKind(row.kind), given["settings"])
        await check_approvers(conn, RuleKind(row.kind), settings)
    return {
        "name": given.get("name", row.name),
        "category": category,
        "enabled": given.get("enabled", row.enabled),
        "settings": settings,
    }


def checked_settings(kind: RuleKind, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as their kind has them; raises Invalid."""
    try:
        return check_settings(kind, given)
    except ValidationError as error:
        raise Invalid(errors=field_errors(error, "settings")) from None


async def _check_category(conn: AsyncConnection, key: str | None) -> None:
    if key is not None and await categories.get(conn, key) is None:
        raise Invalid.field("category", "names no category; /v1/categories lists them")


def _check_owner(actor: Actor, row: Any) -> None:
    if row.module_id is None:
        actor.require_reach(ModuleScope.ALL)


def _taken(name: str | None) -> Conflict:
    return Conflict(f"There is a rule {name} already.")
