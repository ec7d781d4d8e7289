"""In which hours of the day a campaign may send: on the site's clock, or the recipient's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final

from domain.rules import Rule
from domain.rules_hours import RECIPIENT, hold_until, opens_at
from domain.timezones import known_timezones

OFF_HOURS: Final = "off_hours"
"""The reason of a delivery that waits for the campaign's hours where its recipient is."""
_FORM: Final = re.compile(r"\s*(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})\s+(\S+)\s*")


@dataclass(frozen=True, slots=True)
class OpenHours:
    """From `start` until `end` on the wall clock of a zone, `end` not included; over midnight if
    it is the earlier one. `timezone` is an IANA name, or `recipient` for each one's own.
    """

    start: time
    end: time
    timezone: str = RECIPIENT

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> "OpenHours | None":
        """Return the hours as {start, end, timezone} tells them; None for any hour."""
        if document is None:
            return None
        return cls(
            time.fromisoformat(document["start"]),
            time.fromisoformat(document["end"]),
            document.get("timezone", RECIPIENT),
        )

    def document(self) -> dict[str, str]:
        """Return {start, end, timezone}."""
        return {
            "start": f"{self.start:%H:%M}", "end": f"{self.end:%H:%M}", "timezone": self.timezone,
        }  # fmt: skip

    def opens(self, at: datetime, recipients_zone: str | None = None) -> datetime:
        """Return when they are open next, `at` itself if they are open then.

        A recipient without a zone counts as being in UTC.
        """
        return opens_at(self.document(), at, recipients_zone) or at

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M} {self.timezone}"


def site_opens_at(hours: OpenHours | None, now: datetime) -> datetime | None:
    """Return when hours on the clock of a site begin; None when all may go on now.

    Hours on the clocks of the recipients never keep the campaign itself.
    """
    if hours is None or hours.timezone == RECIPIENT:
        return None
    opening = hours.opens(now)
    return opening if opening > now else None


def held_until(
    hours: OpenHours | None,
    rules: Sequence[Rule],
    now: datetime,
    zone: str | None,
    *,
    latest: datetime,
) -> tuple[datetime, str] | None:
    """Return until when a recipient's delivery is held and why; None when it may go now.

    `zone` is the recipient's, None where it is not known (then UTC counts). `rules` are those that
    bind the delivery, of which some may allow other hours still.
    """
    by_rule = hold_until(rules, now, zone, latest=latest)
    if hours is None or hours.timezone != RECIPIENT:
        return by_rule
    opening = hours.opens(now, zone)
    if opening == now:
        return by_rule
    return (max(opening, by_rule[0]), by_rule[1]) if by_rule else (opening, OFF_HOURS)


def parse_open_hours(given: str) -> OpenHours:
    """Return hours written as `20:00-06:00 Europe/Berlin`; raises ValueError that says why not."""
    found = _FORM.fullmatch(given)
    if not found:
        raise ValueError("must be written as 20:00-06:00 Europe/Berlin, or with `recipient`")
    start, end, zone = found.groups()
    hours = OpenHours(_time(start), _time(end), zone)
    if hours.start == hours.end:
        raise ValueError("must begin and end at different times")
    if zone != RECIPIENT and zone not in known_timezones():
        raise ValueError(f"{zone} is no time zone of the IANA database")
    return hours


def _time(given: str) -> time:
    return time.fromisoformat(given.rjust(5, "0"))
