"""The audit log as a chain: each line holds the hash of the line before it and of itself.

Two proofs, since a database's own user can write anything into it. A *mark* is made with the line,
by a key of TOCSIN_SECRET_KEY: a line that was put in or altered by hand has none that fits. The
*chain* is plain SHA-256 over canonical JSON, so that anybody can check a copy of the log: a line
that is gone, altered or put in between breaks it. A head that is kept elsewhere also shows when the
newest lines are gone, or when the chain was built anew.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

GENESIS: Final = bytes(32)
"""What the first line holds as the hash of the line before it."""
_KEY_ID_BYTES: Final = 8
_NO_HEAD: Final = "is not a head such as 12:ab…; `tocsin audit head` prints one"


class HeadWrong(ValueError):
    """The text is not a head of the form NUMBER:HASH."""


@dataclass(frozen=True, slots=True)
class Line:
    """What the log says: who did what to what, when; ids only, so that no erasure breaks it."""

    id: UUID
    at: datetime
    module_id: UUID | None
    actor: str
    action: str
    subject: str
    detail: Mapping[str, Any]

    def canonical(self) -> bytes:
        """Return the line as JSON with sorted keys, without spaces, in UTF-8."""
        return _canonical(
            {
                "id": str(self.id),
                "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
                "module": str(self.module_id) if self.module_id else None,
                "actor": self.actor, "action": self.action, "subject": self.subject,
                "detail": self.detail,
            }
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sealed:
    """A line in its place in the chain."""

    line: Line
    mark: bytes | None
    seq: int
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line of the chain; no line yet is number 0."""

    seq: int = 0
    hash: bytes = GENESIS

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash.hex()}"

    @classmethod
    def of(cls, text: str) -> "Head":
        """Return the head of a text; raises HeadWrong."""
        number, _, digest = text.strip().partition(":")
        try:
            head = cls(int(number), bytes.fromhex(digest))
        except ValueError:
            raise HeadWrong(
                "is not a head such as 12:ab…; `tocsin audit head` prints one"
            ) from None
        if not 0 <= head.seq < 2**63 or len(head.hash) != len(GENESIS):
            raise HeadWrong("is not a head such as 12:ab…; `tocsin audit head` prints one")
        return head


class MarkRing:
    """The keys of TOCSIN_SECRET_KEY, newest first: the first marks lines, every one verifies."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._keys = [_Key.of(secret) for secret in secrets]

    def mark(self, line: Line) -> bytes:
        """Return the mark of a line."""
        return self._keys[0].id + self._keys[0].mac(line)

    def fault(self, line: Line, mark: bytes | None) -> str | None:
        """Return what is wrong with a line's mark; None when it fits, or its key is gone."""
        if not mark:
            return "it was not written by Tocsin: it has no mark"
        key = next((one for one in self._keys if one.id == mark[:_KEY_ID_BYTES]), None)
        if key is None:
            return None  # rotated away: the chain alone vouches for it
        if hmac.compare_digest(key.mac(line), mark[_KEY_ID_BYTES:]):
            return None
        return "it is not as it was written: its mark does not fit"


def seal(head: Head, line: Line, mark: bytes | None) -> Sealed:
    """Return a line as the next one of the chain."""
    seq = head.seq + 1
    return Sealed(line, mark, seq, head.hash, _hash(seq, head.hash, line, mark))


def fault(before: Head, sealed: Sealed) -> str | None:
    """Return what is wrong with the line that follows `before`; None when the chain holds."""
    if sealed.seq != before.seq + 1:
        return f"the line {before.seq + 1} is missing"
    if sealed.previous != before.hash:
        return "the line before it is not the one that was there"
    if sealed.hash != _hash(sealed.seq, sealed.previous, sealed.line, sealed.mark):
        return "it is not as it was sealed"
    return None


def _hash(seq: int, previous: bytes, line: Line, mark: bytes | None) -> bytes:
    place = _canonical({"seq": seq, "previous": previous.hex(), "mark": (mark or b"").hex()})
    return hashlib.sha256(place + b"\n" + line.canonical()).digest()


def _canonical(document: Mapping[str, Any]) -> bytes:
    return json.dumps(
        document, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str
    ).encode()


@dataclass(frozen=True, slots=True)
class _Key:
    id: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def of(cls, secret: str) -> "_Key":
        return cls(_derive(secret, b"key id")[:_KEY_ID_BYTES], _derive(secret, b"mark"))

    def mac(self, line: Line) -> bytes:
        return hmac.digest(self.secret, line.canonical(), hashlib.sha256)


def _derive(secret: str, purpose: bytes) -> bytes:
    """Return a key of its own for each purpose, so that none can stand in for another."""
    return hmac.digest(secret.encode(), b"tocsin audit " + purpose, hashlib.sha256)
