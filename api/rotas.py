"""/v1/rotas: who is on duty, by turns."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit, When
from domain.contract.rota import RotaPatch, RotaRequest
from services import rotas as use

router = APIRouter(prefix="/v1/rotas", tags=["rotas"])

_EXAMPLE = {
    "name": "on-call",
    "members": [],
    "every": "week",
    "start": "2030-01-07",
    "handover": "09:00",
    "timezone": "Europe/Paris",
}
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post("", status_code=201, openapi_extra=body(RotaRequest, _EXAMPLE))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[RotaRequest, JsonBody(RotaRequest)],
) -> JSONResponse:
    """Make a rota of profiles."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services, actor: Caller, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List rotas, newest first, with who is on duty now."""
    return answer((await use.find(app, actor, limit=limit, cursor=cursor)).body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a rota, by id or name."""
    return answer(await use.get(app, actor, id))


@router.get("/{id}/duty")
async def duty(
    app: Services,
    actor: Caller,
    id: str,
    at: When = None,
    weeks: Annotated[
        int, Query(ge=1, le=use.MOST_WEEKS, description="How many weeks of shifts")
    ] = use.DEFAULT_WEEKS,
) -> JSONResponse:
    """Say who is on duty at a moment (now), who comes next, and the shifts of the coming weeks."""
    return answer(await use.duty(app, actor, id, at=at, weeks=weeks))


@router.patch("/{id}", openapi_extra=body(RotaPatch, {"every": "day"}))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[RotaPatch, JsonBody(RotaPatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change a rota (RFC 7396); lists are replaced whole."""
    return answer(await use.change(app, actor, id, patch.given(), expected_version(if_match)))


@router.delete("/{id}", status_code=204)
async def remove(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Remove a rota; steps that name it reach nobody from now on."""
    await use.remove(app, actor, id, expected_version(if_match))
    return no_content()
