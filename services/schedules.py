"""Schedules: the row first, Temporal's schedule follows."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.schedule import (
    RULES,
    PauseRequest,
    Revoke,
    ScheduleRequest,
    StandingApproval,
)
from domain.errors import Conflict, NotFound, Problem
from domain.ids import InvalidId, decode, encode, new_id
from domain.schedules import next_times
from services import schedule_firing, schedule_sync, standing_approvals
from services.access import Actor
from services.app import App
from services.auditing import audit_row, named
from services.fields import validated
from services.idempotency import Answer, Idempotency, once
from services.merging import merge
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, page_of
from services.schedule_actions import action_of
from services.schedule_firing import present
from services.schedule_timing import first_time, timing_of
from services.schedule_views import detail, summary
from services.times import stamp
from services.versions import check_version
from stores import schedule_runs
from stores import schedules as store

MOST_SHOWN: Final = 20
_SCOPES: Final = ("notifications:write", "campaigns:write")
"""What a schedule may need of what its maker may do."""
_TIMING: Final = (*RULES, "timezone", "start_at", "end_at", "skip")


async def create(
    app: App, actor: Actor, request: ScheduleRequest, idempotency: Idempotency | None = None
) -> Answer:
    """Make a schedule; raises Invalid, Forbidden, Conflict when its name is taken."""
    actor.require("schedules:write")
    id = new_id()

    async def work(conn: AsyncConnection) -> Answer:
        now = await present(conn)
        row = await _row(app, conn, actor, request, now, request.start_at or now)
        await store.add(
            conn,
            {
                **row, "id": id, "module_id": actor.module_id, "settled_at": now,
                "created_by": named(actor), "created_at": now,
            },
        )  # fmt: skip
        made = await _get(conn, actor, encode("sch", id))
        await _audit(conn, actor, "schedule.created", made)
        body = detail(made, [], [])
        return Answer(body, 201, headers={"Location": f"/v1/schedules/{body['id']}"})

    try:
        answer = await once(app, actor, idempotency, work)
    except IntegrityError:
        raise _taken(request.name) from None
    if not answer.replayed:
        await schedule_sync.follow(app, id)
    return answer


async def find(
    app: App, actor: Actor, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return a page of schedules, newest first."""
    actor.require("schedules:read")
    async with app.db.leader() as conn:
        rows = await store.find(
            conn,
            module_id=actor.sees,
            before=decode_cursor(cursor),
            most=limit + 1,
        )
    return page_of(rows, limit, summary)


async def get(app: App, actor: Actor, name: str) -> dict[str, Any]:
    """Return a schedule by id or name: what it says, when it fires next, and what became of its
    latest times. Raises NotFound.
    """
    actor.require("schedules:read")
    async with app.db.leader() as conn:
        row = await _get(conn, actor, name)
        return {**await _detail(conn, row), **await standing_approvals.told(app, conn, row)}


async def upcoming(
    app: App, actor: Actor, name: str, *, most: int = 10, after: datetime | None = None
) -> list[datetime]:
    """Return the next times, as if it were not paused; fewer when it ends before. In UTC."""
    actor.require("schedules:read")
    async with app.db.leader() as conn:
        row = await _get(conn, actor, name)
        now = await present(conn)
    timing = timing_of(row.definition, row.anchor_at)
    return next_times(timing, max(now, row.settled_at, after or now), most)


async def next_page(app: App, actor: Actor, name: str, most: int) -> dict[str, Any]:
    """Return the next times as the contract has them: {items: [time]}."""
    return {"items": [stamp(t) for t in await upcoming(app, actor, name, most=most)]}


async def change(
    app: App, actor: Actor, name: str, patch: Mapping[str, Any], if_match: int | None = None
) -> dict[str, Any]:
    """Change a schedule (RFC 7396); another rule takes the place of the present one.

    Times up to now go by what it said before. Raises NotFound, Stale, Invalid, Conflict.
    """
    actor.require("schedules:write")

    async def work(conn: AsyncConnection) -> Any:
        row = await _get(conn, actor, name, lock=True)
        check_version(if_match, row.version)
        now = await present(conn)
        if row.paused_at is None and row.next_at is not None and row.next_at <= now:
            return row.id  # it is due this moment, and that goes first
        request = validated(ScheduleRequest, _merged(row.definition, patch))
        moved = any(name in patch for name in _TIMING)
        again = "every" in patch or "start_at" in patch
        anchor = (request.start_at or now) if again else row.anchor_at
        by = replace(actor, module_id=row.module_id, module_key=row.module_key)
        changed = await _row(app, conn, by, request, now, anchor, check=moved)
        settled = now if moved else row.settled_at
        if not moved:
            changed["next_at"] = row.next_at
        await store.change(conn, row.id, {**changed, "settled_at": settled})
        await _audit(conn, actor, "schedule.changed", row, {"fields": sorted(patch)})
        return await _detail(
            conn,
            await _get(conn, actor, encode("sch", row.id)),
        )

    try:
        while not isinstance(done := await app.db.retrying(work), dict):
            await schedule_firing.fire(app, done)
    except IntegrityError:
        raise _taken(str(patch.get("name"))) from None
    await schedule_sync.follow(app, decode("sch", done["id"]))
    return done


async def pause(
    app: App, actor: Actor, name: str, request: PauseRequest, if_match: int | None = None
) -> dict[str, Any]:
    """Let a schedule rest; repeatable. Raises NotFound, Stale."""

    async def work(conn: AsyncConnection, row: Any) -> None:
        if row.paused_at is None:
            await store.pause(conn, row.id, request.note)
            await _audit(conn, actor, "schedule.paused", row)

    return await _act(app, actor, name, if_match, work)


