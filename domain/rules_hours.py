"""Allowed hours: whether a moment lies in them, and when they open next."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from domain.rules import Rule, RuleKind

RECIPIENT: Final = "recipient"
"""The time zone of hours that are counted where the recipient is."""
_ROUNDS: Final = 50
_DAYS: Final = 9
"""From yesterday, whose hours may go past midnight, to the same weekday of the next week."""


def hold_until(
    rules: Sequence[Rule], now: datetime, zone: str | None, *, latest: datetime
) -> tuple[datetime, str] | None:
    """Return until when a message is held, and by which rule; None when it may go now.

    `zone` is the recipient's time zone, None when it is not known (then UTC counts). Several rules
    must all be open; where that is never so, it is held until `latest`.
    """
    hours = [one for one in rules if one.kind is RuleKind.HOURS]
    moment, holder = now, ""
    for _ in range(_ROUNDS):
        shut = next(
            ((one, at) for one in hours if (at := opens_at(one.settings, moment, zone))), None
        )
        if shut is None:
            return (moment, holder) if holder else None
        holder = holder or shut[0].name
        moment = shut[1]
        if moment >= latest:
            break
    return max(moment, latest), holder


def opens_at(settings: Mapping[str, Any], now: datetime, zone: str | None) -> datetime | None:
    """Return when hours open next (UTC), None when they are open.

    Hours whose end is before their start go past midnight and belong to the day they start on.
    The end does not belong to them. A day on which a change of the clock leaves nothing of them
    is passed over.
    """
    place = _zone(settings["timezone"], zone)
    start, end = time.fromisoformat(settings["start"]), time.fromisoformat(settings["end"])
    days = settings.get("days") or range(1, 8)
    today = now.astimezone(place).date()
    openings = []
    for offset in range(-1, _DAYS):
        day = today + timedelta(days=offset)
        if day.isoweekday() not in days:
            continue
        opens = datetime.combine(day, start, place).astimezone(UTC)
        last = day if end > start else day + timedelta(days=1)
        closes = datetime.combine(last, end, place).astimezone(UTC)
        if opens <= now < closes:
            return None
        if now < opens < closes:
            openings.append(opens)
    return min(openings)


def _zone(asked: str, recipient: str | None) -> ZoneInfo:
    return _known(recipient or "UTC" if asked == RECIPIENT else asked)


@lru_cache(maxsize=1_000)
def _known(name: str) -> ZoneInfo:
    """Return a zone; UTC for one that the time zone data no longer has."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")
