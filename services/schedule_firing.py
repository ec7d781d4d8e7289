"""Fires what is due of a schedule: each time once, whoever calls and how often.

The row is locked, the times since the last one accounted for are computed, what they do is done
and noted, all in one transaction. Temporal, the control lane's sweep and a second worker may call
at the same moment; the later ones find nothing due.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.schedule import Overlap
from domain.errors import Problem
from domain.ids import encode
from domain.schedule_overlap import decide
from domain.schedules import Timing, count, jittered, next_time, next_times
from services.access import Actor
from services.app import App
from services.schedule_actions import ACTIONS
from services.schedule_occasions import Action, Occasion
from services.schedule_timing import timing_of
from stores import schedule_runs, schedules
from stores.schedule_runs import Run

log = structlog.get_logger()

MOST_TOGETHER: Final = 100
MOST_COUNTED: Final = 10_000
_REASON: Final = 300


@dataclass(slots=True)
class Pass:
    """What one transaction did, to be begun after it; `more` says that more is due."""

    actor: Actor | None = None
    action: Action | None = None
    done: list[Any] = field(default_factory=list)
    more: bool = False


async def fire(app: App, id: UUID) -> int:
    """Account for every time of a schedule that has come; return how many fired.

    A schedule that is gone or paused has none.
    """
    fired = 0
    while True:
        one = await app.db.retrying(lambda conn: _pass(app, conn, id))
        await begin(app, one)
        fired += len(one.done)
        if not one.more:
            return fired


async def begin(app: App, one: Pass) -> None:
    """Begin the work of what a pass did."""
    if one.action and one.actor and one.done:
        await one.action.begin(app, one.actor, one.done)
        log.info("schedule.fired", by=one.actor.name, times=len(one.done))


async def present(conn: AsyncConnection) -> datetime:
    """Return the database's clock, which all processes share."""
    moment: datetime = (await conn.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return moment


async def do(
    app: App,
    conn: AsyncConnection,
    row: Any,
    times: Sequence[datetime],
    *,
    cause: str = "time",
    open: bool = False,
) -> tuple[list[Any], list[Problem]]:
    """Do a schedule's action for times and note each; return what was done, and what refused."""
    if not times:
        return [], []
    jitter = row.definition.get("jitter_seconds", 0) if cause == "time" else 0
    name = encode("sch", row.id)
    zone = row.definition.get("timezone", "UTC")
    occasions = [
        Occasion(row.id, at, jittered(name, at, jitter), zone, row.author_ids) for at in times
    ]
    body = row.definition["action"][row.action]
    try:
        results = await ACTIONS[row.action].fire(app, conn, acting(row), body, occasions)
    except Problem as problem:  # the body was checked when it was made; what it names has changed
        results = [problem] * len(occasions)
    runs = [_run(at, result, cause, open) for at, result in zip(times, results, strict=True)]
    await schedule_runs.put(conn, row.id, runs)
    refused = [one for one in results if isinstance(one, Problem)]
    return [one for one in results if not isinstance(one, Problem)], refused


def acting(row: Any) -> Actor:
    """Return who a schedule acts as: itself, with what its maker might do."""
    return Actor(f"schedule:{row.name}", row.module_id, row.module_key, frozenset(row.scopes))


def overlap_of(row: Any) -> Overlap:
    """Return the schedule's overlap policy, or its action's."""
    given = row.definition.get("overlap")
    return Overlap(given) if given else ACTIONS[row.action].overlap


async def miss(conn: AsyncConnection, row: Any, timing: Timing, until: datetime, why: str) -> None:
    """Note that the times up to a moment did not fire; counting ends at MOST_COUNTED."""
    first = next_time(timing, row.settled_at)
    if first is not None and first <= until:
        times = count(timing, row.settled_at, until, MOST_COUNTED)
        await schedule_runs.add_gap(conn, row.id, first=first, last=until, times=times, reason=why)


async def _pass(app: App, conn: AsyncConnection, id: UUID) -> Pass:
    row = await schedules.get(conn, id, lock=True)
    if row is None or row.paused_at is not None:
        return Pass()
    timing = timing_of(row.definition, row.anchor_at)
    now, action = await present(conn), ACTIONS[row.action]
    settled = await _miss_old(conn, row, timing, now)
    due = [t for t in next_times(timing, settled, MOST_TOGETHER) if t <= now]
    overlap = overlap_of(row)
    done: list[Any] = []
    if overlap is Overlap.ALLOW_ALL:
        done, _ = await do(app, conn, row, due)
    elif due or await _waits(conn, id):
        done = await _in_turn(app, conn, row, action, overlap, due)
    more = len(due) == MOST_TOGETHER
    settled = due[-1] if more else max(settled, now)
    await schedules.settle(conn, id, settled_at=settled, next_at=next_time(timing, settled))
    return Pass(acting(row), action, done, more)


async def _miss_old(conn: AsyncConnection, row: Any, timing: Timing, now: datetime) -> datetime:
    """Give up times that are too late to be caught up with; return up to when all is settled."""
    settled: datetime = row.settled_at
    oldest = now - timedelta(seconds=row.definition.get("catchup_seconds", 600))
    if settled >= oldest:
        return settled
    await miss(conn, row, timing, oldest, "missed")
    return oldest


async def _waits(conn: AsyncConnection, id: UUID) -> bool:
    return any(run.state == "waiting" for run in await schedule_runs.find_open(conn, id))


async def _in_turn(
    app: App,
    conn: AsyncConnection,
    row: Any,
    action: Action,
    overlap: Overlap,
    due: Sequence[datetime],
) -> list[Any]:
    """Fire, keep or drop times with regard to what is unfinished."""
    runs = await schedule_runs.find_open(conn, row.id)
    subjects = [run.subject for run in runs if run.subject is not None]
    living = await action.unfinished(conn, subjects)
    await schedule_runs.close(conn, row.id, [id for id in subjects if id not in living])
    waiting = [run.at for run in runs if run.state == "waiting"]
    done: list[Any] = []
    if waiting and not living:
        done, _ = await do(app, conn, row, waiting[:1], open=True)
        waiting = waiting[1:]
    found = decide(overlap, due, busy=bool(living or done), waiting=len(waiting))
    if found.cancel and living:
        await action.cancel(conn, sorted(living))
    fired, _ = await do(app, conn, row, found.fire, open=True)
    await schedule_runs.put(
        conn, row.id, [Run(at, "time", "waiting", "overlap", open=True) for at in found.wait]
    )
    if found.drop:
        await schedule_runs.add_gap(
            conn, row.id, first=found.drop[0], last=found.drop[-1], times=len(found.drop),
            reason="overlap",
        )  # fmt: skip
    return done + fired


def _run(at: datetime, result: Any, cause: str, open: bool) -> Run:
    if not isinstance(result, Problem):
        return Run(at, cause, "fired", "", result.id, open)
    said = "; ".join(f"{one.field} {one.message}" for one in result.errors) or result.detail
    return Run(at, cause, "failed", said[:_REASON])
