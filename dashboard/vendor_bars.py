"""The last hour of a vendor account as bars, one a minute."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from dashboard.figures import thousands

MINUTES: Final = 60
HEIGHT: Final = 100
"""Units of the drawing's height; each minute is STEP wide."""

STEP: Final = 10
_GAP: Final = 2
_SMALLEST: Final = 1.5  # units: a single failure among thousands is still seen

GROUPS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "sent": ("accepted", ("accepted",)),
    "unknown": ("not now, or in doubt", ("throttled", "transient", "unknown")),
    "failed": ("refused", ("rejected", "refused")),
}
"""By the state whose colour it takes: the words of a part, and the outcomes that it adds up."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: from `y` downwards, `height` high, in units of HEIGHT."""

    tone: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """One minute: from `x`, `width` wide, with what is told about it."""

    x: int
    width: int
    told: str
    parts: Sequence[Part]


@dataclass(frozen=True, slots=True)
class Bars:
    """The whole drawing; `most` outcomes are as high as the drawing is."""

    most: int
    bars: Sequence[Bar]
    totals: Mapping[str, int]


def bars(minutes: Sequence[Mapping[str, Any]], as_of: str) -> Bars:
    """Return the bars of the hour up to `as_of` (RFC 3339), the oldest first.

    `minutes` are those of an account's health: only minutes with outcomes have a bar.
    """
    last = datetime.fromisoformat(as_of).replace(second=0, microsecond=0)
    grouped = [(datetime.fromisoformat(one["at"]), _grouped(one)) for one in minutes]
    most = _round_up(max((sum(counts.values()) for _, counts in grouped), default=0))
    drawn = []
    for at, counts in grouped:
        place = MINUTES - 1 - (last - at) // timedelta(minutes=1)
        if 0 <= place < MINUTES and any(counts.values()):
            drawn.append(Bar(place * STEP, STEP - _GAP, _told(at, counts), _parts(counts, most)))
    totals = {tone: sum(counts[tone] for _, counts in grouped) for tone in GROUPS}
    return Bars(most, drawn, totals)


def _grouped(minute: Mapping[str, Any]) -> dict[str, int]:
    return {tone: sum(minute[kind] for kind in kinds) for tone, (_, kinds) in GROUPS.items()}


def _parts(counts: Mapping[str, int], most: int) -> list[Part]:
    """Stack the parts from the ground; small ones stay visible, at the expense of the largest."""
    present = {tone: count for tone, count in counts.items() if count}
    heights = {tone: max(_SMALLEST, HEIGHT * n / most) for tone, n in present.items()}
    over = max(0.0, sum(heights.values()) - HEIGHT)
    heights[max(heights, key=lambda tone: heights[tone])] -= over
    parts, y = [], float(HEIGHT)
    for tone, height in heights.items():
        y -= height
        parts.append(Part(tone, round(y, 2), round(height, 2)))
    return parts


def _told(at: datetime, counts: Mapping[str, int]) -> str:
    words = [f"{thousands(counts[tone])} {GROUPS[tone][0]}" for tone in GROUPS if counts[tone]]
    return f"{at:%H:%M} UTC: {'; '.join(words)}"


def _round_up(number: int) -> int:
    """Return a round number of at least `number`, and at least 4, for the top of the scale."""
    unit: int = 10 ** max(0, len(str(number)) - 1)
    steps = (1, 2, 4, 5, 8, 10)
    return max(4, next(unit * step for step in steps if unit * step >= number))
