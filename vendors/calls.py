"""Takes vendors' calls apart: JSON that may hold anything, times, and numbers."""

import json
from datetime import UTC, datetime
from typing import Any, Final

_LONGEST_SHORT_CODE: Final = 6


def read_json(body: bytes | str) -> Any:
    """Return the JSON document of a call; raises ValueError."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("the call is not JSON") from None


def objects(value: Any) -> list[dict[str, Any]]:
    """Return a JSON array of objects (none for null); raises ValueError for anything else."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError("the call holds something else where a list of objects should be")
    return value


def part(value: Any, name: str) -> dict[str, Any]:
    """Return the object that stands under a name; an empty one for anything else."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def word(value: Any) -> str:
    """Return a text, or a number as text; nothing for anything else."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def time_of(seconds: Any) -> datetime:
    """Return the time so many seconds (a number or its text) after 1970; raises ValueError."""
    try:
        return datetime.fromtimestamp(float(seconds), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        raise ValueError("the time of an event is no number of seconds") from None


def time_in_words(text: str) -> datetime | None:
    """Return a time of ISO 8601 or of seconds after 1970, in UTC where it names no zone; None for
    what is neither.
    """
    try:
        if text.isdecimal():
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(text.replace(" +", "+"))
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def with_plus(number: str) -> str:
    """Return a number as E.164 has it; a short code or a name stays as it is."""
    return f"+{number}" if number.isdecimal() and len(number) > _LONGEST_SHORT_CODE else number
