"""The filters of the notifications list as its address carries them, shown as chips."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.datastructures import QueryParams

from dashboard.choices import words_of
from domain.errors import Invalid
from domain.timezones import known_timezones
from domain.vocabulary import Channel, Priority, State
from services.notification_filters import NotificationFilters

PER_PAGE: Final = 50
MANY: Final = (
    "state", "priority", "channel", "category", "module", "recipient", "group", "campaign",
    "template", "reason",
)  # fmt: skip
"""Filters that may be given several times; each means OR within itself."""
_DATES: Final = ("created_after", "created_before")
_WORDS: Final = {"created_after": "from", "created_before": "until", "q": "contains"}
CHOICES: Final = {
    "state": words_of(State, "Any state"),
    "priority": words_of(Priority, "Any priority"),
    "channel": words_of(Channel, "Any channel"),
}


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in force, and the list without it."""

    name: str
    value: str
    removal: str


@dataclass(frozen=True, slots=True)
class ListFilters:
    """What the address says: pairs in order, each filter with one value."""

    pairs: Sequence[tuple[str, str]]
    cursor: str | None = None
    zone: str = "UTC"
    base: str = field(default="/notifications")

    @classmethod
    def read(cls, query: QueryParams) -> "ListFilters":
        """Return the filters of an address; empty and repeated values are left out."""
        known = (*MANY, *_DATES, "q")
        given = [(name, value.strip()[:200]) for name, value in query.multi_items()]
        pairs = dict.fromkeys(pair for pair in given if pair[0] in known and pair[1])
        single = {name: value for name, value in pairs if name not in MANY}
        kept = [pair for pair in pairs if pair[0] in MANY] + list(single.items())
        zone = query.get("zone", "")
        return cls(kept, query.get("cursor"), zone if zone in known_timezones() else "UTC")

    def value(self, name: str) -> str:
        """Return a single filter's value, empty where it is not given."""
        return dict(self.pairs).get(name, "")

    def asked(self) -> NotificationFilters:
        """Return the filters for the service; raises Invalid for what cannot be understood."""
        several = {name: [v for n, v in self.pairs if n == name] for name in MANY}
        return NotificationFilters(
            **several,
            created_after=self._moment("created_after", timedelta()),
            created_before=self._moment("created_before", timedelta(days=1)),
            q=self.value("q") or None,
            limit=PER_PAGE,
            cursor=self.cursor,
        )

    def chips(self) -> list[Chip]:
        """Return the filters in force with the address that takes each away."""
        return [
            Chip(_WORDS.get(name, name), value, self.url(without=(name, value)))
            for name, value in self.pairs
        ]

    def url(self, *, cursor: str | None = None, without: tuple[str, str] | None = None) -> str:
        """Return the address of the list with these filters."""
        pairs = [pair for pair in self.pairs if pair != without]
        if self.zone != "UTC" and any(name in _DATES for name, _ in pairs):
            pairs.append(("zone", self.zone))
        if cursor:
            pairs.append(("cursor", cursor))
        return f"{self.base}?{urlencode(pairs)}" if pairs else self.base

    def _moment(self, name: str, whole_day: timedelta) -> datetime | None:
        """Return a day's begin, a `before` day's end, or the exact time that was given."""
        value = self.value(name)
        if not value:
            return None
        try:
            if len(value) == len("2030-01-31"):
                day = datetime.combine(date.fromisoformat(value), time(), ZoneInfo(self.zone))
                moment = (day + whole_day).astimezone(UTC)
            else:
                moment = datetime.fromisoformat(value)
            if moment.tzinfo is None or not 1971 <= moment.year <= 9000:
                raise ValueError
        except (ValueError, OverflowError):
            raise Invalid.field(
                name, "is not a day such as 2030-01-31, nor a time such as 2030-01-31T09:00:00Z"
            ) from None
        return moment
