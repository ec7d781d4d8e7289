"""What a client sends to keep a recipient's preferences."""

from datetime import time
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, StrictBool, model_validator

from domain.caps import Period
from domain.contract.base import Request, WrongField
from domain.contract.notification import Key
from domain.vocabulary import Channel


def _clock(value: object) -> object:
    """Return a time of day that was given as HH:MM; seconds and zones are refused."""
    if not isinstance(value, str) or len(value) != 5 or value[2] != ":":
        raise ValueError("must be a time of day such as 22:00")
    try:
        return time.fromisoformat(value)
    except ValueError:
        raise ValueError("must be a time of day from 00:00 to 23:59") from None


Clock = Annotated[time, BeforeValidator(_clock), PlainSerializer(lambda value: f"{value:%H:%M}")]
Switches = Annotated[dict[Channel, StrictBool], Field(max_length=len(Channel))]
MOST_CATEGORIES = 200
MOST_CAPS = 20


class QuietHoursRequest(Request):
    """A time of day in the recipient's time zone; over midnight when it ends before it starts."""

    start: Clock
    end: Clock

    @model_validator(mode="after")
    def _takes_a_while(self) -> "QuietHoursRequest":
        if self.start == self.end:
            raise WrongField("end", "must differ from start; switch categories off to hear nothing")
        return self


class CapRequest(Request):
    """At most `limit` messages per period, of a category or in total."""

    category: Key | None = None
    limit: Annotated[int, Field(ge=1, le=10_000, strict=True)]
    per: Period


class DailyRequest(Request):
    """What is collected into one message a day, at a time of day in the recipient's time zone."""

    every: Literal["day"] = "day"
    at: Clock


class PreferencesRequest(Request):
    """All of a recipient's preferences: what is left out is as if it had never been chosen.

    Only `unsubscribed`, the channels unsubscribed from as a whole, and `tracking`, whether it may
    be seen that mails are opened and links followed, stay as they are when left out.
    """

    categories: Annotated[dict[Key, Switches], Field(max_length=MOST_CATEGORIES)] = {}
    channel_order: Annotated[list[Channel], Field(max_length=len(Channel))] = []
    quiet_hours: QuietHoursRequest | None = None
    frequency: Annotated[list[CapRequest], Field(max_length=MOST_CAPS)] = []
    digest: Annotated[dict[Key, DailyRequest], Field(max_length=MOST_CATEGORIES)] = {}
    unsubscribed: Annotated[list[Channel], Field(max_length=len(Channel))] | None = None
    tracking: StrictBool | None = None

    @model_validator(mode="after")
    def _nothing_twice(self) -> "PreferencesRequest":
        for name, given in (
            ("channel_order", self.channel_order),
            ("unsubscribed", self.unsubscribed),
        ):
            if given and len(set(given)) != len(given):
                raise WrongField(name, "names a channel twice")
        caps = [(cap.category, cap.per) for cap in self.frequency]
        for number, cap in enumerate(caps):
            if cap in caps[:number]:
                raise WrongField(f"frequency[{number}]", "is a second limit for the same period")
        return self


class LinkRequest(Request):
    """How long a link to the preference centre works, in seconds: 1 minute to 1 year."""

    ttl_seconds: Annotated[int, Field(ge=60, le=31_536_000, strict=True)] = 2_592_000


class UnsubscribeRequest(Request):
    """What to unsubscribe from: a category, a channel, both together, or (empty) everything."""

    category: Key | None = None
    channel: Channel | None = None
