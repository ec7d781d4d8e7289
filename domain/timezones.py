"""The time zones that are known here, by their IANA names."""

from functools import cache
from zoneinfo import available_timezones


@cache
def known_timezones() -> frozenset[str]:
    """Return the names; they are listed from disk once, which takes milliseconds."""
    return frozenset(available_timezones())
