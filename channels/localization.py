"""Template filters that write dates, numbers, money and plurals as a locale does (CLDR)."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError, dates, numbers
from jinja2.runtime import Context
from jinja2.utils import pass_context

from channels.counting import budget_of
from domain.timezones import known_timezones

DEFAULT_LOCALE: Final = "en"
_WIDTHS = ("short", "medium", "long", "full")
_MAX_PATTERN = 60


@lru_cache(maxsize=512)
def find_locale(name: str | None) -> Locale:
    """Return the nearest known locale: fr-XX becomes fr, an unknown language English."""
    wanted = (name or DEFAULT_LOCALE).replace("-", "_")
    while wanted:
        try:
            return Locale.parse(wanted)
        except (UnknownLocaleError, ValueError):
            wanted = wanted.rpartition("_")[0]
    return Locale.parse(DEFAULT_LOCALE)


def is_known(name: str) -> bool:
    """Whether a name's language is one that CLDR knows."""
    try:
        Locale.parse(name.replace("-", "_").partition("_")[0])
    except (UnknownLocaleError, ValueError):
        return False
    return True


@pass_context
def _datetime(
    context: Context, value: Any, format: str = "medium", timezone: str | None = None
) -> str:
    """Write an RFC 3339 time or a Unix time in seconds, in a zone, else the recipient's or UTC."""
    moment = _moment(value, timezone or _zone(context))
    return dates.format_datetime(moment, _pattern(format), locale=_locale(context))


@pass_context
def _date(context: Context, value: Any, format: str = "medium", timezone: str | None = None) -> str:
    """Write the day of a time, or a date such as 2030-01-31."""
    day = _day(value) or _moment(value, timezone or _zone(context))
    return dates.format_date(day, _pattern(format), locale=_locale(context))


@pass_context
def _time(context: Context, value: Any, format: str = "short", timezone: str | None = None) -> str:
    """Write the time of day of a time."""
    moment = _moment(value, timezone or _zone(context))
    return dates.format_time(moment, _pattern(format), locale=_locale(context))


@pass_context
def _money(context: Context, value: Any, currency: str) -> str:
    """Write an amount in a currency (ISO 4217)."""
    return numbers.format_currency(_number(value), currency, locale=_locale(context))


@pass_context
def _decimal(context: Context, value: Any) -> str:
    """Write a number with the locale's separators."""
    return numbers.format_decimal(_number(value), locale=_locale(context))


@pass_context
def _percent(context: Context, value: Any) -> str:
    """Write a ratio (0.25) as a percentage."""
    return numbers.format_percent(_number(value), locale=_locale(context))


@pass_context
def _plural(context: Context, value: Any, one: str, other: str, **forms: str) -> str:
    """Choose the word for a number by the locale's rule; `zero`, `two`, `few`, `many` by name."""
    rule = _locale(context).plural_form(abs(_number(value)))
    return {"one": one, "other": other, **forms}.get(rule, other)


def _locale(context: Context) -> Locale:
    return find_locale(budget_of(context).locale)


def _zone(context: Context) -> str | None:
    """Return the recipient's zone; one that does not exist must not keep a message back."""
    wanted = budget_of(context).timezone
    return wanted if wanted in known_timezones() else None


def _pattern(format: str) -> str:
    if format not in _WIDTHS and len(format) > _MAX_PATTERN:
        raise ValueError(f"a date format has at most {_MAX_PATTERN} characters")
    return format


def _moment(value: Any, timezone: str | None) -> datetime:
    zone = ZoneInfo(timezone) if timezone else UTC
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, zone)
    day = _day(value)
    if day is not None:
        return datetime.combine(day, time(), zone)
    moment = datetime.fromisoformat(str(value))
    return moment.astimezone(zone) if moment.tzinfo else moment.replace(tzinfo=zone)


def _day(value: Any) -> date | None:
    """Return a date that has no time of day; zones do not move it."""
    text = str(value)
    if isinstance(value, str) and len(text) == len("2030-01-31"):
        return date.fromisoformat(text)
    return None


def _number(value: Any) -> Decimal:
    number = Decimal(str(value))
    if not number.is_finite() or abs(number.adjusted()) > 30:
        raise ValueError("is not a number of a sensible size")
    return number


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "date": _date,
    "datetime": _datetime,
    "money": _money,
    "number": _decimal,
    "percent": _percent,
    "plural": _plural,
    "time": _time,
}
