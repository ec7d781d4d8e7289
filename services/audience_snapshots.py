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
from services.auditing import audit_row, audit_subject
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, page_of
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
        rows = await store.find(
            conn, module_id=row.module_id, audience_id=row.id, orphans=False,
            before=decode_cursor(cursor), most=limit + 1,
        )  # fmt: skip
    return page_of(rows, limit, _body)


async def find_all(
    app: App,
    actor: Actor,
    *,
    orphans: bool = False,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Return a page of all snapshots, newest first; `orphans` are those whose audience is gone."""
    actor.require("audiences:read")
    async with app.db.leader() as conn:
        rows = await store.find(
            conn, module_id=actor.sees, audience_id=None, orphans=orphans,
            before=decode_cursor(cursor), most=limit + 1,
        )  # fmt: skip
    return page_of(rows, limit, _body)


async def get(app: App, actor: Actor, snapshot_text: str) -> dict[str, Any]:
    """Return a snapshot, also one whose audience is gone; raises NotFound."""
    actor.require("audiences:read")
    async with app.db.leader() as conn:
        return _body(await _find_kept(conn, actor, snapshot_text))


async def remove(
    app: App, actor: Actor, snapshot_text: str, audience_text: str | None = None
) -> None:
    """Remove a snapshot, perhaps of a certain audience, with its members.

    Raises NotFound, and Conflict while something uses it.
    """
    actor.require("audiences:write")
    try:
        async with app.db.leader() as conn:
            of = None if audience_text is None else await find_row(conn, actor, audience_text)
            kept = await _find_kept(conn, actor, snapshot_text, of)
            await store.remove(conn, kept.id)
            subject = (
                encode("aud", kept.audience_id) if kept.audience_id else encode("snp", kept.id)
            )
            detail = {"snapshot": encode("snp", kept.id), "members": kept.members}
            await audit_subject(conn, actor, "audience.unfrozen", subject, kept.module_id, detail)
    except IntegrityError:
        raise Conflict(
            "Something still goes to this snapshot; it stays until that is gone."
        ) from None


async def _find_kept(
    conn: AsyncConnection, actor: Actor, snapshot_text: str, of: Any = None
) -> Any:
    try:
        kept = await store.find_one(
            conn,
            decode("snp", snapshot_text),
            module_id=actor.sees,
            audience_id=of.id if of is not None else None,
        )
    except InvalidId:
        kept = None
    if kept is None:
        raise NotFound(f"There is no such snapshot {snapshot_text[:80]}.")
    return kept


def _body(row: Any) -> dict[str, Any]:
    return {
        "id": encode("snp", row.id),
        "audience": encode("aud", row.audience_id) if row.audience_id else None,
        "audience_version": row.audience_version, "members": row.members, "hash": row.hash,
        "created_at": stamp(row.created_at),
    }  # fmt: skip
