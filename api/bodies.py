"""Reads request bodies: bounded, valid UTF-8, valid JSON, then checked field by field."""

from collections.abc import Callable
from typing import Any, TypeVar

from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from domain.errors import Invalid, Malformed, TooLarge
from services.fields import field_errors

M = TypeVar("M", bound=BaseModel)


async def read_body(request: Request) -> bytes:
    """Return the raw body; raises TooLarge as soon as the limit is passed."""
    limit: int = request.app.state.app.settings.max_body_bytes
    return await read_bounded(request, limit)


async def read_bounded(request: Request, limit: int) -> bytes:
    """Return the raw body; raises TooLarge as soon as it is longer than `limit` octets."""
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
    return parsed(await read_body(request))


async def read_optional_json(request: Request) -> Any:
    """Return the parsed body, or an empty object when there is none; raises Malformed."""
    body = await read_body(request)
    return parsed(body) if body.strip() else {}


def parsed(body: bytes) -> Any:
    """Return a body as JSON text says; raises Malformed."""
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


def JsonBody(model: type[M]) -> Any:
    """Declare a JSON body of a model: `request: Annotated[Model, JsonBody(Model)]`."""

    async def read(request: Request) -> M:
        return checked(model, await read_json(request))

    read.__annotations__["request"] = Request
    return Depends(_named(read, model))


def _named(read: Callable[..., Any], model: type[BaseModel]) -> Callable[..., Any]:
    read.__name__ = f"read_{model.__name__}"
    return read
