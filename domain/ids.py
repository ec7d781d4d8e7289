"""Public identifiers: a prefix and a UUIDv7 in lowercase Crockford base32, 26 characters.

UUIDv7 (RFC 9562 §5.7) starts with the time in milliseconds, so ids sort by creation and the big
tables are partitioned by id. The next twelve bits are a finer time, and those of one process never
go back (§6.2, method 3): what was made first within a millisecond is first in every list.
"""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {char: value for value, char in enumerate(_ALPHABET)}
_LENGTH = 26
_PAIRS: Final = [one + other for one in _ALPHABET for other in _ALPHABET]
_SHIFTS: Final = range(120, -1, -10)
_TICKS: Final = 4_096
"""Per millisecond: what twelve bits can tell apart."""
_MOST_AHEAD: Final = 1_000 * _TICKS
"""How far ids may run ahead of a clock that was set back, before they follow it."""
_lock = threading.Lock()
_latest = 0


class InvalidId(ValueError):
    """The text is not an id of the expected kind."""


def new_id() -> UUID:
    """Return a new UUIDv7 of the present moment, greater than all that this process made before."""
    ticks = _next_ticks()
    chance = int.from_bytes(os.urandom(8), "big") & ((1 << 62) - 1)
    return _build(ticks // _TICKS, (ticks % _TICKS) << 62 | chance)


def floor_id(moment: datetime) -> UUID:
    """Return the smallest UUIDv7 of a moment, for range filters and partition bounds."""
    return _build(int(moment.timestamp() * 1000), 0)


def created_at(value: UUID) -> datetime:
    """Return the moment at which a UUIDv7 was made (milliseconds)."""
    return datetime.fromtimestamp((value.int >> 80) / 1000, UTC)


def encode(prefix: str, value: UUID) -> str:
    """Return the public form, such as `ntf_01jdz…`."""
    number = value.int
    return f"{prefix}_{''.join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])}"


def decode(prefix: str, text: str) -> UUID:
    """Return the UUID of a public id; raises InvalidId when it is not one of this kind."""
    head, _, tail = text.partition("_")
    if head != prefix or len(tail) != _LENGTH:
        raise InvalidId(f"not an id of the form {prefix}_…")
    number = 0
    for char in tail:
        if char not in _VALUES:
            raise InvalidId(f"not an id of the form {prefix}_…")
        number = number * 32 + _VALUES[char]
    if number >> 128:
        raise InvalidId(f"not an id of the form {prefix}_…")
    return UUID(int=number)


def _next_ticks() -> int:
    global _latest
    with _lock:
        now = time.time_ns() * _TICKS // 1_000_000
        behind = now <= _latest <= now + _MOST_AHEAD
        _latest = _latest + 1 if behind else now
        return _latest


def _build(milliseconds: int, random_bits: int) -> UUID:
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76
    value |= ((random_bits >> 62) & 0xFFF) << 64
    value |= 0b10 << 62
    value |= random_bits & ((1 << 62) - 1)
    return UUID(int=value)
