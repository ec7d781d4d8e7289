"""Users of the dashboard: made, given roles, deactivated; one administrator always stays."""

import asyncio
import secrets
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.user import UserPatch, UserRequest
from domain.errors import Conflict, Forbidden, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from domain.roles import covers
from domain.vocabulary import Role
from services.access import Actor, hash_password
from services.app import App
from services.auditing import audit_subject
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from services.versions import check_version
from stores import access
from stores import users as store


async def create(app: App, actor: Actor, request: UserRequest) -> dict[str, Any]:
    """Make a user; a password that was made is in the answer, this once. Raises Conflict,
    Forbidden for a role above the actor's own.
    """
    actor.require("users:write")
    _check_reach(actor, request.role)
    password = request.password or secrets.token_urlsafe(12)
    hashed = await asyncio.to_thread(hash_password, password)
    id = new_id()
    try:
        async with app.db.leader() as conn:
            await access.add_user(
                conn, id=id, name=request.name, email=request.email, role=request.role,
                password_hash=hashed,
            )  # fmt: skip
            await _audit(conn, actor, "user.created", id, role=request.role)
            body = view(await find_row(conn, encode("usr", id)))
    except IntegrityError:
        raise Conflict(f"There is a user {request.email} already.") from None
    return body if request.password else {**body, "password": password}


async def find(
    app: App,
    actor: Actor,
    *,
    role: Sequence[Role] = (),
    active: bool | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Return a page of users, newest first."""
    actor.require("users:read")
    async with app.db.leader() as conn:
        rows = await store.find(
            conn, roles=role, active=active, before=decode_cursor(cursor), most=limit + 1
        )
    return Page([view(row) for row in rows[:limit]], next_cursor([r.id for r in rows], limit))


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a user; everybody may look at themselves. Raises NotFound."""
    if actor.user_id is None or id_text != encode("usr", actor.user_id):
        actor.require("users:read")
    async with app.db.leader() as conn:
        return view(await find_row(conn, id_text))


async def change(
    app: App, actor: Actor, id_text: str, patch: UserPatch, if_match: int | None = None
) -> dict[str, Any]:
    """Change a user's name or role, or deactivate them: their sessions end, their keys stop.

    Raises NotFound, Stale, Conflict for the last administrator, Forbidden for a role above the
    actor's own.
    """
    actor.require("users:write")
    given = patch.model_dump(exclude_unset=True)

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        administrators = await store.lock_administrators(conn)
        row = await find_row(conn, id_text, lock=True)
        check_version(if_match, row.version)
        changed = {name: given.get(name, getattr(row, name)) for name in ("name", "role", "active")}
        _check_reach(actor, Role(row.role))
        _check_reach(actor, Role(changed["role"]))
        if changed["role"] != Role.ADMINISTRATOR or not changed["active"]:
            _check_last(administrators, row.id)
        after = await store.change(conn, row.id, changed)
        if not after.active:
            await access.remove_other_sessions(conn, row.id, b"")
        told = {name: changed[name] for name in ("role", "active") if name in given}
        await _audit(conn, actor, "user.changed", row.id, fields=sorted(given), **told)
        return view(after)

    return await app.db.retrying(work)


async def remove(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Erase a user with sessions and keys; what they did stays, under their id.

    Raises NotFound, Stale, Conflict for the last administrator, Forbidden.
    """
    actor.require("users:write")

    async def work(conn: AsyncConnection) -> None:
        administrators = await store.lock_administrators(conn)
        row = await find_row(conn, id_text, lock=True)
        check_version(if_match, row.version)
        _check_reach(actor, Role(row.role))
        _check_last(administrators, row.id)
        await store.remove(conn, row.id)
        await _audit(conn, actor, "user.removed", row.id, role=row.role)

    await app.db.retrying(work)


async def reset_password(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Give a user a new temporary password, answered once; their sessions end. Raises NotFound."""
    actor.require("users:write")
    password = secrets.token_urlsafe(12)
    hashed = await asyncio.to_thread(hash_password, password)
    async with app.db.leader() as conn:
        row = await find_row(conn, id_text, lock=True)
        _check_reach(actor, Role(row.role))
        await access.set_password(conn, row.id, hashed, temporary=True)
        await access.remove_other_sessions(conn, row.id, b"")
        await _audit(conn, actor, "user.password_reset", row.id)
        return {**view(await find_row(conn, id_text)), "password": password}


def view(row: Any) -> dict[str, Any]:
    """Return a user in the contract's shape."""
    return {
        "id": encode("usr", row.id),
        "name": row.name,
        "email": row.email,
        "role": row.role,
        "active": row.active,
        "password_temporary": row.password_temporary,
        "created_at": stamp(row.created_at),
        "version": row.version,
    }


async def id_of(app: App, email: str) -> str:
    """Return the id of the user with an address, for whoever works on the machine; NotFound."""
    async with app.db.leader() as conn:
        row = await store.find_by_email(conn, email.replace("\x00", ""))
    if row is None:
        raise NotFound(f"There is no user {email[:320]}.")
    return encode("usr", row.id)


async def find_row(conn: AsyncConnection, id_text: str, *, lock: bool = False) -> Any:
    """Return the stored row of a user; raises NotFound."""
    try:
        row = await store.get(conn, decode("usr", id_text), lock=lock)
    except InvalidId:
        row = None
    if row is None:
        raise NotFound(f"There is no user {id_text[:80]}.")
    return row


def _check_reach(actor: Actor, role: Role) -> None:
    """Refuse to give, or take from somebody, a role that is above the actor's own rights."""
    if not covers(actor.scopes, role):
        raise Forbidden(f"The role {role} may do more than {actor.name} may.")


def _check_last(administrators: Collection[UUID], id: UUID) -> None:
    if set(administrators) == {id}:
        raise Conflict("This is the last active administrator; make another one first.")


async def _audit(conn: AsyncConnection, actor: Actor, action: str, id: UUID, **told: Any) -> None:
    await audit_subject(conn, actor, action, encode("usr", id), None, told)
