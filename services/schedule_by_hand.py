"""Firing by hand: now, or for times that have passed."""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.schedule import MOST_BACKFILLED, BackfillRequest
from domain.errors import Invalid
from domain.ids import encode
from domain.schedules import next_times
from services import schedule_firing
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.idempotency import Answer, Idempotency, once
from services.schedule_actions import ACTIONS
from services.schedule_firing import Pass
from services.schedule_timing import timing_of
from services.schedules import find_row
from services.times import stamp
from stores import schedule_runs

BACKFILL_DAYS: Final = 30
_INSTANT: Final = timedelta(microseconds=1)


async def trigger(
    app: App, actor: Actor, name: str, idempotency: Idempotency | None = None
) -> Answer:
    """Fire a schedule now, paused or not, whatever is unfinished; the answer is 202.

    Raises NotFound, and what its action refuses: Invalid, Forbidden.
    """
    actor.require("schedules:write")
    done = Pass()

    async def work(conn: AsyncConnection) -> Answer:
        row = await find_row(conn, actor, name, lock=True)
        at = await schedule_firing.present(conn)
        made, refused = await schedule_firing.do(app, conn, row, [at], cause="trigger")
        if refused:
            raise refused[0].inside(f"action.{row.action}")
        _note(done, row, made)
        await _audit(conn, actor, "schedule.triggered", row, 1)
        body = {"at": stamp(at), row.action: encode(ACTIONS[row.action].prefix, made[0].id)}
        return Answer(body, 202)

    answer = await once(app, actor, idempotency, work)
    if not answer.replayed:
        await schedule_firing.begin(app, done)
    return answer


async def backfill(
    app: App,
    actor: Actor,
    name: str,
    request: BackfillRequest,
    idempotency: Idempotency | None = None,
) -> Answer:
    """Fire the times of a span that have not fired; 202 {fired, already, failed}.

    The span ends where the schedule has not come to yet. Raises NotFound, Invalid.
    """
    actor.require("schedules:write")
    done = Pass()

    async def work(conn: AsyncConnection) -> Answer:
        row = await find_row(conn, actor, name, lock=True)
        now = await schedule_firing.present(conn)
        _check_span(request, now, row.created_at)
        last = min(request.end_at, row.settled_at)
        timing = timing_of(row.definition, row.anchor_at)
        coming = next_times(timing, request.start_at - _INSTANT, MOST_BACKFILLED + 1)
        times = [t for t in coming if t <= last]
        if len(times) > MOST_BACKFILLED:
            raise Invalid.field("end_at", f"takes in more than {MOST_BACKFILLED:,} times")
        known = await schedule_runs.fired_between(conn, row.id, request.start_at, last)
        missing = [t for t in times if t not in known]
        await schedule_runs.forget_failed(conn, row.id, missing)
        made, refused = await schedule_firing.do(app, conn, row, missing, cause="backfill")
        _note(done, row, made)
        await _audit(conn, actor, "schedule.backfilled", row, len(made))
        already = len(times) - len(missing)
        return Answer({"fired": len(made), "already": already, "failed": len(refused)}, 202)

    answer = await once(app, actor, idempotency, work)
    if not answer.replayed:
        await schedule_firing.begin(app, done)
    return answer


def _check_span(request: BackfillRequest, now: datetime, made_at: datetime) -> None:
    """Refuse what is to come, and a span of which nobody remembers what fired in it."""
    if request.end_at > now:
        raise Invalid.field("end_at", "lies in the future; those times come by themselves")
    forgotten = request.start_at < now - timedelta(days=BACKFILL_DAYS)
    if forgotten and request.end_at >= made_at:
        raise Invalid.field(
            "start_at", f"lies more than {BACKFILL_DAYS} days back, which nobody remembers"
        )


def _note(done: Pass, row: Any, made: list[Any]) -> None:
    done.actor = schedule_firing.acting(row)
    done.action = ACTIONS[row.action]
    done.done = made


async def _audit(conn: AsyncConnection, actor: Actor, action: str, row: Any, times: int) -> None:
    detail = {"name": row.name, "times": times}
    await audit_row(conn, actor, action, "sch", row, detail)
