"""Times as the public contract writes them."""

from datetime import UTC, datetime


def stamp(moment: datetime | None) -> str | None:
    """Return an RFC 3339 time in UTC with milliseconds, such as 2030-01-31T09:00:00.000Z."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
