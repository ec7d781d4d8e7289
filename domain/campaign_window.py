"""When a campaign may send: from a start to an end, and in which hours of the day."""

import re
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, Final

from domain.rules_hours import RECIPIENT, opens_at
from domain.timezones import known_timezones

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
    def of(cls, document: dict[str, Any] | None) -> "OpenHours | None":
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
