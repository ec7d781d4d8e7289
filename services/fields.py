"""Names the wrong fields of a request as the contract does: `notifications[3].recipient.email`."""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from domain.contract.base import WrongField
from domain.errors import FieldError, Invalid

M = TypeVar("M", bound=BaseModel)


def validated(model: type[M], document: Mapping[str, Any]) -> M:
    """Return a document as its model; raises Invalid that names every wrong field."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise Invalid(errors=field_errors(error)) from None


def field_errors(error: ValidationError, prefix: str = "") -> list[FieldError]:
    """Return pydantic's findings as field errors with their paths."""
    return [_field_error(item, prefix) for item in error.errors(include_url=False)]


def _field_error(item: ErrorDetails, prefix: str) -> FieldError:
    path = prefix
    for part in item["loc"]:
        if isinstance(part, int):
            path += f"[{part}]"
        elif not part.startswith("<"):
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
