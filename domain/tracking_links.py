"""The tokens of tracked links and pixels: which attempt, which link, and where it leads.

The target stands in the token and is signed with it, so that a link leads nowhere else (it is no
open redirect), and leads there while nothing can be looked up. Signed with keyed BLAKE2b (RFC 7693
§2.9), which takes a third of the time of HMAC-SHA256 where each link of each mail is signed, by a
key of TOCSIN_SECRET_KEY: a new key in front breaks no link.
"""

import base64
import binascii
import hmac
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final
from uuid import UUID

_KEY_ID_BYTES: Final = 4
_MAC_BYTES: Final = 16

_OPENING, _CLICK = b"o", b"c"
_NUMBERS: Final = struct.Struct(">HH")
_MOST_LINKS: Final = 0xFFFF
LONGEST_URL: Final = 2_000
"""Octets of a target; mail programs break longer links anyhow."""
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_LETTERS: Final = re.compile(r"[A-Za-z0-9_-]{1,4000}")
_HEAD: Final = 1 + 16
SCHEMES: Final = ("http://", "https://")


class TokenWrong(ValueError):
    """It is no token of ours, or it was changed."""


@dataclass(frozen=True, slots=True)
class Opening:
    """The pixel of an attempt's mail."""

    attempt_id: UUID


@dataclass(frozen=True, slots=True)
class Click:
    """A link in an attempt's mail: its number in the template from 1, of how many in the mail.

    `url` is empty for the trap, a link that nobody sees.
    """

    attempt_id: UUID
    link: int
    of: int
    url: str

    @property
    def is_trap(self) -> bool:
        """Whether only programs find it."""
        return not self.url


class TrackingRing:
    """The keys of TOCSIN_SECRET_KEY, newest first: the first signs, every one verifies."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [_Key.of(secret) for secret in secrets]

    def opening(self, attempt_id: UUID) -> str:
        """Return the token of a pixel, in the letters of base64url (RFC 4648 §5)."""
        return self._signed(_OPENING + attempt_id.bytes)

    def clicks(self, attempt_id: UUID, links: Sequence[tuple[int, bytes]]) -> list[str]:
        """Return the tokens of a mail's links, each given by its number and an http or https
        address of at most LONGEST_URL octets.
        """
        head, of = _CLICK + attempt_id.bytes, min(len(links), _MOST_LINKS)
        return [
            self._signed(head + _NUMBERS.pack(min(link, _MOST_LINKS), of) + url)
            for link, url in links
        ]

    def trap(self, attempt_id: UUID, of: int) -> str:
        """Return the token of a link that nobody sees, in a mail of so many others."""
        numbers = _NUMBERS.pack(0, min(of, _MOST_LINKS))
        return self._signed(_CLICK + attempt_id.bytes + numbers)

    def read(self, token: str) -> Opening | Click:
        """Return what a token is of; raises TokenWrong. Compares in constant time."""
        body = self._verified(token)
        kind, attempt_id = body[:1], UUID(bytes=body[1:_HEAD])
        if kind == _OPENING:
            return Opening(attempt_id)
        link, of = _NUMBERS.unpack_from(body, _HEAD)
        return Click(attempt_id, link, of, body[_HEAD + _NUMBERS.size :].decode())

    def _signed(self, body: bytes) -> str:
        key = self._keys[0]
        text = binascii.b2a_base64(key.id + key.mac(body) + body, newline=False)
        return text.translate(_URL_SAFE, b"=").decode()

    def _verified(self, token: str) -> bytes:
        if not _LETTERS.fullmatch(token):
            raise TokenWrong("not a token")
        try:
            signed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise TokenWrong("not a token") from None
        id, given = signed[:_KEY_ID_BYTES], signed[_KEY_ID_BYTES : _KEY_ID_BYTES + _MAC_BYTES]
        body = signed[_KEY_ID_BYTES + _MAC_BYTES :]
        for key in self._keys:
            if key.id == id and hmac.compare_digest(key.mac(body), given):
                return body
        raise TokenWrong("not a token")


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> "_Key":
        return cls(_derive(secret, b"key id")[:_KEY_ID_BYTES], _derive(secret, b"signature"))

    def mac(self, body: bytes) -> bytes:
        return blake2b(body, key=self.secret, digest_size=_MAC_BYTES).digest()


def _derive(secret: str, purpose: bytes) -> bytes:
    """Return a key of its own for each purpose, so that none can stand in for another."""
    return hmac.digest(secret.encode(), b"tocsin tracking: " + purpose, "sha256")
