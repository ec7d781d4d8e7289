"""API keys: random, stored as a hash, shown once."""

import secrets
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.access import KeyRequest
from domain.errors import Forbidden, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from services.access import Actor, hash_token
from services.app import App
from services.auditing import audit_row, audit_subject
from services.modules import find_row
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from stores import modules as store


def new_key() -> str:
    """Return a new key: `tcs_` and 256 random bits."""
    return "tcs_" + secrets.token_urlsafe(32)


async def create(app: App, actor: Actor, request: KeyRequest) -> dict[str, Any]:
    """Make a key and return it this once; nobody can give scopes that they do not have."""
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
        row = await store.add_key(
            conn,
            id=new_id(),
            module_id=module_id,
            name=request.name,
            scopes=request.scopes,
            key_hash=hash_token(key),
            hint=key[-4:],
        )
        await audit_subject(
            conn, actor, "key.created", encode("key", row.id), module_id, {"scopes": request.scopes}
        )
    return {**_body(row), "key": key}


async def find(
    app: App, actor: Actor, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return live keys without their secrets, newest first."""
    actor.require("keys:read")
    async with app.db.leader() as conn:
        rows = await store.find_keys(
            conn, module_id=_module(actor), before=decode_cursor(cursor), most=limit + 1
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
        rows = await store.find_keys(conn, module_id=_module(actor), id=decode("key", id_text))
    except InvalidId:
        rows = []
    if not rows:
        raise NotFound(f"There is no key {id_text[:80]}.")
    return rows[0]


def _module(actor: Actor) -> UUID | None:
    return None if actor.all_modules or actor.may("*") else actor.module_id


def _body(row: Any) -> dict[str, Any]:
    return {
        "id": encode("key", row.id), "name": row.name, "module": row.module_key,
        "scopes": list(row.scopes), "hint": f"…{row.hint}", "created_at": stamp(row.created_at),
        "version": row.version,
    }  # fmt: skip
