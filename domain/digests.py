"""Digests: which messages are collected into one, and when that one leaves.

What a recipient chose comes first: a category is collected into one message a day, at a time on
the recipient's wall clock. Else what the request or its template asks for: one message for all of
a key within a window that the first of them opens. What is urgent is never collected.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from domain.quiet_hours import change_between
from domain.vocabulary import Channel, Priority

DIGEST: Final = "digest"
"""The reason of a delivery that waits for its digest to leave."""
MOST_ITEMS: Final = 100
"""A digest of more leaves as several messages."""
LONGEST_WINDOW: Final = 7 * 86_400
_DAYS: Final = 4
"""A zone may leave out a day; the time of day comes on the one after it."""


class Source(StrEnum):
    """Who wants messages collected."""

    PREFERENCE = "preference"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Daily:
    """One message a day, at a time on the recipient's wall clock."""

    at: time

    def __str__(self) -> str:
        return f"once a day at {self.at:%H:%M}"


@dataclass(frozen=True, slots=True)
class Window:
    """All of a key within some seconds after the first one."""

    key: str
    seconds: int

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> "Window | None":
        """Return a stored {key, window_seconds}; None where nothing is to be collected."""
        return cls(document["key"], document["window_seconds"]) if document else None

    def __str__(self) -> str:
        return f"all of {self.key} in {self.seconds:,} s"


@dataclass(frozen=True, slots=True)
class Collecting:
    """The digest that a delivery goes into, but for its address."""

    source: Source
    key: str


def next_daily(daily: Daily, at: datetime, zone: tzinfo) -> datetime:
    """Return the first moment after `at` (UTC) at which the wall clock reads the time of a daily
    digest.

    An hour that autumn repeats counts once, the first time; a time in the gap of spring is the
    moment after the gap.
    """
    today = at.astimezone(zone).date()
    days = (today + timedelta(days=n) for n in range(-1, _DAYS))
    moments = (_moment(datetime.combine(day, daily.at, zone), zone) for day in days)
    return min(one for one in moments if one > at)


def uncollectable(contents: Iterable[Mapping[str, Any]]) -> list[Channel]:
    """Return the channels on which words cannot be one of several: mail with files, and templates
    that WhatsApp approved as they stand.
    """
    found = set()
    for words in contents:
        if (words.get(Channel.EMAIL) or {}).get("attachments"):
            found.add(Channel.EMAIL)
        if (words.get(Channel.WHATSAPP) or {}).get("template"):
            found.add(Channel.WHATSAPP)
    return sorted(found)


def is_urgent(priority: str) -> bool:
    """Whether a message of a priority is never collected."""
    return priority == Priority.HIGH


def identity(
    module_id: UUID,
    profile_id: UUID | None,
    channel: Channel,
    address: str,
    category: str,
    collecting: Collecting,
) -> str:
    """Return what all deliveries of one digest share, as a hash: it holds an address."""
    parts = (
        str(module_id), str(profile_id or ""), channel.value, address, category,
        collecting.source.value, collecting.key,
    )  # fmt: skip
    return sha256("\0".join(parts).encode()).hexdigest()


def _moment(local: datetime, zone: tzinfo) -> datetime:
    """Return a wall clock's reading as a moment in UTC."""
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local.replace(tzinfo=None):
        return moment
    # In a gap, fold tells which offset is taken: the new one leads before it, the old one behind.
    return change_between(local.replace(fold=1).astimezone(UTC), moment, zone)
