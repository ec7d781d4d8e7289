"""Groups by SCIM: every group of the key's module is one."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict
from domain.ids import InvalidId, decode, encode, new_id
from domain.scim.errors import invalid_value
from domain.scim.expressions import Path
from domain.scim.members import GroupChange, Members, folded, group_change
from domain.scim.patching import operations
from domain.scim.projection import Projection
from services.access import Actor
from services.app import App
from services.groups import find_row
from services.idempotency import Answer, Idempotency
from services.scim import views
from services.scim.resources import Resource, changed, made
from stores import groups as group_store
from stores import profiles
from stores import scim_groups as store

_NAMED: Final = 5
"""How many unknown members an answer names."""
_GROUPS: Final = Resource("grp", find_row, store.find, views.groups)
_WITHOUT_MEMBERS: Final = Projection(excluded=(Path("members"),))

find = _GROUPS.find
get = _GROUPS.get


async def create(
    app: App,
    actor: Actor,
    body: Any,
    projection: Projection,
    idempotency: Idempotency | None = None,
) -> Answer:
    """Make a group; raises ScimRefusal, Conflict when displayName or externalId is taken."""
    actor.require("scim:write")
    said = group_change(body)
    name = _named(said)

    async def work(conn: AsyncConnection) -> Answer:
        id = new_id()
        if not await group_store.add(conn, id, actor.module_id, name):
            raise _taken(said)
        if said.external_id:
            await store.identify(conn, id, said.external_id)
        await _move(conn, actor.module_id, id, said.members)
        row = await find_row(conn, actor, encode("grp", id))
        await _GROUPS.audit(conn, actor, "group.created", row)
        return await _GROUPS.told(app, conn, row, projection, 201)

    return await made(app, actor, idempotency, work, lambda: _taken(said))


async def replace(
    app: App,
    actor: Actor,
    id_text: str,
    body: Any,
    projection: Projection,
    if_match: int | None = None,
) -> Answer:
    """Put a group in the place of another; without `members` they stay as they are.

    Raises NotFound, Stale, ScimRefusal, Conflict.
    """
    actor.require("scim:write")
    said = group_change(body)
    _named(said)
    whole = GroupChange(said.name, said.external_id or "", said.members)
    return await _change(app, actor, id_text, whole, projection, if_match)


async def patch(
    app: App,
    actor: Actor,
    id_text: str,
    body: Any,
    projection: Projection,
    if_match: int | None = None,
) -> Answer:
    """Apply a PatchOp to a group, all of it or nothing; the members are not read for that.

    The answer is 204 unless attributes are asked for. Raises NotFound, Stale, ScimRefusal,
    Conflict.
    """
    actor.require("scim:write")
    said = folded(operations(body))
    if projection.wanted is not None:
        return await _change(app, actor, id_text, said, projection, if_match)
    answer = await _change(app, actor, id_text, said, _WITHOUT_MEMBERS, if_match)
    return Answer({}, 204, headers=answer.headers)


async def delete(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Remove a group; its users stay. Raises NotFound, Stale."""
    actor.require("scim:write")

    async def work(conn: AsyncConnection) -> None:
        row = await _GROUPS.locked(conn, actor, id_text, if_match)
        await group_store.remove(conn, row.id)
        await _GROUPS.audit(conn, actor, "group.deleted", row)

    await app.db.retrying(work)


async def _change(
    app: App,
    actor: Actor,
    id_text: str,
    said: GroupChange,
    projection: Projection,
    if_match: int | None,
) -> Answer:
    async def work(conn: AsyncConnection) -> Answer:
        row = await _GROUPS.locked(conn, actor, id_text, if_match)
        name = said.name if said.name is not None else row.name
        external = row.external_id if said.external_id is None else said.external_id or None
        joined, left = await _move(conn, row.module_id, row.id, said.members)
        if joined or left or (name, external) != (row.name, row.external_id):
            await store.change(conn, row.id, name, external)
            await _GROUPS.audit(conn, actor, "group.changed", row, joined=joined, left=left)
            row = await find_row(conn, actor, id_text)
        return await _GROUPS.told(app, conn, row, projection)

    return await changed(app, work, lambda: _taken(said))


async def _move(
    conn: AsyncConnection, module_id: UUID, group_id: UUID, members: Members
) -> tuple[int, int]:
    """Change who is in a group that is locked; return how many joined and left it.

    Raises ScimRefusal for members that are no users of the module.
    """
    if not members:
        return 0, 0
    joining = await _known(conn, module_id, members.added)
    left = 0
    if members.emptied:
        left = await store.leave(conn, group_id, joining, others=True)
    elif members.removed:
        left = await store.leave(conn, group_id, _ids(members.removed).values())
    joined = await store.join(conn, module_id, group_id, joining) if joining else 0
    return joined, left


async def _known(conn: AsyncConnection, module_id: UUID, given: frozenset[str]) -> set[UUID]:
    ids = _ids(given)
    known, _ = await profiles.find_ids(conn, module_id, sorted(ids.values()), [])
    unknown = sorted(one for one in given if ids.get(one) not in known)
    if unknown:
        more = ", …" if len(unknown) > _NAMED else ""
        named = ", ".join(one[:80] for one in unknown[:_NAMED])
        raise invalid_value(f"members: {named}{more} is the id of no user; push users first.")
    return known


def _ids(given: Iterable[str]) -> dict[str, UUID]:
    found: dict[str, UUID] = {}
    for one in given:
        try:
            found[one] = decode("prf", one)
        except InvalidId:
            continue
    return found


def _named(said: GroupChange) -> str:
    if not said.name:
        raise invalid_value("displayName is required.")
    return said.name


def _taken(said: GroupChange) -> Conflict:
    external = f" or the externalId {said.external_id}" if said.external_id else ""
    return Conflict(f"There is a group with the name {said.name}{external} already.")
