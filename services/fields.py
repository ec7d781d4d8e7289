"""Names the wrong fields of a request as the contract does: `notifications[3].recipient.email`."""

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.contract.base import WrongField
from domain.errors import FieldError


def field_errors(error: ValidationError, prefix: str = "") -> list[FieldError]:
    """Return pydantic's findings as field errors with their paths."""
    return [_field_error(item, prefix) for item in error.errors(include_url=False)]


def _field_error(item: ErrorDetails, prefix: str) -> FieldError:
    path = prefix
    for part in item["loc"]:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith("<") and part != "[key]":
            path += f".{part}" if path else part
    message = item["msg"].removeprefix("Value error, ")
    cause = item.get("ctx", {}).get("error")
    if isinstance(cause, WrongField):
        path += f".{cause.field}" if path else cause.field
    if item["type"] == "extra_forbidden":
        message = "is not a known field; remove it or mend its name"
    if item["type"] == "missing":
        message = "is required"
    return FieldError(path or "body", message)
