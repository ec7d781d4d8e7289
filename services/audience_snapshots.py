"""Snapshots: an audience resolved once, and kept with a hash that tells whether two are equal."""

from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from services.access import Actor
from services.app import App
from services.audience_definitions import read
from services.audience_resolving import resolve
from services.audiences import find_row
from services.auditing import audit_row
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from stores import audience_snapshots as store


async def create(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Resolve an audience and keep who is in it; raises NotFound, Invalid, Unavailable.

    Nothing is kept when a leaf fails.
    """
    actor.require("audiences:write")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
    id = new_id()
    async with resolve(app, row.module_id, read(app.seal.open(row.definition))) as found:
        async with app.db.leader() as conn:
            await store.add(conn, id, row)
        try:
            await found.freeze(id)
        except BaseException:
            async with app.db.leader() as conn:
                await store.remove(conn, id)
            raise
    async with app.db.leader() as conn:
        kept = await store.get(conn, id)
        await audit_row(
            conn, actor, "audience.frozen", "aud", row, {"members": kept.members, "hash": kept.hash}
        )
    return _body(kept)


async def find(
    app: App, actor: Actor, id_text: str, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return a page of an audience's snapshots, newest first; raises NotFound."""
    actor.require("audiences:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        rows = await store.find(conn, row.id, before=decode_cursor(cursor), most=limit + 1)
    return Page([_body(one) for one in rows[:limit]], next_cursor([r.id for r in rows], limit))


async def remove(app: App, actor: Actor, id_text: str, snapshot_text: str) -> None:
    """Remove a snapshot with its members; raises NotFound, and Conflict while something uses it."""
    actor.require("audiences:write")
    try:
        async with app.db.leader() as conn:
            row = await find_row(conn, actor, id_text)
            kept = await _find_kept(conn, row, snapshot_text)
            await store.remove(conn, kept.id)
            detail = {"snapshot": encode("snp", kept.id), "members": kept.members}
            await audit_row(conn, actor, "audience.unfrozen", "aud", row, detail)
    except IntegrityError:
        raise Conflict(
            "Something still goes to this snapshot; it stays until that is gone."
        ) from None


async def _find_kept(conn: AsyncConnection, row: Any, snapshot_text: str) -> Any:
    try:
        kept = await store.find_one(conn, row.id, decode("snp", snapshot_text))
    except InvalidId:
        kept = None
    if kept is None:
        raise NotFound(f"This audience has no snapshot {snapshot_text[:80]}.")
    return kept


def _body(row: Any) -> dict[str, Any]:
    return {
        "id": encode("snp", row.id),
        "audience": encode("aud", row.audience_id) if row.audience_id else None,
        "audience_version": row.audience_version, "members": row.members, "hash": row.hash,
        "created_at": stamp(row.created_at),
    }  # fmt: skip
