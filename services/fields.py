"""Names the wrong fields of a request as the contract does: `notifications[3].recipient.email`."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

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


_PLAIN: Final = {
    "extra_forbidden": "is not a known field; remove it or mend its name",
    "missing": "is required",
    "int_parsing": "must be a whole number",
    "float_parsing": "must be a number",
    "finite_number": "must be a number",
}
"""What is said instead of pydantic's words, by its type of error."""


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
    if item["type"] == "string_pattern_mismatch":
        message = f"has not the form that is wanted here: {item['ctx']['pattern']}"
    message = _PLAIN.get(item["type"], message)
    return FieldError(path or "body", message)
