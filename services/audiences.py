"""Audiences: stored selections of recipients, by group, filter, directory, query, list or sets."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audience import Document, Leaf, references
from domain.contract.audience import AudiencePatch, AudienceRequest
from domain.errors import Conflict, Invalid, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from services.access import Actor
from services.app import App
from services.audience_changes import changed
from services.audience_checks import check
from services.audience_definitions import read, revealed, shown
from services.auditing import audit_row
from services.idempotency import Answer, Idempotency, once
from services.modules import owner_of
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.positions import seen
from services.searching import pattern
from services.times import stamp
from services.versions import check_version
from stores import audiences as store


async def create(
    app: App,
    actor: Actor,
    request: AudienceRequest,
    idempotency: Idempotency | None = None,
    *,
    module: str | None = None,
) -> Answer:
    """Make an audience; raises Invalid that names the leaf, Conflict when its name is taken.

    `module` (id or key) is for actors of all modules.
    """
    actor.require("audiences:write")
    document = given_selection(request)
    node = read(document)

    async def work(conn: AsyncConnection) -> Answer:
        owner = await owner_of(conn, actor, module)
        await store.lock_module(conn, owner)
        await check(conn, actor, node, owner)
        id = new_id()
        fields = _fields(app, request.name, revealed(document), node)
        if not await store.add(conn, id, owner, fields):
            raise _taken(request.name)
        row = await find_row(conn, actor, encode("aud", id))
        await audit_row(conn, actor, "audience.created", "aud", row, {"kind": row.kind})
        body = _body(app, row)
        return Answer(body, 201, headers={"Location": f"/v1/audiences/{body['id']}"})

    return await once(app, actor, idempotency, work)


async def find(
    app: App,
    actor: Actor,
    *,
    kind: Sequence[str] = (),
    name: Sequence[str] = (),
    q: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    position: str | None = None,
) -> Page:
    """Return a page of audiences, newest first; `position` is the caller's last write."""
    actor.require("audiences:read")
    async with app.db.read(seen(app, actor, position)) as conn:
        rows = await store.find(
            conn,
            module_id=actor.sees,
            kinds=[value.replace("\x00", "") for value in kind],
            names=[value.replace("\x00", "") for value in name],
            q=pattern(q),
            before=decode_cursor(cursor),
            most=limit + 1,
        )
    items = [_body(app, row) for row in rows[:limit]]
    return Page(items, next_cursor([row.id for row in rows], limit))


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return an audience without its secrets; raises NotFound."""
    actor.require("audiences:read")
    async with app.db.leader() as conn:
        return _body(app, await find_row(conn, actor, id_text))


async def change(
    app: App, actor: Actor, id_text: str, patch: AudiencePatch, if_match: int | None = None
) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396); raises Stale, Invalid, Conflict for a taken name."""
    actor.require("audiences:write")
    if patch.name is None and "name" in patch.model_fields_set:
        raise Invalid.field("name", "cannot be taken away")
    given = given_selection(patch)

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        await store.lock_module(conn, row.module_id)
        document = changed(app.seal.open(row.definition), given)
        node = read(document)
        await check(conn, actor, node, row.module_id, of=row.id)
        name = row.name if patch.name is None else patch.name
        await store.change(conn, row.id, _fields(app, name, revealed(document), node))
        fields = {"fields": sorted(patch.model_fields_set | set(patch.model_extra or {}))}
        await audit_row(conn, actor, "audience.changed", "aud", row, fields)
        return _body(app, await find_row(conn, actor, id_text))

    try:
        return await app.db.retrying(work)
    except IntegrityError:
        raise _taken(str(patch.name)) from None


async def delete(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Remove an audience; raises Conflict while another one uses it."""
    actor.require("audiences:write")

    async def work(conn: AsyncConnection) -> None:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        users = await store.users_of(conn, row.id)
        if users:
            raise Conflict(f"It is part of {', '.join(users[:5])}; take it out of there first.")
        await store.remove(conn, row.id)
        await audit_row(conn, actor, "audience.deleted", "aud", row)

    await app.db.retrying(work)


async def find_row(conn: AsyncConnection, actor: Actor, id_text: str, *, lock: bool = False) -> Any:
    """Return the stored row of an audience; raises NotFound, also for another module's."""
    try:
        row = await store.get(conn, decode("aud", id_text), actor.sees, lock=lock)
    except InvalidId:
        row = None
    if row is None:
        raise NotFound(f"There is no audience {id_text[:80]}.")
    return row


def given_selection(request: AudienceRequest | AudiencePatch) -> Document:
    """Return what a request says of the selection, as it says it."""
    return request.model_dump(by_alias=True, exclude_unset=True, exclude={"name"})


def _fields(app: App, name: str, document: Document, node: Leaf) -> dict[str, Any]:
    return {
        "name": name, "kind": document["kind"], "definition": app.seal.close(document),
        "uses": list(references(node)),
    }  # fmt: skip


def _taken(name: str) -> Conflict:
    return Conflict(f"There is an audience {name} already.")


def _body(app: App, row: Any) -> dict[str, Any]:
    return {
        "id": encode("aud", row.id), "name": row.name, "module": row.module_key,
        **shown(app.seal.open(row.definition)),
        "created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at),
        "version": row.version,
    }  # fmt: skip
