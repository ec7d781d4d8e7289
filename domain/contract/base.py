"""What every request model of the public contract has in common."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict


class Request(BaseModel):
    """A request body: unknown fields are errors, text holds no NUL (PostgreSQL cannot store it)."""

    model_config = ConfigDict(extra="forbid", str_max_length=5_000_000)


class WrongField(ValueError):
    """A rule over several fields is broken; `field` is the one to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("NUL characters cannot be stored; remove them")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a surrogate pair, which is no character") from None
    return value


def _one_line(value: str) -> str:
    if any(char in value for char in "\r\n\x00"):
        raise ValueError("must be one line: line breaks and NUL characters are not allowed here")
    return _no_nul(value)


def clean_json(value: Any) -> Any:
    """Refuse NUL anywhere in free-form JSON, in keys too, and nesting deeper than 100."""
    _check(value, 0)
    return value


def _check(value: Any, depth: int) -> None:
    if depth > _MAX_DEPTH:
        raise ValueError(f"is nested more than {_MAX_DEPTH} levels deep")
    if isinstance(value, str):
        _no_nul(value)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check(key, depth + 1)
            _check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth + 1)


def _to_utc(value: datetime) -> datetime:
    if value.year < _FIRST_YEAR or value.year > _LAST_YEAR:
        raise ValueError(f"must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}")
    return value.astimezone(UTC)


def _text_time(value: Any) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError("must be an RFC 3339 time with a zone, such as 2030-01-31T09:00:00Z")
    return value


_MAX_DEPTH = 100
_FIRST_YEAR, _LAST_YEAR = 1971, 9000

Text = Annotated[str, AfterValidator(_no_nul)]
Line = Annotated[str, AfterValidator(_one_line)]
Json = Annotated[dict[str, Any], AfterValidator(clean_json)]
Moment = Annotated[AwareDatetime, BeforeValidator(_text_time), AfterValidator(_to_utc)]
