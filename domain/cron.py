"""Cron lines of five fields, read as calendars."""

from typing import Final

from domain.calendars import BadField, Calendar, parse

_FIELDS: Final = ("minute", "hour", "day", "month", "weekday")
_NICKNAMES: Final = {
    "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}  # fmt: skip


def parse_cron(line: str) -> tuple[Calendar, ...]:
    """Return the calendars of a cron line; a time of any of them is a time of the line.

    As crontab(5) has it: when both day and weekday are given, either may match. L is the last day
    of the month, `5L` or `fri#last` the last Friday, `mon#1` the first Monday. Raises ValueError.
    """
    words = _NICKNAMES.get(line.strip().lower(), line).split()
    if len(words) != len(_FIELDS):
        raise ValueError(
            "has five fields: minute, hour, day, month, weekday, such as 0 9 * * mon-fri"
        )
    fields = dict(zip(_FIELDS, words, strict=True))
    fields["day"] = ",".join(
        "last" if part.lower() == "l" else part for part in _any(fields["day"]).split(",")
    )
    fields["weekday"] = ",".join(
        f"{part[:-1]}#last" if part[-1:] in "lL" and len(part) > 1 and part[:-1].isdigit() else part
        for part in _any(fields["weekday"]).split(",")
    )
    try:
        if fields["day"].startswith("*") or fields["weekday"].startswith("*"):
            return (parse(fields),)
        return (
            parse({**fields, "weekday": "*"}),
            parse({**fields, "day": "*"}),
        )
    except BadField as error:
        raise ValueError(f"{error.field}: {error}") from None


def _any(field: str) -> str:
    return "*" if field == "?" else field
