"""How numbers and balances are shown: thin spaces, segments of the balance bar, links by state."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from domain.balance import FIELDS
from domain.timezones import known_timezones
from domain.vocabulary import SENT_STATES, WAITING

WIDTH: Final = 1000
"""Units of the balance bar's width; the drawing is stretched to its place."""

_SMALLEST: Final = 6.0  # units: a single failure among a million is still seen
_THIN_SPACE: Final = "\u2009"
_ORDER: Final = ("sent", "suppressed", "failed", "expired", "cancelled", "unknown", "waiting")
_MANY: Final = {"sent": tuple(SENT_STATES), "waiting": tuple(WAITING)}

assert set(_ORDER) == set(FIELDS[1:])  # noqa: S101 - a new field must get its place


@dataclass(frozen=True, slots=True)
class Segment:
    """One state's part of the bar: from `x`, `width` wide, in units of WIDTH."""

    name: str
    count: int
    x: float
    width: float


def thousands(number: int) -> str:
    """Return a number with thin spaces between its thousands, such as 48 213."""
    return f"{number:,}".replace(",", _THIN_SPACE)


def plain(number: float) -> str:
    """Return a number as people type it, such as 5, 0.0075."""
    return repr(int(number)) if number == int(number) else repr(number)


def percent(share: float) -> str:
    """Return a share of 1 in percent, such as 0.4 %; what is not quite nothing never reads 0."""
    if 0 < share < 0.001:
        return f"<0.1{_THIN_SPACE}%"
    digits = f"{100 * share:.1f}".removesuffix(".0")
    return f"{digits}{_THIN_SPACE}%"


def duration(milliseconds: int) -> str:
    """Return a latency, such as 250 ms or 2.5 s."""
    if milliseconds < 1000:
        return f"{milliseconds}{_THIN_SPACE}ms"
    return f"{plain(milliseconds / 1000)}{_THIN_SPACE}s"


def segments(figures: Mapping[str, int]) -> list[Segment]:
    """Return the bar's parts in order; empty ones are left out, small ones stay visible."""
    present = [name for name in _ORDER if figures[name] > 0]
    total = sum(figures[name] for name in present)
    raw = {name: max(_SMALLEST, WIDTH * figures[name] / total) for name in present}
    scale = WIDTH / sum(raw.values()) if raw else 1
    found, x = [], 0.0
    for name in present:
        width = raw[name] * scale
        found.append(Segment(name, figures[name], round(x, 2), round(width, 2)))
        x += width
    return found


def states_of(name: str) -> tuple[str, ...]:
    """Return the states that a figure of the balance adds up; `asked` is all of them: none."""
    return () if name == "asked" else tuple(str(s) for s in _MANY.get(name, (name,)))


def state_link(base: str, name: str) -> str:
    """Return the list behind a figure: `base` narrowed to its states."""
    query = urlencode([("state", state) for state in states_of(name)])
    return base if not query else f"{base}{'&' if '?' in base else '?'}{query}"


def in_zone(stamp: str, zone: str) -> str:
    """Return an RFC 3339 time as the clocks of a zone show it, such as 2030-01-31 09:00 UTC."""
    name = zone if zone in known_timezones() else "UTC"
    local = datetime.fromisoformat(stamp).astimezone(ZoneInfo(name))
    return f"{local:%Y-%m-%d %H:%M} {name}"
