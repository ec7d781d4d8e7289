"""Frequency caps: at most so many messages to a recipient in any hour, day or week.

The window slides: in no 3,600 seconds (86,400, 604,800) are there more than the limit, so that a
new day does not let twice as many through around midnight. A notification counts once, however
many addresses, channels and attempts it took; what surely was not sent does not count, what may
have been does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class Period(StrEnum):
    """The length of a cap's window."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"


LENGTHS: Final = {
    Period.HOUR: timedelta(hours=1),
    Period.DAY: timedelta(days=1),
    Period.WEEK: timedelta(weeks=1),
}


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` messages per period: of a category, or in total."""

    limit: int
    per: Period
    category: str | None = None

    def covers(self, category: str) -> bool:
        """Whether messages of a category are counted by it."""
        return self.category in (None, category)

    def since(self, at: datetime) -> datetime:
        """Return where the window that ends at a moment begins, itself not included."""
        return at - LENGTHS[self.per]

    def __str__(self) -> str:
        return f"at most {self.limit} {self.category or 'in all'} per {self.per}"


@dataclass(frozen=True, slots=True)
class Counted:
    """A cap, and how many of its messages the recipient had in the window that ends now."""

    cap: Cap
    sent: int

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return self.sent >= self.cap.limit


def granted(counted: Sequence[Counted], category: str) -> list[Counted]:
    """Return the counts after one more message of a category was let through."""
    return [Counted(one.cap, one.sent + one.cap.covers(category)) for one in counted]
