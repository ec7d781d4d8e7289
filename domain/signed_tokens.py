"""Tokens of base64url that hold a few octets and the signature of a key over them.

A token is the id of its key, the signature and what was signed. Keys are derived from those of
TOCSIN_SECRET_KEY, for each use its own, so that no token stands in for one of another use; the
first signs and every one verifies, so that a new key in front breaks no token.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

MAC_BYTES: Final = 16
"""Half of SHA-256's output, as RFC 2104 §5 allows."""
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_LETTERS: Final = re.compile(r"[A-Za-z0-9_-]+")

Mac = Callable[[bytes, bytes], bytes]
"""Returns MAC_BYTES for (key, octets)."""


class TokenWrong(ValueError):
    """It is no token of ours, or it was changed."""


def hmac_sha256(key: bytes, body: bytes) -> bytes:
    """Return HMAC-SHA256 (RFC 2104)."""
    return hmac.digest(key, body, hashlib.sha256)[:MAC_BYTES]


def blake2b(key: bytes, body: bytes) -> bytes:
    """Return keyed BLAKE2b (RFC 7693 §2.9), in a third of the time of HMAC-SHA256."""
    return hashlib.blake2b(body, key=key, digest_size=MAC_BYTES).digest()


class TokenRing:
    """The keys of one use, newest first. `longest` bounds the letters that are looked at."""

    def __init__(
        self, secrets: Sequence[str], use: bytes, mac: Mac, *, key_id_bytes: int, longest: int
    ) -> None:
        self._keys = [_Key.of(secret.encode(), use, key_id_bytes) for secret in secrets]
        self._mac, self._longest, self._key_id_bytes = mac, longest, key_id_bytes

    def sign(self, body: bytes) -> str:
        """Return the token of some octets, in the letters of base64url (RFC 4648 §5)."""
        key = self._keys[0]
        text = binascii.b2a_base64(key.id + self._mac(key.secret, body) + body, newline=False)
        return text.translate(_URL_SAFE, b"=").decode()

    def verify(self, token: str) -> bytes:
        """Return the octets of a token; raises TokenWrong. Compares in constant time."""
        if len(token) > self._longest or not _LETTERS.fullmatch(token):
            raise TokenWrong("not a token")
        try:
            signed = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise TokenWrong("not a token") from None
        begin, end = self._key_id_bytes, self._key_id_bytes + MAC_BYTES
        id, given, body = signed[:begin], signed[begin:end], signed[end:]
        for key in self._keys:
            if key.id == id and hmac.compare_digest(self._mac(key.secret, body), given):
                return body
        raise TokenWrong("not a token")


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: bytes, use: bytes, key_id_bytes: int) -> "_Key":
        def derived(purpose: bytes) -> bytes:
            return hmac.digest(secret, use + b": " + purpose, hashlib.sha256)

        return cls(derived(b"key id")[:key_id_bytes], derived(b"signature"))
