"""Groups: named sets of a module's profiles."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.profile import GroupRequest
from domain.errors import Conflict, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.idempotency import Answer, Idempotency, once
from services.modules import owner_of
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, page_of
from services.positions import seen
from services.searching import pattern
from services.times import stamp
from services.versions import check_version
from stores import groups as store


async def create(
    app: App,
    actor: Actor,
    request: GroupRequest,
    idempotency: Idempotency | None = None,
    *,
    module: str | None = None,
) -> Answer:
    """Make an empty group; raises Conflict when its name is taken.

    `module` (id or key) is for actors of all modules.
    """
    actor.require("groups:write")

    async def work(conn: AsyncConnection) -> Answer:
        id, owner = new_id(), await owner_of(conn, actor, module)
        if not await store.add(conn, id, owner, request.name):
            raise Conflict(f"There is a group {request.name} already.")
        row = await store.get(conn, id, owner)
        await audit_row(conn, actor, "group.created", "grp", row)
        body = _body(row)
        return Answer(body, 201, headers={"Location": f"/v1/groups/{body['id']}"})

    return await once(app, actor, idempotency, work)


async def find(
    app: App,
    actor: Actor,
    *,
    name: Sequence[str] = (),
    q: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    position: str | None = None,
) -> Page:
    """Return a page of groups, newest first; `position` is the caller's last write."""
    actor.require("groups:read")
    async with app.db.read(seen(app, actor, position)) as conn:
        rows = await store.find(
            conn,
            module_id=actor.sees,
            names=[value.replace("\x00", "") for value in name],
            q=pattern(q),
            before=decode_cursor(cursor),
            most=limit + 1,
        )
    return page_of(rows, limit, _body)


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a group; raises NotFound."""
    actor.require("groups:read")
    async with app.db.leader() as conn:
        return _body(await find_row(conn, actor, id_text))


async def rename(
    app: App, actor: Actor, id_text: str, request: GroupRequest, if_match: int | None = None
) -> dict[str, Any]:
    """Give a group another name; raises Stale, Conflict when the name is taken."""
    actor.require("groups:write")

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        if request.name != row.name:
            await store.rename(conn, row.id, request.name)
            await audit_row(conn, actor, "group.renamed", "grp", row)
        return _body(await find_row(conn, actor, id_text))

    try:
        return await app.db.retrying(work)
    except IntegrityError:
        raise Conflict(f"There is a group {request.name} already.") from None


async def delete(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Remove a group; its profiles stay."""
    actor.require("groups:write")

    async def work(conn: AsyncConnection) -> None:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        await store.remove(conn, row.id)
        await audit_row(conn, actor, "group.deleted", "grp", row)

    await app.db.retrying(work)


async def find_row(conn: AsyncConnection, actor: Actor, id_text: str, *, lock: bool = False) -> Any:
    """Return the stored row of a group; raises NotFound, also for another module's."""
    try:
        id = decode("grp", id_text)
    except InvalidId:
        raise NotFound(f"There is no group {id_text[:80]}.") from None
    row = await store.get(conn, id, actor.sees, lock=lock)
    if row is None:
        raise NotFound(f"There is no group {id_text[:80]}.")
    return row


def _body(row: Any) -> dict[str, Any]:
    return {
        "id": encode("grp", row.id), "name": row.name, "module": row.module_key,
        "profiles": row.profiles, "created_at": stamp(row.created_at), "version": row.version,
    }  # fmt: skip
