"""Kinds of fields that the settings of several vendors have."""

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, SecretStr
from pydantic.config import JsonDict

_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?|\[?[0-9A-Fa-f:.]+\]?")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Za-z:.]+\]")


def _check_host(value: str) -> str:
    if not _HOST.fullmatch(value) or ".." in value:
        raise ValueError("is neither a host name nor an address")
    return value


def _check_client_name(value: str) -> str:
    if value and not _NAME.fullmatch(value):
        raise ValueError("is neither a host name nor an address literal")
    return value


def _check_line(value: str) -> str:
    if any(char in value for char in "\r\n\0"):
        raise ValueError("must be one line: line breaks and NUL characters are not allowed")
    return value


def _check_secret(value: SecretStr) -> SecretStr:
    _check_line(value.get_secret_value())
    return value


PEM: Final[JsonDict] = {"contentMediaType": "application/x-pem-file"}
JSON: Final[JsonDict] = {"contentMediaType": "application/json"}
"""What the schema of a field says that holds a whole file (JSON Schema Validation 2020-12 §8.4):
forms offer several lines for it.
"""

Host = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_check_host)]
ClientName = Annotated[str, Field(max_length=255), AfterValidator(_check_client_name)]
Line = Annotated[str, Field(max_length=320), AfterValidator(_check_line)]
Secret = Annotated[SecretStr, AfterValidator(_check_secret)]
