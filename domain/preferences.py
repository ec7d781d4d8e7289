"""What a recipient has chosen: what to hear, where, when and how often."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Any

from domain.caps import Cap, Period
from domain.digests import Daily
from domain.quiet_hours import QuietHours
from domain.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class Preferences:
    """A recipient's choices; the empty ones allow everything."""

    categories: Mapping[str, Mapping[Channel, bool]] = field(default_factory=dict)
    channel_order: tuple[Channel, ...] = ()
    quiet_hours: QuietHours | None = None
    frequency: tuple[Cap, ...] = ()
    unsubscribed: frozenset[Channel] = frozenset()
    """Channels on which only what is mandatory may come."""
    digest: Mapping[str, Daily] = field(default_factory=dict)
    """Categories that are collected into one message."""

    @classmethod
    def read(cls, document: Mapping[str, Any], unsubscribed: Sequence[str] = ()) -> "Preferences":
        """Return stored preferences; the document is one that PreferencesRequest accepted."""
        quiet = document.get("quiet_hours")
        return cls(
            categories={
                key: {Channel(channel): on for channel, on in channels.items()}
                for key, channels in (document.get("categories") or {}).items()
            },
            channel_order=tuple(Channel(one) for one in document.get("channel_order") or ()),
            quiet_hours=quiet and QuietHours(_time(quiet["start"]), _time(quiet["end"])),
            frequency=tuple(
                Cap(one["limit"], Period(one["per"]), one.get("category"))
                for one in document.get("frequency") or ()
            ),
            unsubscribed=frozenset(Channel(one) for one in unsubscribed),
            digest={
                key: Daily(_time(one["at"])) for key, one in (document.get("digest") or {}).items()
            },
        )

    def refuses(self, category: str, channel: Channel) -> bool:
        """Whether the category is switched off on the channel."""
        return self.categories.get(category, {}).get(channel) is False

    def caps_on(self, category: str) -> tuple[Cap, ...]:
        """Return the caps that messages of a category count against."""
        return tuple(cap for cap in self.frequency if cap.covers(category))

    def ordered(self, channels: Sequence[Channel]) -> tuple[Channel, ...]:
        """Return channels as the recipient wants them: the named ones first, the rest as given."""
        named = [one for one in self.channel_order if one in channels]
        return (*named, *(one for one in channels if one not in named))


ANYTHING = Preferences()
"""The preferences of somebody who chose nothing."""


def _time(value: str) -> time:
    return time.fromisoformat(value)
