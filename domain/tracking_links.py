"""The tokens of tracked links and pixels: which attempt, which link, and where it leads.

The target stands in the token and is signed with it, so that a link leads nowhere else (it is no
open redirect), and leads there while nothing can be looked up. Signed with keyed BLAKE2b, which is
quick: each link of each mail is signed.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.signed_tokens import TokenRing, blake2b

_OPENING, _CLICK = b"o", b"c"
_NUMBERS: Final = struct.Struct(">HH")
_MOST_LINKS: Final = 0xFFFF
LONGEST_URL: Final = 2_000
"""Octets of a target; mail programs break longer links anyhow."""
_HEAD: Final = 1 + 16
SCHEMES: Final = ("http://", "https://")


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
        self._ring = TokenRing(secrets, b"tocsin tracking", blake2b, key_id_bytes=4, longest=4_000)

    def opening(self, attempt_id: UUID) -> str:
        """Return the token of a pixel, in the letters of base64url (RFC 4648 §5)."""
        return self._ring.sign(_OPENING + attempt_id.bytes)

    def clicks(self, attempt_id: UUID, links: Sequence[tuple[int, bytes]]) -> list[str]:
        """Return the tokens of a mail's links, each given by its number and an http or https
        address of at most LONGEST_URL octets.
        """
        head, of = _CLICK + attempt_id.bytes, min(len(links), _MOST_LINKS)
        return [
            self._ring.sign(head + _NUMBERS.pack(min(link, _MOST_LINKS), of) + url)
            for link, url in links
        ]

    def trap(self, attempt_id: UUID, of: int) -> str:
        """Return the token of a link that nobody sees, in a mail of so many others."""
        numbers = _NUMBERS.pack(0, min(of, _MOST_LINKS))
        return self._ring.sign(_CLICK + attempt_id.bytes + numbers)

    def read(self, token: str) -> Opening | Click:
        """Return what a token is of; raises TokenWrong. Compares in constant time."""
        body = self._ring.verify(token)
        kind, attempt_id = body[:1], UUID(bytes=body[1:_HEAD])
        if kind == _OPENING:
            return Opening(attempt_id)
        link, of = _NUMBERS.unpack_from(body, _HEAD)
        return Click(attempt_id, link, of, body[_HEAD + _NUMBERS.size :].decode())
