"""Signed links: whoever holds one may see and change one recipient's preferences, until it expires.

A link holds ids alone, no address. It is signed with HMAC-SHA256 by a key of TOCSIN_SECRET_KEY, so
nothing needs to be stored for it, and a new key in front breaks no link.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

_KEY_ID_BYTES: Final = 8
_MAC_BYTES: Final = 16
"""Half of SHA-256's output, as RFC 2104 §5 allows."""
LONGEST: Final = 600
_MOST_KEPT: Final = 256
"""Links of late, of which one message has several that are the same."""

EXAMPLES: Final[Mapping[str, str]] = {
    "unsubscribe_url": "https://example.com/u/" + "example" * 24,
    "preferences_url": "https://example.com/p/" + "example" * 20,
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


class LinkWrong(ValueError):
    """It is not a link of ours, or it was changed."""


class LinkExpired(ValueError):
    """It was a link of ours; its time is over."""


class Purpose(StrEnum):
    """What a link opens."""

    CENTRE = "centre"
    PROFILE = "profile"
    DELIVERY = "delivery"


@dataclass(frozen=True, slots=True)
class Link:
    """What a link is about.

    CENTRE: the preference centre of the profile `id`. PROFILE: unsubscribes it from `category` on
    `channel`. DELIVERY: suppresses the address of the delivery `id` for its category.
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
        self._keys = [_Key.of(secret) for secret in secrets]
        self._sign = lru_cache(_MOST_KEPT)(self._signed)

    def sign(self, link: Link) -> str:
        """Return the token of a link, in the letters of base64url (RFC 4648 §5)."""
        return self._sign(link)

    def _signed(self, link: Link) -> str:
        expires = str(int(link.expires_at.timestamp()))
        delivery = link.delivery.hex if link.delivery else ""
        parts = (link.purpose, link.id.hex, expires, link.category, link.channel, delivery)
        body = "\n".join(parts).encode()
        key = self._keys[0]
        signed = key.id + key.mac(body) + body
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def read(self, token: str, now: datetime) -> Link:
        """Return the link of a token; raises LinkWrong, LinkExpired. Compares in constant time."""
        body = self._verified(token)
        purpose, id, expires, category, channel, *more = body.decode().split("\n")
        delivery = UUID(more[0]) if more and more[0] else None  # older links do not say it
        until = datetime.fromtimestamp(int(expires), UTC)
        link = Link(Purpose(purpose), UUID(id), until, category, channel, delivery)
        if link.expires_at <= now:
            raise LinkExpired("the link's time is over")
        return link

    def _verified(self, token: str) -> bytes:
        if len(token) > LONGEST or not token.isascii():
            raise LinkWrong("not a link")
        try:
            signed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise LinkWrong("not a link") from None
        id, given = signed[:_KEY_ID_BYTES], signed[_KEY_ID_BYTES : _KEY_ID_BYTES + _MAC_BYTES]
        body = signed[_KEY_ID_BYTES + _MAC_BYTES :]
        for key in self._keys:
            if key.id == id and hmac.compare_digest(key.mac(body), given):
                return body
        raise LinkWrong("not a link")


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> "_Key":
        return cls(_derive(secret, b"key id")[:_KEY_ID_BYTES], _derive(secret, b"signature"))

    def mac(self, body: bytes) -> bytes:
        return hmac.digest(self.secret, body, hashlib.sha256)[:_MAC_BYTES]


def _derive(secret: str, purpose: bytes) -> bytes:
    """Return a key of its own for each purpose, so that none can stand in for another."""
    return hmac.digest(secret.encode(), b"tocsin preference links: " + purpose, hashlib.sha256)
