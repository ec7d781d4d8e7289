"""The weeks from this one on, day by day: what fired, what was missed, and what is to come."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from domain.ids import encode
from domain.schedules import next_times
from services.access import Actor
from services.app import App
from services.paging import MAX_LIMIT
from services.schedule_actions import ACTIONS
from services.schedule_firing import present
from services.schedule_timing import timing_of
from stores import schedule_runs
from stores import schedules as store

_OFTEN: Final = 120
"""A schedule with more times than this in the weeks shown is named once, not on each day."""
_DAY: Final = timedelta(days=1)  # no zone is further from UTC


@dataclass(frozen=True, slots=True)
class Agenda:
    """Days from Monday on, each with its entries; `often` names the busy schedules {id, name}.

    An entry is {id, name, at, zone, state, made, times}: `at` on the clock of the schedule's zone,
    on whose day it stands; `state` is coming, fired, waiting, failed or why it was missed; `made`
    is the id of what it made; `times` counts those that were missed together.
    """

    days: list[tuple[date, list[dict[str, Any]]]]
    often: list[dict[str, Any]]
    today: date


async def agenda(
    app: App, actor: Actor, *, weeks: int = 4, only: dict[str, Any] | None = None
) -> Agenda:
    """Return the weeks from this one on: of a schedule as `get` tells it, or of the newest 200,
    of which the paused ones have no times to come.
    """
    actor.require("schedules:read")
    async with app.db.leader() as conn:
        rows = await store.find(
            conn,
            module_id=actor.sees,
            before=None,
            most=MAX_LIMIT,
        )
        rows = [row for row in rows if only is None or only["id"] == encode("sch", row.id)]
        now = await present(conn)
        today = now.astimezone(UTC).date()
        first = today - timedelta(days=today.weekday())
        since = datetime(first.year, first.month, first.day, tzinfo=UTC) - _DAY
        ids = [row.id for row in rows]
        runs = await schedule_runs.since(conn, ids, since, each=_OFTEN)
        gaps = await schedule_runs.gaps_since(conn, ids, since, each=_OFTEN)
    days = [first + timedelta(days=n) for n in range(7 * weeks)]
    found: defaultdict[date, list[dict[str, Any]]] = defaultdict(list)
    often: list[dict[str, Any]] = []
    for row in rows:
        coming = [] if row.paused_at is not None and only is None else _coming(row, now, days[-1])
        past = _past(row, runs) + _missed(row, gaps)
        if coming is None or len(past) >= _OFTEN:
            often.append({"id": encode("sch", row.id), "name": row.name})
            continue
        for entry in past + coming:
            found[entry["at"].date()].append(entry)
    shown = [(day, sorted(found[day], key=lambda one: one["at"])) for day in days]
    return Agenda(shown, often, today)


def _coming(row: Any, now: datetime, last: date) -> list[dict[str, Any]] | None:
    """Return a schedule's times up to a day; None when there are too many to tell."""
    timing = timing_of(row.definition, row.anchor_at)
    times = next_times(timing, max(now, row.settled_at), _OFTEN + 1)
    entries = [_entry(row, at, "coming") for at in times]
    inside = [one for one in entries if one["at"].date() <= last]
    return None if len(inside) > _OFTEN else inside


def _past(row: Any, runs: Sequence[Any]) -> list[dict[str, Any]]:
    prefix = ACTIONS[row.action].prefix
    return [
        _entry(row, one.at, one.state, made=encode(prefix, one.subject) if one.subject else None)
        for one in runs
        if one.schedule_id == row.id
    ]


def _missed(row: Any, gaps: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        _entry(row, one.first_at, one.reason, times=one.times)
        for one in gaps
        if one.schedule_id == row.id
    ]


def _entry(
    row: Any, at: datetime, state: str, *, made: str | None = None, times: int = 1
) -> dict[str, Any]:
    zone = row.definition.get("timezone", "UTC")
    return {
        "id": encode("sch", row.id), "name": row.name, "at": at.astimezone(ZoneInfo(zone)),
        "zone": zone, "state": state, "made": made, "times": times,
    }  # fmt: skip
