"""API keys: random, stored as a hash, shown once; those of a user never do more than their role."""

import secrets
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.access import KeyRequest
from domain.errors import Forbidden, Invalid, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from services.access import Actor, hash_token
from services.app import App
from services.auditing import audit_row
from services.modules import find_row
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from stores import modules as store
from stores import users


def new_key() -> str:
    """Return a new key: `tcs_` and 256 random bits."""
    return "tcs_" + secrets.token_urlsafe(32)


async def create(app: App, actor: Actor, request: KeyRequest) -> dict[str, Any]:
    """Make a key and return it this once; nobody can give scopes that they do not have.

    An administrator binds a key to any user; others only to themselves, and their keys always are.
    """
    actor.require("keys:write")
    for scope in request.scopes:
        if not actor.may(scope):
            raise Forbidden(f"A key cannot have the scope {scope}, which {actor.name} lacks.")
    key = new_key()
    async with app.db.leader() as conn:
        module_id = actor.module_id
        if request.module is not None:
            module_id = (await find_row(conn, request.module)).id
            if module_id != actor.module_id and not actor.may("*"):
                raise Forbidden("Keys of other modules are made with a key of all scopes.")
        user_id = await _bound(conn, actor, request.user)
        row = await store.add_key(
            conn,
            id=new_id(),
            module_id=module_id,
            user_id=user_id,
            name=request.name,
            scopes=request.scopes,
            key_hash=hash_token(key),
            hint=key[-4:],
        )
        told = {"scopes": request.scopes, "user": _user(row)}
        await audit_row(conn, actor, "key.created", "key", row, told)
    return {**_body(row), "key": key}


async def find(
    app: App, actor: Actor, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return live keys without their secrets, newest first."""
    actor.require("keys:read")
    async with app.db.leader() as conn:
        rows = await store.find_keys(
            conn,
            module_id=_module(actor),
            user_id=_owner(actor),
            before=decode_cursor(cursor),
            most=limit + 1,
        )
    return Page([_body(row) for row in rows[:limit]], next_cursor([r.id for r in rows], limit))


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a live key without its secret; raises NotFound."""
    actor.require("keys:read")
    async with app.db.leader() as conn:
        return _body(await _row(conn, actor, id_text))


async def revoke(app: App, actor: Actor, id_text: str) -> None:
    """End a key's life at once; raises NotFound."""
    actor.require("keys:write")
    async with app.db.leader() as conn:
        row = await _row(conn, actor, id_text)
        await store.revoke_key(conn, row.id)
        await audit_row(conn, actor, "key.revoked", "key", row)


async def _row(conn: AsyncConnection, actor: Actor, id_text: str) -> Any:
    try:
        rows = await store.find_keys(
            conn, module_id=_module(actor), user_id=_owner(actor), id=decode("key", id_text)
        )
    except InvalidId:
        rows = []
    if not rows:
        raise NotFound(f"There is no key {id_text[:80]}.")
    return rows[0]


async def _bound(conn: AsyncConnection, actor: Actor, user: str | None) -> UUID | None:
    """Return the user whom a new key is bound to; raises Forbidden, Invalid."""
    own = None if actor.may("*") else actor.user_id
    if user is None:
        return own
    try:
        id = decode("usr", user)
    except InvalidId as error:
        raise Invalid.field("user", str(error)) from None
    if not actor.may("*") and id != own:
        raise Forbidden("Only an administrator binds a key to somebody else.")
    row = await users.get(conn, id)
    if row is None or not row.active:
        raise Invalid.field("user", "names no active user; /v1/users lists them")
    return id


def _module(actor: Actor) -> UUID | None:
    return None if actor.all_modules or actor.may("*") else actor.module_id


def _owner(actor: Actor) -> UUID | None:
    """Return whose keys alone an actor sees and ends: their own, unless they are administrator."""
    return None if actor.may("*") else actor.user_id


def _user(row: Any) -> str | None:
    return encode("usr", row.user_id) if row.user_id else None


def _body(row: Any) -> dict[str, Any]:
    return {
        "id": encode("key", row.id), "name": row.name, "module": row.module_key,
        "user": _user(row),
        "scopes": list(row.scopes), "hint": f"…{row.hint}", "created_at": stamp(row.created_at),
        "version": row.version,
    }  # fmt: skip
