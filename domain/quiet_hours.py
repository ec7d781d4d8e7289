"""Quiet hours: the time of day in which a recipient wants to hear nothing.

The wall clock of the recipient decides, as zoneinfo has it (IANA time zone database): a moment is
quiet while that clock reads a quiet time. So an hour that is repeated in autumn is quiet twice if
it is quiet at all, and an end that falls into the gap of spring is the moment after the gap.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_AHEAD: Final = timedelta(days=3)
"""Quiet hours are shorter than a day; a clock that is set back adds less than another."""
_STEP: Final = timedelta(hours=6)
"""No zone changes its clock twice within this."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """From `start` until `end` on the wall clock, `end` not included; over midnight if it is
    the earlier one. They differ.
    """

    start: time
    end: time

    def __contains__(self, clock: time) -> bool:
        if self.start < self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


def zone_of(name: str | None) -> tzinfo:
    """Return a time zone by its IANA name; UTC where none is known by that name."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def quiet_until(quiet: QuietHours, at: datetime, zone: tzinfo) -> datetime | None:
    """Return when the quiet hours that `at` lies in are over, in UTC; None when it is not quiet."""
    if not _is_quiet(quiet, at, zone):
        return None
    moments = {*_ends(quiet, at, zone), *_changes(at, zone)}
    return min(one for one in moments if one > at and not _is_quiet(quiet, one, zone))


def _is_quiet(quiet: QuietHours, at: datetime, zone: tzinfo) -> bool:
    return at.astimezone(zone).time() in quiet


def _ends(quiet: QuietHours, at: datetime, zone: tzinfo) -> list[datetime]:
    """Return the moments around `at` at which the wall clock reads the end, both of two."""
    today = at.astimezone(zone).date()
    days = (today + timedelta(days=n) for n in range(4))
    return [
        datetime.combine(day, quiet.end, zone).replace(fold=fold).astimezone(UTC)
        for day in days
        for fold in (0, 1)
    ]


def _changes(at: datetime, zone: tzinfo) -> list[datetime]:
    """Return the moments after `at` at which the zone's clock is set forward or back."""
    first = at.astimezone(UTC).replace(microsecond=0)
    steps = [first + n * _STEP for n in range(_AHEAD // _STEP + 1)]
    return [
        change_between(one, other, zone)
        for one, other in pairwise(steps)
        if _offset(one, zone) != _offset(other, zone)
    ]


def change_between(before: datetime, after: datetime, zone: tzinfo) -> datetime:
    """Narrow down to the second in which the offset is a new one."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if _offset(middle, zone) == _offset(before, zone):
            before = middle
        else:
            after = middle
    return after


def _offset(at: datetime, zone: tzinfo) -> timedelta | None:
    return at.astimezone(zone).utcoffset()