async def resume(app: App, actor: Actor, name: str, if_match: int | None = None) -> dict[str, Any]:
    """Let a schedule go on; the times of its rest are noted as paused. Raises NotFound, Stale."""

    async def work(conn: AsyncConnection, row: Any) -> None:
        if row.paused_at is None:
            return
        now = await present(conn)
        timing = timing_of(row.definition, row.anchor_at)
        await schedule_firing.miss(conn, row, timing, now, "paused")
        coming = next_times(timing, now, 1)
        await store.settle(conn, row.id, settled_at=now, next_at=coming[0] if coming else None)
        await store.resume(conn, row.id)
        await _audit(conn, actor, "schedule.resumed", row)

    return await _act(app, actor, name, if_match, work)


async def approve(app: App, actor: Actor, name: str, request: StandingApproval) -> dict[str, Any]:
    """Keep a standing approval of what a schedule sends; its runs within it need no other.

    Raises NotFound, Invalid, Forbidden for its authors, Conflict for another hash.
    """
    await standing_approvals.approve(app, actor, await _id(app, actor, name), request)
    return await get(app, actor, name)


async def revoke(app: App, actor: Actor, name: str, request: Revoke) -> dict[str, Any]:
    """Take the standing approvals of what a schedule sends back; raises NotFound, Conflict."""
    await standing_approvals.revoke(app, actor, await _id(app, actor, name), request)
    return await get(app, actor, name)


async def remove(app: App, actor: Actor, name: str, if_match: int | None = None) -> None:
    """Remove a schedule; what it has begun goes on. Raises NotFound, Stale."""
    actor.require("schedules:write")

    async def work(conn: AsyncConnection) -> Any:
        row = await _get(conn, actor, name, lock=True)
        check_version(if_match, row.version)
        await store.remove(conn, row.id)
        await _audit(conn, actor, "schedule.removed", row)
        return row.id

    await schedule_sync.follow(app, await app.db.retrying(work))


async def find_row(conn: AsyncConnection, actor: Actor, name: str, *, lock: bool = False) -> Any:
    """Return the stored row of a schedule by id or name; raises NotFound."""
    return await _get(conn, actor, name, lock=lock)


async def _id(app: App, actor: Actor, name: str) -> UUID:
    actor.require("approvals:write")
    actor.require("schedules:read")
    async with app.db.leader() as conn:
        id: UUID = (await _get(conn, actor, name)).id
    return id


async def _act(
    app: App, actor: Actor, name: str, if_match: int | None, work: Any
) -> dict[str, Any]:
    actor.require("schedules:write")

    async def acted(conn: AsyncConnection) -> dict[str, Any]:
        row = await _get(conn, actor, name, lock=True)
        check_version(if_match, row.version)
        await work(conn, row)
        return await _detail(conn, await _get(conn, actor, encode("sch", row.id)))

    shown = await app.db.retrying(acted)
    await schedule_sync.follow(app, decode("sch", shown["id"]))
    return shown


async def _get(conn: AsyncConnection, actor: Actor, name: str, *, lock: bool = False) -> Any:
    try:
        id = decode("sch", name)
    except InvalidId:
        found = await store.find_id(conn, actor.module_id, name.replace("\x00", ""))
        if found is None:
            raise NotFound(f"There is no schedule {name[:80]}.") from None
        id = found
    row = await store.get(conn, id, lock=lock)
    if row is None or (row.module_id != actor.module_id and not actor.all_modules):
        raise NotFound(f"There is no schedule {name[:80]}.")
    return row


async def _detail(conn: AsyncConnection, row: Any) -> dict[str, Any]:
    return detail(
        row,
        await schedule_runs.latest(conn, row.id, MOST_SHOWN),
        await schedule_runs.gaps(conn, row.id, MOST_SHOWN),
    )


async def _row(
    app: App,
    conn: AsyncConnection,
    actor: Actor,
    request: ScheduleRequest,
    now: datetime,
    anchor: datetime,
    *,
    check: bool = True,
) -> dict[str, Any]:
    """Return the columns that a request makes; raises Invalid, Forbidden."""
    given = request.action.model_dump(exclude_none=True)
    kind, action, body = action_of(given)
    anchor = anchor.replace(microsecond=0)
    next_at = first_time(request, anchor, now) if check else None
    actor.require(action.scope)
    try:
        await action.check(app, conn, actor, body)
    except Problem as problem:
        raise problem.inside(f"action.{kind}") from None
    definition = request.model_dump(mode="json", exclude_none=True, exclude_unset=True)
    return {
        "name": request.name,
        "action": kind,
        "definition": {**definition, "action": {kind: dict(body)}},
        "scopes": [scope for scope in _SCOPES if actor.may(scope)],
        "author": actor.user_id,
        "anchor_at": anchor,
        "next_at": next_at,
    }


def _merged(definition: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a definition with a patch applied; a rule that is given replaces any other."""
    given = [name for name in RULES if patch.get(name) is not None]
    kept = {
        name: value
        for name, value in definition.items()
        if not given or name not in RULES or name in given
    }
    return merge(kept, patch)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a schedule {name} already.")


async def _audit(
    conn: AsyncConnection,
    actor: Actor,
    action: str,
    row: Any,
    detail: Mapping[str, Any] | None = None,
) -> None:
    await audit_row(conn, actor, action, "sch", row, {"name": row.name, **(detail or {})})
