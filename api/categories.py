"""/v1/categories: the kinds of messages."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Limit
from domain.contract.category import CategoryPatch, CategoryRequest
from services import categories as use

router = APIRouter(prefix="/v1/categories", tags=["categories"])

_EXAMPLE = {
    "key": "news", "name": "News", "class": "marketing",
    "tracking": {"opens": True, "clicks": True},
}  # fmt: skip
_CHANGE = {"name": "Company news", "tracking": {"opens": False}}


@router.post("", status_code=201, openapi_extra=body(CategoryRequest, _EXAMPLE))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[CategoryRequest, JsonBody(CategoryRequest)],
) -> JSONResponse:
    """Make a category of one of the four classes."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> JSONResponse:
    """List categories, newest first."""
    return answer((await use.find(app, actor, limit=limit, cursor=cursor)).body())


@router.get("/{key}")
async def get(app: Services, actor: Caller, key: str) -> JSONResponse:
    """Look at a category."""
    return answer(await use.get(app, actor, key))


@router.patch("/{key}", openapi_extra=body(CategoryPatch, _CHANGE))
async def change(
    app: Services,
    actor: Caller,
    key: str,
    patch: Annotated[CategoryPatch, JsonBody(CategoryPatch)],
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> JSONResponse:
    """Change a category (RFC 7396); the class stays once it is in use."""
    return answer(await use.change(app, actor, key, patch, expected_version(if_match)))


@router.delete("/{key}", status_code=204)
async def remove(
    app: Services,
    actor: Caller,
    key: str,
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> Response:
    """Remove a category that nothing uses."""
    await use.remove(app, actor, key, expected_version(if_match))
    return no_content()
