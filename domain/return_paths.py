"""Return paths that name the attempt (VERP), made so that nobody else can make one.

A bounce comes back to the sender of the envelope. So each mail gets one of its own, such as
`bounce+<token>@mail.example.com`; the token holds the attempt's id and a keyed hash of it.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final
from uuid import UUID

from domain.hosts import check_domain
from domain.ids import InvalidId, decode

TOKEN_LENGTH: Final = 42
"""26 characters of the id, 16 of the hash; letters and digits only, in either case."""
MOST_LOCAL_OCTETS: Final = 64
"""RFC 5321 §4.5.3.1.1."""
COMPLAINTS: Final = "abuse"
"""The mailbox of a domain that feedback loops write to (RFC 2142 §4)."""

_PREFIX: Final = "att"
_HASH_OCTETS: Final = 10
"""80 bits, the least that RFC 2104 §5 advises: a guess can be tried on us alone, and is counted."""
_HASH_LENGTH: Final = 16
_TOKEN: Final = re.compile(rf"[0-9a-z]{{{TOKEN_LENGTH}}}")
_ATEXT: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_DOT_ATOM: Final = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*")
_SEPARATORS: Final = "+-=._"


class ReturnPaths:
    """The keys of TOCSIN_SECRET_KEY, newest first: the first makes tokens, every one checks them.

    Without any key it makes none and believes none.
    """

    def __init__(self, secrets: Sequence[str] = ()) -> None:
        self._keys = tuple(_derive(one) for one in secrets)

    def token(self, attempt_id: str) -> str:
        """Return the token of an attempt (`att_…`); raises InvalidId, and LookupError without a
        key.
        """
        if not self._keys:
            raise LookupError("there is no key to make return paths with")
        return attempt_id.removeprefix(f"{_PREFIX}_") + _hash(
            self._keys[0], decode(_PREFIX, attempt_id)
        )

    def proves(self, token: str) -> bool:
        """Whether a token is one of ours, compared in constant time."""
        try:
            id = decode(_PREFIX, attempt_of(token))
        except InvalidId:
            return False
        given = token[-_HASH_LENGTH:].encode()
        return any(hmac.compare_digest(given, _hash(key, id).encode()) for key in self._keys)


def attempt_of(token: str) -> str:
    """Return the attempt that a token names, whether or not the token is one of ours."""
    return f"{_PREFIX}_{token[:-_HASH_LENGTH]}"


@dataclass(frozen=True, slots=True)
class BounceAddress:
    """Where the bounces of an account come to; the token stands between `before` and `after`."""

    domain: str
    before: str = ""
    after: str = ""
    plain: str = field(default="", compare=False)
    """The address without a token, to which feedback loops may write."""

    def with_token(self, token: str) -> str:
        """Return the return path of a token."""
        return f"{self.before}{token}{self.after}@{self.domain}"

    def token_in(self, address: str) -> str | None:
        """Return the token of a return path, as yet unproved; None for any other address."""
        local, _, domain = address.strip().lower().rpartition("@")
        before, after = self.before.lower(), self.after.lower()
        if domain != self.domain or not (local.startswith(before) and local.endswith(after)):
            return None
        token = local[len(before) : len(local) - len(after)]
        return token if _TOKEN.fullmatch(token) else None


@lru_cache(maxsize=256)
def read_bounce_address(text: str) -> BounceAddress:
    """Return what `bounce@mail.example.com` (the token follows a +), `bounce-*@mail.example.com`
    (it takes the place of the *) or `bounces.example.com` (it is all of the local part) means.

    Raises ValueError that says how to mend it.
    """
    local, at, domain = text.rpartition("@")
    pattern = "*" if not at else local if "*" in local else f"{local}+*"
    before, _, after = pattern.partition("*")
    empty = bool(at) and not local
    if empty or "*" in after or not _DOT_ATOM.fullmatch(f"{before}0{after}"):
        raise ValueError(
            "is neither an address such as bounce@mail.example.com or bounce-*@mail.example.com"
            " nor a domain"
        )
    left = MOST_LOCAL_OCTETS - TOKEN_LENGTH
    if len(before) + len(after) > left:
        raise ValueError(f"leaves no room for the token: {left} characters may stand beside it")
    domain = check_domain(domain).lower()
    kept = before.rstrip(_SEPARATORS) + after.lstrip(_SEPARATORS) or COMPLAINTS
    return BounceAddress(domain, before, after, f"{kept}@{domain}".lower())


def _hash(key: bytes, attempt: UUID) -> str:
    digest = hmac.digest(key, attempt.bytes, hashlib.sha256)
    return base64.b32encode(digest[:_HASH_OCTETS]).decode().lower()


def _derive(secret: str) -> bytes:
    """Return a key for this purpose alone, so that no other can stand in for it."""
    return hmac.digest(secret.encode(), b"tocsin return paths", hashlib.sha256)
