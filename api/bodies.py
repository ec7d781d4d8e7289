"""Reads request bodies: bounded, valid UTF-8, valid JSON, then checked field by field."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, from_json

from domain.contract.base import WrongField
from domain.errors import FieldError, Invalid, Malformed, TooLarge

M = TypeVar("M", bound=BaseModel)


async def read_body(request: Request) -> bytes:
    """Return the raw body; raises TooLarge as soon as the limit is passed."""
    limit: int = request.app.state.app.settings.max_body_bytes
    problem = TooLarge(f"A body may have {limit:,} bytes; send large lists in several requests.")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise problem
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise problem
        chunks.append(chunk)
    body = b"".join(chunks)
    request.state.body = body
    return body


async def read_json(request: Request) -> Any:
    """Return the parsed body; raises Malformed for anything that is not JSON text (RFC 8259)."""
    body = await read_body(request)
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as error:
        raise Malformed(f"The body is not JSON in UTF-8: {error}.") from None


def checked(model: type[M], document: Any) -> M:
    """Return a document as its model; raises Invalid that names every wrong field."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise Invalid(errors=field_errors(error)) from None


def field_errors(error: ValidationError, prefix: str = "") -> list[FieldError]:
    """Return pydantic's findings as field errors, with paths as in `recipient.push[0]`."""
    return [_field_error(item, prefix) for item in error.errors(include_url=False)]


def JsonBody(model: type[M]) -> Any:
    """Declare a JSON body of a model: `request: Annotated[Model, JsonBody(Model)]`."""

    async def read(request: Request) -> M:
        return checked(model, await read_json(request))

    read.__annotations__["request"] = Request
    return Depends(_named(read, model))


def _named(read: Callable[..., Any], model: type[BaseModel]) -> Callable[..., Any]:
    read.__name__ = f"read_{model.__name__}"
    return read


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
