"""Rotas: who is on duty, by turns and with people standing in. Kept as data, asked by steps."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.rota import RotaRequest
from domain.errors import Conflict, Invalid, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from domain.rota import Override, Rota
from domain.wall_clock import wall, zone_of
from services.access import Actor
from services.app import App
from services.auditing import audit_row, named
from services.fields import validated
from services.idempotency import Answer, Idempotency, once
from services.merging import merge
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.profile_refs import resolve
from services.times import stamp
from services.versions import check_version
from stores import rotas as store

MOST_WEEKS: Final = 26
DEFAULT_WEEKS: Final = 4
_SAID: Final = ("name", "members", "every", "start", "handover", "timezone", "overrides")


async def create(
    app: App, actor: Actor, request: RotaRequest, idempotency: Idempotency | None = None
) -> Answer:
    """Make a rota; raises Invalid, Conflict when its name is taken."""
    actor.require("rotas:write")

    async def work(conn: AsyncConnection) -> Answer:
        id = new_id()
        rota = await _rota(conn, actor.module_id, request)
        row = {
            "id": id, "module_id": actor.module_id, "name": request.name,
            "created_by": named(actor),
        }  # fmt: skip
        await store.add(conn, row, rota)
        made = await find_row(conn, actor, encode("rot", id))
        await _audit(conn, actor, "rota.created", made)
        body = await _view(conn, made)
        return Answer(body, 201, headers={"Location": f"/v1/rotas/{body['id']}"})

    try:
        return await once(app, actor, idempotency, work)
    except IntegrityError:
        raise _taken(request.name) from None


async def find(
    app: App, actor: Actor, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return a page of rotas, newest first, each with who is on duty now."""
    actor.require("rotas:read")
    async with app.db.leader() as conn:
        rows = await store.find(
            conn,
            module_id=actor.sees,
            before=decode_cursor(cursor),
            most=limit + 1,
        )
        items = await _views(conn, rows[:limit])
    return Page(items, next_cursor([row.id for row in rows], limit))


async def get(app: App, actor: Actor, name: str) -> dict[str, Any]:
    """Return a rota by id or name; raises NotFound."""
    actor.require("rotas:read")
    async with app.db.leader() as conn:
        return await _view(conn, await find_row(conn, actor, name))


async def duty(
    app: App,
    actor: Actor,
    name: str,
    *,
    at: datetime | None = None,
    weeks: int = DEFAULT_WEEKS,
) -> dict[str, Any]:
    """Return who is on duty at a moment (now), whom to ask after them, and the shifts of the days
    from then on: {at, on_duty, order, shifts, names}. Raises NotFound.
    """
    actor.require("rotas:read")
    at = at or datetime.now(UTC)
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, name)
        rota = (await store.people_of(conn, [row]))[row.id]
        names = await store.names_of(conn, _people(rota))
    today = wall(at, zone_of(rota.timezone)).replace(hour=0, minute=0, second=0, microsecond=0)
    first = today.replace(tzinfo=zone_of(rota.timezone)).astimezone(UTC)
    on_duty = rota.on_duty(at)
    return {
        "rota": encode("rot", row.id),
        "at": stamp(at),
        "on_duty": encode("prf", on_duty) if on_duty else None,
        "order": [encode("prf", one) for one in rota.order(at)],
        "shifts": [
            {
                "profile": encode("prf", one.profile_id),
                "start_at": stamp(one.start_at),
                "end_at": stamp(one.end_at),
                "override": one.override,
            }
            for one in rota.shifts(first, first + timedelta(weeks=weeks))
        ],
        "names": {encode("prf", id): name for id, name in names.items()},
    }


async def change(
    app: App, actor: Actor, name: str, patch: Mapping[str, Any], if_match: int | None = None
) -> dict[str, Any]:
    """Change a rota (RFC 7396); raises NotFound, Stale, Invalid, Conflict."""
    actor.require("rotas:write")

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, name, lock=True)
        check_version(if_match, row.version)
        shown = await _view(conn, row)
        request = validated(RotaRequest, merge({one: shown[one] for one in _SAID}, patch))
        await store.change(conn, row.id, request.name, await _rota(conn, row.module_id, request))
        await _audit(conn, actor, "rota.changed", row, {"fields": sorted(patch)})
        return await _view(conn, await find_row(conn, actor, encode("rot", row.id)))

    try:
        return await app.db.retrying(work)
    except IntegrityError:
        raise _taken(str(patch.get("name"))) from None


