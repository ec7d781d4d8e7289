"""When a schedule fires: pure rules over a wall clock and a calendar, exact for years ahead.

Times are whole seconds in UTC. Seconds, minutes and hours are elapsed time; days, weeks, months
and years are days of the wall clock. A wall time that clocks leave out fires at the end of the
gap, one that they show twice fires once; a day that does not exist is skipped.
"""

import heapq
import itertools
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Final

from domain.calendars import YEARS_AHEAD, Calendar
from domain.wall_clock import moment_of, wall, zone_of

_MOST_EMPTY: Final = 100_000
"""Times in a row that dates to skip may take away before the search ends."""


@dataclass(frozen=True, slots=True)
class Every:
    """A period, of one kind: elapsed seconds, days of the wall clock, or months."""

    seconds: int = 0
    days: int = 0
    months: int = 0


@dataclass(frozen=True, slots=True)
class Once:
    """One moment."""

    at: datetime


Rule = Every | Once | tuple[Calendar, ...]


@dataclass(frozen=True, slots=True)
class Timing:
    """A rule with its bounds; `anchor` is where periods count from (its own time fires, too)."""

    rule: Rule
    anchor: datetime
    timezone: str = "UTC"
    start_at: datetime | None = None
    end_at: datetime | None = None
    skip: frozenset[date] = field(default=frozenset())

    @property
    def elapsed(self) -> int | None:
        """Seconds of a period that is the same on every day; None for all other rules."""
        return self.rule.seconds or None if isinstance(self.rule, Every) else None


def times(timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield the times later than a moment, in order, each once; start and end belong to them."""
    if timing.start_at is not None:
        after = max(after, timing.start_at - timedelta(microseconds=1))
    zone = zone_of(timing.timezone)
    latest, skipped = after, 0
    for moment, day in _unbounded(timing, after):
        if moment <= latest:
            continue
        if timing.end_at is not None and moment > timing.end_at:
            return
        latest = moment
        if timing.skip and (day or wall(moment, zone).date()) in timing.skip:
            skipped += 1
            if skipped > _MOST_EMPTY:
                return
            continue
        skipped = 0
        yield moment


def next_times(timing: Timing, after: datetime, most: int) -> list[datetime]:
    """Return the first times later than a moment."""
    return list(itertools.islice(times(timing, after), most))


def next_time(timing: Timing, after: datetime) -> datetime | None:
    """Return the first time later than a moment; None when there is none any more."""
    return next(times(timing, after), None)


def count(timing: Timing, after: datetime, until: datetime, most: int) -> int:
    """Return how many times lie in after < t ≤ until, counted up to `most`."""
    found = itertools.takewhile(lambda moment: moment <= until, times(timing, after))
    return sum(1 for _ in itertools.islice(found, most))


def jittered(id: str, moment: datetime, most: int) -> datetime:
    """Return a time put off by 0 to `most` seconds, always alike for one schedule and time."""
    if not most:
        return moment
    digest = sha256(f"{id} {moment.timestamp()}".encode()).digest()
    return moment + timedelta(seconds=int.from_bytes(digest[:8], "big") % (most + 1))


def _unbounded(timing: Timing, after: datetime) -> Iterator[tuple[datetime, date | None]]:
    """Yield moments in order, some perhaps twice or too early, with their day on the wall."""
    match timing.rule:
        case Once(at):
            yield at, None
        case Every(seconds=seconds) if seconds:
            yield from ((moment, None) for moment in _elapsed(timing.anchor, seconds, after))
        case Every() as every:
            yield from _on_wall(_periods(every, timing, after), timing)
        case calendars:
            start = wall(after, zone_of(timing.timezone)).replace(microsecond=0)
            begin = max(start - timedelta(seconds=1), datetime(1971, 1, 1))  # noqa: DTZ001 - a wall time
            found = heapq.merge(*(calendar.after(begin) for calendar in calendars))
            yield from _on_wall(found, timing)


def _on_wall(found: Iterator[datetime], timing: Timing) -> Iterator[tuple[datetime, date | None]]:
    zone = zone_of(timing.timezone)
    for local in found:
        yield moment_of(local, zone), local.date()


def _elapsed(anchor: datetime, seconds: int, after: datetime) -> Iterator[datetime]:
    first = max(0, int((after - anchor).total_seconds()) // seconds)
    end = datetime.max.replace(tzinfo=UTC) - timedelta(seconds=seconds)
    moment = anchor + timedelta(seconds=first * seconds)
    while moment < end:
        yield moment
        moment += timedelta(seconds=seconds)


def _periods(every: Every, timing: Timing, after: datetime) -> Iterator[datetime]:
    """Yield wall times a whole number of periods after the anchor; impossible days are left out."""
    zone = zone_of(timing.timezone)
    anchor, here = wall(timing.anchor, zone), wall(after, zone)
    if every.days:
        first = max(0, (here.date() - anchor.date()).days // every.days - 1)
        for number in itertools.count(first):
            if (here.year + YEARS_AHEAD) < anchor.year + number * every.days // 366:
                return
            yield anchor + timedelta(days=number * every.days)
        return
    passed = (here.year - anchor.year) * 12 + here.month - anchor.month
    first = max(0, passed // every.months - 1)
    for number in itertools.count(first):
        year, month = divmod(anchor.year * 12 + anchor.month - 1 + number * every.months, 12)
        if year > max(here.year, anchor.year) + YEARS_AHEAD:
            return
        if anchor.day <= monthrange(year, month + 1)[1]:
            yield anchor.replace(year=year, month=month + 1)
