"""Calendars: the wall times whose fields are all among those named; cron is written with them."""

import calendar
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

YEARS_AHEAD: Final = 60
"""How far a matching day is sought: 29 February falls on each weekday within 40 years."""
LAST: Final = -1
_BOUNDS: Final = {
    "second": (0, 59), "minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12),
    "year": (1971, 2500), "weekday": (0, 7),
}  # fmt: skip
FIELDS: Final = tuple(_BOUNDS)
_MIDNIGHT: Final = ("second", "minute", "hour")
_NAMES: Final[Mapping[str, Mapping[str, int]]] = {
    "month": {name.lower(): n for n, name in enumerate(calendar.month_abbr) if n},
    "weekday": {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6},
}
_PART: Final = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d{1,4}))?")
_NTH: Final = re.compile(r"(\w+)#([1-5]|last)")


class BadField(ValueError):
    """A field of a calendar cannot be read; `field` names it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Calendar:
    """Wall times by field; None means any. A time matches when every field does.

    `days` may hold LAST, the last of the month; `weekdays` (0 is Sunday) those of any week, `nth`
    pairs of a weekday and its number in the month (LAST for the last).
    """

    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int] | None = None
    months: frozenset[int] | None = None
    years: tuple[int, ...] | None = None
    weekdays: frozenset[int] | None = None
    nth: frozenset[tuple[int, int]] = frozenset()

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield matching wall times later than one, in order, as far as YEARS_AHEAD."""
        for day in self._dates(moment.date()):
            first = (moment.hour, moment.minute, moment.second)
            least = first if day == moment.date() else (0, 0, 0)
            for hour, minute, second in self._clock(least):
                found = datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001 - a wall time
                if found > moment:
                    yield found

    def _dates(self, first: date) -> Iterator[date]:
        for year in range(first.year, min(first.year + YEARS_AHEAD, _BOUNDS["year"][1]) + 1):
            if self.years is not None and year not in self.years:
                continue
            for month in range(first.month if year == first.year else 1, 13):
                if self.months is not None and month not in self.months:
                    continue
                length = calendar.monthrange(year, month)[1]
                begin = first.day if (year, month) == (first.year, first.month) else 1
                for day in range(begin, length + 1):
                    if self._has_day(date(year, month, day), length):
                        yield date(year, month, day)

    def _has_day(self, day: date, length: int) -> bool:
        last = LAST if day.day == length else 0
        if self.days is not None and day.day not in self.days and last not in self.days:
            return False
        if self.weekdays is None and not self.nth:
            return True
        weekday = day.isoweekday() % 7
        if weekday in (self.weekdays or ()):
            return True
        final = day.day + 7 > length
        return (weekday, (day.day + 6) // 7) in self.nth or (final and (weekday, LAST) in self.nth)

    def _clock(self, least: tuple[int, int, int]) -> Iterator[tuple[int, int, int]]:
        for hour in self.hours[bisect_left(self.hours, least[0]) :]:
            from_minute = least[1] if hour == least[0] else 0
            for minute in self.minutes[bisect_left(self.minutes, from_minute) :]:
                same = (hour, minute) == least[:2]
                for second in self.seconds[bisect_left(self.seconds, least[2] if same else 0) :]:
                    yield hour, minute, second


def parse(fields: Mapping[str, Any]) -> Calendar:
    """Return a calendar of its fields: numbers, texts such as "1-5" or "*/10", or lists of both.

    A field that is left out is any; hour, minute and second are 0. Raises BadField.
    """
    given = {name: fields.get(name) for name in FIELDS}
    plain = {
        name: _numbers(name, 0 if value is None and name in _MIDNIGHT else value)
        for name, value in given.items()
        if name != "weekday"
    }
    weekdays, nth = _weekdays(given["weekday"])
    return Calendar(
        seconds=_all("second", plain["second"]), minutes=_all("minute", plain["minute"]),
        hours=_all("hour", plain["hour"]), days=plain["day"], months=plain["month"],
        years=None if plain["year"] is None else tuple(sorted(plain["year"])),
        weekdays=weekdays, nth=nth,
    )  # fmt: skip


def _all(name: str, found: frozenset[int] | None) -> tuple[int, ...]:
    low, high = _BOUNDS[name]
    return tuple(sorted(range(low, high + 1) if found is None else found))


def _parts(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else [value]
    return [part.strip().lower() for one in listed for part in str(one).split(",")]


def _numbers(name: str, value: Any) -> frozenset[int] | None:
    if value is None:
        return None
    found = set[int]()
    for part in _parts(value):
        if part == "*":
            return None
        found |= {LAST} if name == "day" and part == "last" else _range(name, part)
    return frozenset(found)


def _weekdays(value: Any) -> tuple[frozenset[int] | None, frozenset[tuple[int, int]]]:
    if value is None:
        return None, frozenset()
    found, nth = set[int](), set[tuple[int, int]]()
    for part in _parts(value):
        if part == "*":
            return None, frozenset()
        if pair := _NTH.fullmatch(part):
            number = LAST if pair[2] == "last" else int(pair[2])
            nth.add((_number("weekday", pair[1]) % 7, number))
        else:
            found |= {one % 7 for one in _range("weekday", part)}
    return frozenset(found), frozenset(nth)


def _range(name: str, part: str) -> set[int]:
    low, high = _BOUNDS[name]
    read = _PART.fullmatch(part)
    if read is None:
        raise BadField(name, f"{part[:40]!r} is no number, range (1-5), step (*/10) or name")
    star, first, last, step = read.groups()
    begin = low if star else _number(name, first)
    end = high if star or (step and not last) else begin
    if last:
        end = _number(name, last)
        if name == "weekday" and end < begin:  # fri-sun, sat-mon
            end += 7
    if end < begin:
        raise BadField(name, f"{part!r} ends before it begins")
    if step is not None and int(step) < 1:
        raise BadField(name, "a step is 1 or more")
    if star and name == "weekday":
        end = 6
    return set(range(begin, end + 1, int(step or 1)))


def _number(name: str, text: str) -> int:
    low, high = _BOUNDS[name]
    value = _NAMES.get(name, {}).get(text[:3] if text.isalpha() else "")
    if value is None:
        value = int(text) if text.isdecimal() and len(text) < 5 else -1
    if not low <= value <= high:
        raise BadField(name, f"{text[:40]!r} is not within {low} to {high}")
    return value
