"""Signed links: whoever holds one may see and change one recipient's preferences, or acknowledge
one message, until it expires.

A link holds ids alone, no address. It is signed with HMAC-SHA256 by a key of TOCSIN_SECRET_KEY, so
nothing needs to be stored for it, and a new key in front breaks no link.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from domain.signed_tokens import TokenRing, hmac_sha256

LONGEST: Final = 600
_MOST_KEPT: Final = 256
"""Links of late, of which one message has several that are the same."""

LEAVING: Final = ("unsubscribe_url", "preferences_url")
"""The variables whose links let a recipient leave."""
ACKNOWLEDGING: Final = "ack_url"
"""The variable whose link lets a recipient acknowledge a notification; campaigns have none."""
EXAMPLES: Final[Mapping[str, str]] = {
    "unsubscribe_url": "https://example.com/u/" + "example" * 24,
    "preferences_url": "https://example.com/p/" + "example" * 20,
    ACKNOWLEDGING: "https://example.com/a/" + "example" * 15,
}
"""The variables that every message is given, each a link of its own recipient; for what is only
looked at, links that open nothing, about as long as real ones.
"""


def with_examples(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return data to render with where no recipient gets it."""
    return {**EXAMPLES, **data}


def without(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return data without what is supplied."""
    return {name: value for name, value in data.items() if name not in EXAMPLES}


class LinkExpired(ValueError):
    """It was a link of ours; its time is over."""


class Purpose(StrEnum):
    """What a link opens."""

    CENTRE = "centre"
    PROFILE = "profile"
    DELIVERY = "delivery"
    ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is about.

    CENTRE: the preference centre of the profile `id`. PROFILE: unsubscribes it from `category` on
    `channel`. DELIVERY: suppresses the address of the delivery `id` for its category.
    ACKNOWLEDGE: acknowledges the notification of the delivery `id`.
    `delivery` is the one whose message the link stands in, where it stands in one.
    """

    purpose: Purpose
    id: UUID
    expires_at: datetime
    category: str = ""
    channel: str = ""
    delivery: UUID | None = None


class LinkRing:
    """The keys of TOCSIN_SECRET_KEY, newest first: the first signs, every one verifies."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._ring = TokenRing(
            secrets, b"tocsin preference links", hmac_sha256, key_id_bytes=8, longest=LONGEST
        )
        self._sign = lru_cache(_MOST_KEPT)(self._signed)

    def sign(self, link: Link) -> str:
        """Return the token of a link, in the letters of base64url (RFC 4648 §5)."""
        return self._sign(link)

    def _signed(self, link: Link) -> str:
        expires = str(int(link.expires_at.timestamp()))
        delivery = link.delivery.hex if link.delivery else ""
        parts = (link.purpose, link.id.hex, expires, link.category, link.channel, delivery)
        body = "\n".join(parts).encode()
        return self._ring.sign(body)

    def read(self, token: str, now: datetime) -> Link:
        """Return the link of a token; raises TokenWrong, LinkExpired. Compares in constant time."""
        body = self._ring.verify(token)
        purpose, id, expires, category, channel, *more = body.decode().split("\n")
        delivery = UUID(more[0]) if more and more[0] else None  # older links do not say it
        until = datetime.fromtimestamp(int(expires), UTC)
        link = Link(Purpose(purpose), UUID(id), until, category, channel, delivery)
        if link.expires_at <= now:
            raise LinkExpired("the link's time is over")
        return link
