"""/v1/suppressions: addresses that must not be used."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit, When
from domain.contract.suppression import SuppressionPatch, SuppressionRequest
from services import suppression_exports as exports
from services import suppression_imports as imports
from services import suppressions as use
from services.suppression_filters import SuppressionFilters

router = APIRouter(prefix="/v1/suppressions", tags=["suppressions"])

_EXAMPLE = {
    "channel": "email",
    "address": "Recipient@example.com",
    "reason": "unsubscribe",
    "category": "marketing",
    "note": "asked by telephone",
}
_PATCH = {"expires_at": "2040-01-31T09:00:00Z", "note": "until the contract ends"}
_Many = Annotated[list[str] | None, Query()]
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post("", status_code=201, openapi_extra=body(SuppressionRequest, _EXAMPLE))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[SuppressionRequest, JsonBody(SuppressionRequest)],
) -> JSONResponse:
    """Suppress an address; 200 when it was there, and the stronger reason stays."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    channel: _Many = None,
    address: _Many = None,
    category: _Many = None,
    reason: _Many = None,
    source: _Many = None,
    scope: str | None = None,
    created_after: When = None,
    created_before: When = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    position: Annotated[str | None, Header(alias="Tocsin-Position", max_length=40)] = None,
) -> JSONResponse:
    """List suppressions, newest first; a repeated filter means OR."""
    filters = SuppressionFilters(
        channel=channel or (),
        address=address or (),
        category=category or (),
        reason=reason or (),
        source=source or (),
        scope=scope,
        created_after=created_after,
        created_before=created_before,
        q=q,
        limit=limit,
        cursor=cursor,
    )
    return answer((await use.find(app, actor, filters, position)).body())


@router.get("/export")
async def export(
    http: Request,
    app: Services,
    actor: Caller,
    channel: _Many = None,
    category: _Many = None,
    reason: _Many = None,
) -> StreamingResponse:
    """Stream all suppressions, as text/csv or, by Accept, as application/x-ndjson."""
    filters = SuppressionFilters(
        channel=channel or (), category=category or (), reason=reason or ()
    )
    kind = exports.kind_of(http.headers.get("accept", ""))
    return StreamingResponse(exports.stream(app, actor, filters, kind), media_type=kind)


@router.post("/import")
async def bring_in(http: Request, app: Services, actor: Caller) -> JSONResponse:
    """Read suppressions from text/csv or application/x-ndjson, of any length.

    Wrong rows are told with line and reason, and the others are entered. It is safe to repeat.
    """
    kind = http.headers.get("content-type", "")
    return answer(await imports.bring_in(app, actor, http.stream(), kind))


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a suppression."""
    return answer(await use.get(app, actor, id))


@router.patch("/{id}", openapi_extra=body(SuppressionPatch, _PATCH))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[SuppressionPatch, JsonBody(SuppressionPatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change when a suppression ends, or its note (RFC 7396)."""
    return answer(await use.change(app, actor, id, patch, expected_version(if_match)))


@router.delete("/{id}", status_code=204)
async def remove(
    app: Services,
    actor: Caller,
    id: str,
    reason: Annotated[str, Query(max_length=use.MOST_WHY)] = "",
    if_match: _IfMatch = None,
) -> Response:
    """Lift a suppression; a complaint only with a reason, which the audit keeps."""
    await use.remove(app, actor, id, expected_version(if_match), why=reason)
    return no_content()
