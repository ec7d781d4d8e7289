"""What an SQL audience is made of: the database, one query, its parameters, its bounds."""

from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, SecretStr
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from connectors.contract import ConnectorSettings
from domain.contract.base import Line, Text

ALLOWED: Final = frozenset({"ssl", "sslmode", "charset", "service_name"})
"""What may stand after the `?`: nothing that names another host, a socket or a file."""


def _check_dsn(value: SecretStr) -> SecretStr:
    try:
        url = make_url(value.get_secret_value())
    except (ArgumentError, ValueError):
        raise ValueError("is not as in postgresql://reader:password@host:5432/database") from None
    if set(url.query) - ALLOWED:
        raise ValueError(f"may have {', '.join(sorted(ALLOWED))} after the ? and nothing else")
    if url.get_backend_name() == "sqlite":
        if not url.database or url.host:
            raise ValueError("must name a file, as in sqlite:///people.db")
    elif not url.host:
        raise ValueError("must name a host")
    return value


def _check_parameters(value: dict[str, Any]) -> dict[str, Any]:
    for name, one in value.items():
        if one is not None and not isinstance(one, str | int | float | bool):
            raise ValueError(f"{name} must be text, a number, true, false or null")
    return value


class SqlSettings(ConnectorSettings):
    """One query, whose columns are named as the fields of a member are; others are attributes."""

    dsn: Annotated[SecretStr, AfterValidator(_check_dsn)] = Field(
        description="Such as postgresql://reader:password@db.example.com/billing"
    )
    query: Annotated[Text, Field(min_length=1, max_length=20_000)] = Field(
        description="One SELECT with external_id or an address among its columns",
        json_schema_extra={"contentMediaType": "application/sql"},
    )
    parameters: Annotated[
        dict[Annotated[Line, Field(max_length=100)], Any], AfterValidator(_check_parameters)
    ] = Field(default_factory=dict, max_length=100, description="Values of :names in the query")
    page_size: Annotated[int, Field(ge=1, le=10_000)] = 1000
    most: Annotated[int, Field(ge=1, le=50_000_000)] = Field(
        5_000_000, description="More rows than this are an error"
    )
    connect_seconds: Annotated[int, Field(ge=1, le=60)] = 5
    timeout_seconds: Annotated[int, Field(ge=1, le=3600)] = 60

    @property
    def url(self) -> URL:
        """The DSN, taken apart."""
        return make_url(self.dsn.get_secret_value())
