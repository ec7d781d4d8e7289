"""Profiles: the recipients that a module knows."""

from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.profile import ProfilePatch, ProfileRequest
from domain.errors import Conflict, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from services import groups
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.group_references import resolve
from services.idempotency import Answer, Idempotency, once
from services.modules import owner_of
from services.paging import Page, next_cursor
from services.positions import seen
from services.profile_changes import merged
from services.profile_filters import ProfileFilters
from services.profile_views import view_all
from services.relooking import wake_all
from services.versions import check_version
from stores import memberships
from stores import profiles as store
from stores.ledger.relook import relook


async def create(
    app: App,
    actor: Actor,
    request: ProfileRequest,
    idempotency: Idempotency | None = None,
    *,
    module: str | None = None,
) -> Answer:
    """Make a profile; groups named for the first time are made with it.

    `module` (id or key) is for actors of all modules. Raises Conflict when the external_id exists,
    Invalid for an unknown group id.
    """
    actor.require("profiles:write")

    async def work(conn: AsyncConnection) -> Answer:
        id, owner = new_id(), await owner_of(conn, actor, module)
        if not await store.add(conn, id, owner, merged({}, request)):
            raise _taken(request.external_id)
        joined = await resolve(conn, owner, request.groups or [])
        await memberships.replace(conn, id, joined)
        row = await find_row(conn, actor, encode("prf", id))
        await audit_row(conn, actor, "profile.created", "prf", row)
        (body,) = await view_all(conn, [row])
        return Answer(body, 201, headers={"Location": f"/v1/profiles/{body['id']}"})

    return await once(app, actor, idempotency, work)


async def find(
    app: App, actor: Actor, filters: ProfileFilters, position: str | None = None
) -> Page:
    """Return a page of profiles, newest first; `position` is the caller's last write."""
    actor.require("profiles:read")
    conditions = filters.conditions(actor.sees)
    async with app.db.read(seen(app, actor, position)) as conn:
        rows = await store.find(conn, conditions, most=filters.limit + 1)
        items = await view_all(conn, rows[: filters.limit])
    return Page(items, next_cursor([row.id for row in rows], filters.limit))


async def find_in_group(
    app: App, actor: Actor, group: str, filters: ProfileFilters, position: str | None = None
) -> Page:
    """Return a page of a group's profiles; raises NotFound."""
    actor.require("groups:read")
    actor.require("profiles:read")
    async with app.db.leader() as conn:
        row = await groups.find_row(conn, actor, group)
    conditions = {**filters.conditions(actor.sees), "group_id": row.id}
    async with app.db.read(seen(app, actor, position)) as conn:
        rows = await store.find(conn, conditions, most=filters.limit + 1)
        items = await view_all(conn, rows[: filters.limit])
    return Page(items, next_cursor([row.id for row in rows], filters.limit))


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a profile with its groups and devices; raises NotFound."""
    actor.require("profiles:read")
    async with app.db.leader() as conn:
        (body,) = await view_all(conn, [await find_row(conn, actor, id_text)])
    return body


async def change(
    app: App, actor: Actor, id_text: str, patch: ProfilePatch, if_match: int | None = None
) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396): attributes merge, groups are replaced.

    Raises Stale, Conflict when the external_id exists, Invalid for an unknown group id.
    """
    actor.require("profiles:write")
    held: list[str] = []

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        await store.change(conn, row.id, merged(row._mapping, patch))
        if "groups" in patch.model_fields_set:
            joined = await resolve(conn, row.module_id, patch.groups or [])
            await memberships.replace(conn, row.id, joined)
        held[:] = await relook(conn, [row.id]) if "timezone" in patch.model_fields_set else []
        changed = {"fields": sorted(patch.model_fields_set)}
        await audit_row(conn, actor, "profile.changed", "prf", row, changed)
        (body,) = await view_all(conn, [await find_row(conn, actor, id_text)])
        return body

    try:
        body = await app.db.retrying(work)
    except IntegrityError:
        raise _taken(patch.external_id) from None
    await wake_all(app, held)
    return body


async def find_row(conn: AsyncConnection, actor: Actor, id_text: str, *, lock: bool = False) -> Any:
    """Return the stored row of a profile; raises NotFound, also for another module's."""
    try:
        id = decode("prf", id_text)
    except InvalidId:
        raise NotFound(f"There is no profile {id_text[:80]}.") from None
    row = await store.get(conn, id, actor.sees, lock=lock)
    if row is None:
        raise NotFound(f"There is no profile {id_text[:80]}.")
    return row


def _taken(external_id: str | None) -> Conflict:
    return Conflict(f"There is a profile with the external_id {external_id} already.")
