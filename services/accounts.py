"""Vendor accounts: added, changed, paused, removed. They are the installation's, not a module's."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.account import AccountPatch, AccountRequest
from domain.errors import Conflict, FieldError, Invalid, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from domain.vocabulary import Channel
from services.access import Actor
from services.account_settings import changed, checked, kind_of, opened, shown
from services.app import App
from services.auditing import audit_subject
from services.idempotency import Answer, Idempotency, once
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from services.versions import check_version
from stores import accounts as store
from stores import categories
from vendors.registry import KINDS

PAUSED: Final = "paused"
_RULES: Final = (
    "weight", "cost", "countries", "categories", "per_second", "slow_seconds", "slow_share",
    "enabled",
)  # fmt: skip
_OPTIONAL: Final = frozenset({"per_second", "slow_seconds", "slow_share"})


async def create(
    app: App, actor: Actor, request: AccountRequest, idempotency: Idempotency | None = None
) -> Answer:
    """Add an account; raises Invalid, also for wrong settings, and Conflict for a taken name."""
    actor.require("accounts:write")
    kind = kind_of(request.vendor, request.channel)
    settings = checked(kind, request.settings)
    id = new_id()
    rules = {name: getattr(request, name) for name in _RULES}

    async def work(conn: AsyncConnection) -> Answer:
        await _check_categories(conn, request.categories)
        sealed = app.seal.close(settings.revealed())
        added = await store.add(
            conn,
            id,
            channel=request.channel,
            vendor=request.vendor,
            rules={**rules, "name": request.name, "settings": sealed},
        )
        if not added:
            raise Conflict(f"There is an account {request.name} already.")
        await audit_subject(
            conn,
            actor,
            "account.created",
            encode("acc", id),
            actor.module_id,
            {"vendor": request.vendor},
        )
        body = _view(app, await find_row(conn, encode("acc", id)))
        return Answer(body, 201, headers={"Location": f"/v1/accounts/{body['id']}"})

    return await once(app, actor, idempotency, work)


async def find(
    app: App,
    actor: Actor,
    *,
    channel: Sequence[str] = (),
    vendor: Sequence[str] = (),
    state: Sequence[str] = (),
    name: Sequence[str] = (),
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Return accounts, newest first; a repeated filter means OR."""
    actor.require("accounts:read")
    asked = {
        "channels": list(channel), "vendors": list(vendor), "states": list(state),
        "names": list(name), "before": decode_cursor(cursor),
    }  # fmt: skip
    filters = {key: value for key, value in asked.items() if value not in (None, [])}
    async with app.db.leader() as conn:
        rows = await store.find(conn, filters, most=limit + 1)
    items = [_view(app, row) for row in rows[:limit]]
    return Page(items, next_cursor([row.id for row in rows], limit))


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return an account without its secrets; raises NotFound."""
    actor.require("accounts:read")
    async with app.db.leader() as conn:
        return _view(app, await find_row(conn, id_text))


async def change(
    app: App, actor: Actor, id_text: str, patch: AccountPatch, if_match: int | None = None
) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396); raises Stale, Invalid, Conflict, NotFound."""
    actor.require("accounts:write")
    given = patch.model_dump(exclude_unset=True)

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, id_text, lock=True)
        check_version(if_match, row.version)
        rules = _changed(app, row, given)
        await _check_categories(conn, rules.get("categories", ()))
        if "name" in rules and await store.name_taken(conn, rules["name"], by_other_than=row.id):
            raise Conflict(f"There is an account {rules['name']} already.")
        if rules:
            await store.change(conn, row.id, rules)
            await audit_subject(
                conn,
                actor,
                "account.changed",
                encode("acc", row.id),
                actor.module_id,
                {"fields": sorted(given)},
            )
        return _view(app, await find_row(conn, id_text))

    return await app.db.retrying(work)


async def pause(app: App, actor: Actor, id_text: str, *, paused: bool) -> dict[str, Any]:
    """Leave an account alone, or use it again; repeatable."""
    return await change(app, actor, id_text, AccountPatch(enabled=not paused))


async def remove(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Take an account away with its secrets; attempts keep its name. Raises NotFound, Stale."""
    actor.require("accounts:write")

    async def work(conn: AsyncConnection) -> None:
        row = await find_row(conn, id_text, lock=True)
        check_version(if_match, row.version)
        await store.remove(conn, row.id)
        await audit_subject(
            conn,
            actor,
            "account.removed",
            encode("acc", row.id),
            actor.module_id,
            {"name": row.name},
        )

    await app.db.retrying(work)


async def find_row(conn: AsyncConnection, id_text: str, *, lock: bool = False) -> Row[Any]:
    """Return an account's row; raises NotFound."""
    try:
        row = await store.get(conn, decode("acc", id_text), lock=lock)
    except InvalidId:
        row = None
    if row is None:
        raise NotFound(f"There is no account {id_text[:80]}.")
    return row


def _changed(app: App, row: Row[Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that a patch changes."""
    taken = [name for name, value in given.items() if value is None and name not in _OPTIONAL]
    defaults: dict[str, Any] = {
        "weight": 1, "cost": 0.0, "countries": [], "categories": [], "enabled": True,
    }  # fmt: skip
    wrong = [name for name in taken if name not in {*defaults, "settings"}]
    if wrong:
        raise Invalid(errors=[FieldError(name, "cannot be taken away") for name in wrong])
    rules = {name: defaults.get(name) if name in taken else value for name, value in given.items()}
    patch = rules.pop("settings", None)
    slow = {**row._mapping, **rules}
    if (slow["slow_seconds"] is None) != (slow["slow_share"] is None):
        raise Invalid.field("slow_share", "slow_seconds and slow_share go together")
    if patch:
        kind = KINDS.get(row.vendor) or kind_of(row.vendor, Channel(row.channel))
        settings = changed(kind, opened(app.seal, row), patch)
        rules["settings"] = app.seal.close(settings.revealed())
    return rules


async def _check_categories(conn: AsyncConnection, keys: Sequence[str]) -> None:
    if not keys:
        return
    known = await categories.load_all(conn)
    errors = [
        FieldError(f"categories[{number}]", f"is none of {', '.join(sorted(known))}")
        for number, key in enumerate(keys)
        if key not in known
    ]
    if errors:
        raise Invalid(errors=errors)


def _view(app: App, row: Row[Any]) -> dict[str, Any]:
    id = encode("acc", row.id)
    return {
        "id": id,
        "name": row.name,
        "channel": row.channel,
        "vendor": row.vendor,
        "state": row.circuit if row.enabled else PAUSED,
        **{name: getattr(row, name) for name in _RULES},
        **shown(app.seal, row),
        "receipts_url": f"{app.settings.base_url}/v1/receipts/{id}",
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "version": row.version,
    }