async def remove(app: App, actor: Actor, name: str, if_match: int | None = None) -> None:
    """Remove a rota; steps that name it reach nobody from now on. Raises NotFound, Stale."""
    actor.require("rotas:write")

    async def work(conn: AsyncConnection) -> None:
        row = await find_row(conn, actor, name, lock=True)
        check_version(if_match, row.version)
        await store.remove(conn, row.id)
        await _audit(conn, actor, "rota.removed", row)

    await app.db.retrying(work)


async def find_row(conn: AsyncConnection, actor: Actor, name: str, *, lock: bool = False) -> Any:
    """Return the stored row of a rota by id or name; raises NotFound, also for another module's."""
    try:
        id = decode("rot", name)
    except InvalidId:
        id = None
    row = await store.get(
        conn, id=id, name=name.replace("\x00", ""), module_id=actor.module_id,
        all_modules=actor.all_modules, lock=lock,
    )  # fmt: skip
    if row is None:
        raise NotFound(f"There is no rota {name[:80]}.")
    return row


async def _rota(conn: AsyncConnection, module_id: Any, request: RotaRequest) -> Rota:
    refs = {f"members[{number}]": ref for number, ref in enumerate(request.members)}
    stand_ins = {
        f"overrides[{number}].profile": one.profile for number, one in enumerate(request.overrides)
    }
    found, errors = await resolve(conn, module_id, {**refs, **stand_ins})
    if errors:
        raise Invalid(errors=errors)
    return Rota(
        members=tuple(found[field] for field in refs),
        every=request.every,
        start=request.start,
        handover=request.handover,
        timezone=request.timezone,
        overrides=tuple(
            Override(found[field], one.start_at, one.end_at)
            for field, one in zip(stand_ins, request.overrides, strict=True)
        ),
    )


async def _view(conn: AsyncConnection, row: Any) -> dict[str, Any]:
    [view] = await _views(conn, [row])
    return view


async def _views(conn: AsyncConnection, rows: Any) -> list[dict[str, Any]]:
    """Return rotas in the contract's shape."""
    rotas = await store.people_of(conn, rows)
    names = await store.names_of(conn, [id for one in rotas.values() for id in _people(one)])
    now = datetime.now(UTC)
    views = []
    for row in rows:
        rota = rotas[row.id]
        on_duty = rota.on_duty(now)
        views.append(
            {
                "id": encode("rot", row.id),
                "name": row.name,
                "members": [encode("prf", one) for one in rota.members],
                "every": row.every,
                "start": row.start.isoformat(),
                "handover": _clock(row.handover),
                "timezone": row.timezone,
                "overrides": [
                    {"profile": encode("prf", one.profile_id), "start_at": stamp(one.start_at),
                     "end_at": stamp(one.end_at)}
                    for one in rota.overrides
                ],
                "on_duty": encode("prf", on_duty) if on_duty else None,
                "names": {encode("prf", id): names.get(id, "") for id in _people(rota)},
                "module": row.module_key,
                "created_by": row.created_by,
                "created_at": stamp(row.created_at),
                "updated_at": stamp(row.updated_at),
                "version": row.version,
            }
        )  # fmt: skip
    return views


def _people(rota: Rota) -> list[Any]:
    return list(dict.fromkeys([*rota.members, *(one.profile_id for one in rota.overrides)]))


def _clock(value: time) -> str:
    return f"{value:%H:%M}"


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a rota {name} already.")


async def _audit(
    conn: AsyncConnection, actor: Actor, action: str, row: Any, detail: Any = None
) -> None:
    await audit_row(conn, actor, action, "rot", row, {"name": row.name, **(detail or {})})
