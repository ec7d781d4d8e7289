"""/v1/partials: pieces that templates share."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.template import PartialPut, PartialRequest
from services import partials as use

router = APIRouter(prefix="/v1/partials", tags=["templates"])

_WORDS = {
    "source": '<p>Example Ltd · <a href="https://example.com/help">Help</a></p>',
    "locales": {"fr": '<p>Example SA · <a href="https://example.com/aide">Aide</a></p>'},
}
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post("", status_code=201, openapi_extra=body(PartialRequest, {"key": "footer", **_WORDS}))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[PartialRequest, JsonBody(PartialRequest)],
) -> JSONResponse:
    """Make a partial, which templates use as `{% include "footer" %}` or `{% extends … %}`."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services, actor: Caller, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List the module's partials, newest first."""
    return answer((await use.find(app, actor, limit=limit, cursor=cursor)).body())


@router.get("/{key}")
async def get(app: Services, actor: Caller, key: str) -> JSONResponse:
    """Look at a partial and at the templates that use it."""
    return answer(await use.get(app, actor, key))


@router.put("/{key}", openapi_extra=body(PartialPut, {**_WORDS, "note": "New address"}))
async def replace(
    app: Services,
    actor: Caller,
    key: str,
    request: Annotated[PartialPut, JsonBody(PartialPut)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change what versions published from now on say; published ones stay as they are."""
    return answer(await use.replace(app, actor, key, request, expected_version(if_match)))


@router.delete("/{key}", status_code=204)
async def delete(app: Services, actor: Caller, key: str) -> Response:
    """Remove a partial that no template uses any more."""
    await use.delete(app, actor, key)
    return no_content()
