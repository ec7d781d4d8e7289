"""From a wall clock to moments, where clocks are put forward and back."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


@cache
def zone_of(name: str) -> ZoneInfo:
    """Return a zone by its IANA name."""
    return ZoneInfo(name)


def wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """Return what a zone's wall clock shows at a moment, without the zone."""
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def moment_of(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment (UTC) at which a wall clock shows a time.

    A time that clocks leave out is the end of the gap; one that they show twice is the first.
    Later wall times never give earlier moments.
    """
    before = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if before.astimezone(zone).replace(tzinfo=None) == local:
        return before
    return _end_of_gap(local.replace(tzinfo=zone, fold=1).astimezone(UTC), before, zone)


def _end_of_gap(low: datetime, high: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second of the new offset; `low` lies before the change, `high` after it."""
    old = low.astimezone(zone).utcoffset()
    low, high = low.replace(microsecond=0), high.replace(microsecond=0)
    while high - low > _SECOND:
        middle = low + (high - low) // 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == old:
            low = middle
        else:
            high = middle
    return high
