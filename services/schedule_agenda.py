"""The coming weeks of all schedules, day by day."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from domain.ids import encode
from domain.schedules import next_times
from services.access import Actor
from services.app import App
from services.paging import MAX_LIMIT
from services.schedule_firing import present
from services.schedule_timing import timing_of
from stores import schedules as store

_OFTEN: Final = 120
"""A schedule with more times than this in the weeks shown is named once, not on each day."""


@dataclass(frozen=True, slots=True)
class Agenda:
    """Days from Monday on, each with its entries {id, name, at}; `often` names the busy ones."""

    days: list[tuple[date, list[dict[str, Any]]]]
    often: list[dict[str, Any]]
    today: date


async def agenda(
    app: App, actor: Actor, *, weeks: int = 4, only: dict[str, Any] | None = None
) -> Agenda:
    """Return the weeks from this one on, in UTC: of a schedule as `get` tells it, or of the newest
    200 that are active.
    """
    actor.require("schedules:read")
    async with app.db.leader() as conn:
        rows = await store.find(
            conn,
            module_id=None if actor.all_modules else actor.module_id,
            before=None,
            most=MAX_LIMIT,
        )
        now = await present(conn)
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=today.weekday())
    days = [first + timedelta(days=n) for n in range(7 * weeks)]
    found: defaultdict[date, list[dict[str, Any]]] = defaultdict(list)
    often: list[dict[str, Any]] = []
    for row in rows:
        name = {"id": encode("sch", row.id), "name": row.name}
        if only is not None and only["id"] != name["id"]:
            continue
        if row.paused_at is not None and only is None:
            continue
        times = _within(row, now, days[-1])
        if times is None:
            often.append(name)
        for at in times or ():
            found[at.date()].append({**name, "at": at})
    shown = [(day, sorted(found[day], key=lambda one: one["at"])) for day in days]
    return Agenda(shown, often, today)


def _within(row: Any, now: datetime, last: date) -> list[datetime] | None:
    """Return a schedule's times up to a day; None when there are too many to tell."""
    timing = timing_of(row.definition, row.anchor_at)
    times = next_times(timing, max(now, row.settled_at), _OFTEN + 1)
    inside = [at for at in times if at.date() <= last]
    return None if len(inside) > _OFTEN else inside
