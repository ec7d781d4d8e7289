"""One-time codes: computed from a key whenever they are needed, and kept nowhere."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

MOST_ATTEMPTS: Final = 5
"""Guesses that a code stands; the next one is refused, whether it is right or not."""

LENGTHS: Final = range(4, 9)
_MASK: Final = "•"


class KeyGone(KeyError):
    """The key that a code was made with is no longer in TOCSIN_SECRET_KEY."""


@dataclass(frozen=True, slots=True)
class Seed:
    """What a code is computed from, besides the key: none of it is secret."""

    id: UUID
    key_id: str
    generation: int
    length: int

    @property
    def masked(self) -> str:
        """What is shown and stored in place of the code."""
        return _MASK * self.length


@dataclass(frozen=True, slots=True)
class _Key:
    codes: bytes = field(repr=False)
    subjects: bytes = field(repr=False)


class CodeRing:
    """The keys of TOCSIN_SECRET_KEY, newest first: the first makes codes, every one checks them.

    A code remembers its key's id, so that a new key in front makes no live code worthless.
    """

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = {_key_id(one): _Key(_derive(one, b"code"), _derive(one, b"subject"))
                      for one in secrets}  # fmt: skip

    @property
    def newest(self) -> str:
        """The id of the key that makes codes now."""
        return next(iter(self._keys))

    def code(self, seed: Seed) -> str:
        """Return the code of a seed; raises KeyGone."""
        key = self._keys.get(seed.key_id)
        if key is None:
            raise KeyGone(f"the key {seed.key_id} of a one-time code is not in TOCSIN_SECRET_KEY")
        message = seed.id.bytes + seed.generation.to_bytes(8, "big")
        return truncate(hmac.digest(key.codes, message, hashlib.sha256), seed.length)

    def matches(self, seed: Seed, given: str) -> bool:
        """Compare a guess in constant time; raises KeyGone."""
        return hmac.compare_digest(self.code(seed).encode(), given.encode("utf-8", "surrogatepass"))

    def subject(self, *parts: str) -> bytes:
        """Return under which name something is counted; it cannot be turned back into it.

        The oldest key makes it, so that counts go on when a new key is put in front.
        """
        oldest = list(self._keys.values())[-1]
        return hmac.digest(oldest.subjects, "\x00".join(parts).encode(), hashlib.sha256)


def truncate(digest: bytes, length: int) -> str:
    """Return `length` decimal digits of an HMAC, leading zeros kept (RFC 4226 §5.3).

    The digest has at least 20 bytes; RFC 6238 takes longer ones in the same way.
    """
    if length not in LENGTHS:
        raise ValueError(f"a code has {LENGTHS.start} to {LENGTHS.stop - 1} digits, not {length}")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return str(number % 10**length).zfill(length)


def _key_id(secret: str) -> str:
    return _derive(secret, b"key id").hex()[:16]


def _derive(secret: str, purpose: bytes) -> bytes:
    """Return a key of its own for each purpose, so that none can stand in for another."""
    return hmac.digest(secret.encode(), b"tocsin one-time codes: " + purpose, hashlib.sha256)
