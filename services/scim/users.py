"""Users by SCIM: every profile of the key's module is one."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain import addresses
from domain.errors import Conflict
from domain.ids import encode, new_id
from domain.scim.documents import Document, user_document
from domain.scim.patching import operations, patched
from domain.scim.people import NOBODY, Person, check_login, email_keys, person
from domain.scim.projection import Projection
from services import erasure
from services.access import Actor
from services.app import App
from services.idempotency import Answer, Idempotency
from services.profiles import find_row
from services.scim import views
from services.scim.resources import Resource, changed, made
from stores import profiles
from stores import scim_users as store

_KEPT: Final = (*profiles.FIELDS, "attributes")
_USERS: Final = Resource("prf", find_row, store.find, views.users)

find = _USERS.find
get = _USERS.get


async def create(
    app: App,
    actor: Actor,
    body: Any,
    projection: Projection,
    idempotency: Idempotency | None = None,
) -> Answer:
    """Make a profile of a user; raises ScimRefusal, Conflict when a name or id is taken."""
    actor.require("scim:write")
    document = user_document(body)
    login, said = check_login(document), person(document)

    async def work(conn: AsyncConnection) -> Answer:
        if await store.is_taken(conn, actor.module_id, login):
            raise _taken(login, said)
        id = new_id()
        fields = _fields(said, {}, NOBODY)
        if not await profiles.add(conn, id, actor.module_id, fields):
            raise _taken(login, said)
        await _keep(conn, id, login, document)
        row = await find_row(conn, actor, encode("prf", id))
        await _USERS.audit(conn, actor, "profile.created", row)
        return await _USERS.told(app, conn, row, projection, 201)

    return await made(app, actor, idempotency, work, lambda: _taken(login, said))


async def replace(
    app: App,
    actor: Actor,
    id_text: str,
    body: Any,
    projection: Projection,
    if_match: int | None = None,
) -> Answer:
    """Put a user in the place of another; what it does not say is taken away, where it was pushed
    before. Raises NotFound, Stale, ScimRefusal, Conflict.
    """
    actor.require("scim:write")
    document = user_document(body)
    check_login(document)

    def after(row: Any) -> tuple[Person, Document]:
        before = NOBODY if row.scim is None else person(views.document_of(row))
        return before, {**document, "active": document.get("active", row.active)}

    return await _change(app, actor, id_text, after, projection, if_match)


async def patch(
    app: App,
    actor: Actor,
    id_text: str,
    body: Any,
    projection: Projection,
    if_match: int | None = None,
) -> Answer:
    """Apply a PatchOp to a user, all of it or nothing.

    Raises NotFound, Stale, ScimRefusal, Conflict.
    """
    actor.require("scim:write")
    wanted = operations(body)

    def after(row: Any) -> tuple[Person, Document]:
        present = views.document_of(row)
        return person(present), patched(present, wanted)

    return await _change(app, actor, id_text, after, projection, if_match)


async def delete(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Erase a user as the profile's own DELETE does; raises NotFound, Stale."""
    actor.require("scim:write")

    async def work(conn: AsyncConnection) -> None:
        row = await _USERS.locked(conn, actor, id_text, if_match)
        await erasure.erase_row(app, conn, actor, row)

    await app.db.retrying(work)


async def _change(
    app: App,
    actor: Actor,
    id_text: str,
    after: Callable[[Any], tuple[Person, Document]],
    projection: Projection,
    if_match: int | None,
) -> Answer:
    meant: list[tuple[str, Person]] = []

    async def work(conn: AsyncConnection) -> Answer:
        row = await _USERS.locked(conn, actor, id_text, if_match)
        before, document = after(row)
        login, said = check_login(document), person(document)
        meant[:] = [(login, said)]
        if await store.is_taken(conn, row.module_id, login, but_by=row.id):
            raise _taken(login, said)
        fields = _fields(said, row._mapping, before)
        if document != row.scim or any(fields[name] != row._mapping[name] for name in _KEPT):
            await _write(conn, actor, row, fields, login, document)
            row = await find_row(conn, actor, id_text)
        return await _USERS.told(app, conn, row, projection)

    return await changed(app, work, lambda: _taken(*meant[0]))


def _fields(said: Person, present: Mapping[str, Any], before: Person) -> dict[str, Any]:
    """Return the fields of a profile after a push, with the addresses that it has beside them."""
    fields = said.over({name: present.get(name) for name in _KEPT}, before)
    beside = present.get("addresses") or []
    if beside:
        changed = {
            name: fields[name]
            for name in addresses.PLAIN.values()
            if fields[name] != present.get(name)
        }
        plain, beside = addresses.merged(addresses.listed(present, beside), changed, None)
        fields |= plain
    return {**fields, "addresses": beside}


async def _write(
    conn: AsyncConnection,
    actor: Actor,
    row: Any,
    fields: dict[str, Any],
    login: str,
    document: Document,
) -> None:
    await profiles.change(conn, row.id, fields)
    await _keep(conn, row.id, login, document)
    await _USERS.audit(conn, actor, "profile.changed", row)
    active = document.get("active", True)
    if active != row.active:
        action = "profile.activated" if active else "profile.deactivated"
        await _USERS.audit(conn, actor, action, row)


async def _keep(conn: AsyncConnection, id: Any, login: str, document: Document) -> None:
    await store.put(
        conn,
        id,
        login=login,
        active=document.get("active", True),
        document=document,
        emails=email_keys(document),
    )


def _taken(login: str, said: Person) -> Conflict:
    named = f"the userName {login}"
    if external := said.fields["external_id"]:
        named += f" or the externalId {external}"
    return Conflict(f"There is a user with {named} already.")
