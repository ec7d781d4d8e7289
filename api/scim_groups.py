"""/scim/v2/Groups: the groups that an identity provider pushes, with their members."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from api.answers import expected_version, no_content
from api.authentication import Caller, Services, idempotency
from api.bodies import read_json
from api.scim_answers import (
    PATCH,
    SCIM_PATH,
    Attributes,
    Count,
    Excluded,
    Filtered,
    IfMatch,
    StartIndex,
    scim_answer,
    scim_body,
    told,
)
from domain.scim.projection import Projection
from domain.scim.schemas import GROUP
from services.scim import groups as use
from services.scim.lists import Query

router = APIRouter(prefix=f"{SCIM_PATH}/Groups", tags=["scim"])

_Attributes = Annotated[str | None, Attributes]
_Excluded = Annotated[str | None, Excluded]
_IfMatch = Annotated[str | None, IfMatch]
_EXAMPLE: Final[dict[str, Any]] = {
    "schemas": [GROUP],
    "externalId": "8aa1a0c0",
    "displayName": "Sales",
    "members": [],
}
_PATCH: Final = {
    "schemas": [PATCH],
    "Operations": [
        {"op": "replace", "path": "displayName", "value": "Sales and support"},
        {"op": "remove", "path": 'members[value eq "prf_00000000000000000000000000"]'},
    ],
}


@router.post("", status_code=201, openapi_extra=scim_body("A Group (RFC 7643 §4.2)", _EXAMPLE))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    attributes: _Attributes = None,
    excluded: _Excluded = None,
) -> Response:
    """Make a group, empty or with members."""
    shown = Projection.read(attributes, excluded)
    return told(await use.create(app, actor, await read_json(http), shown, idempotency(http)))


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    filter: Annotated[str | None, Filtered] = None,
    start: Annotated[str | None, StartIndex] = None,
    count: Annotated[str | None, Count] = None,
    attributes: _Attributes = None,
    excluded: _Excluded = None,
) -> JSONResponse:
    """List groups, oldest first, with a filter and by pages."""
    query = Query.read(filter, start, count, Projection.read(attributes, excluded))
    return scim_answer(await use.find(app, actor, query))


@router.get("/{id}")
async def get(
    app: Services,
    actor: Caller,
    id: str,
    attributes: _Attributes = None,
    excluded: _Excluded = None,
) -> Response:
    """Look at a group; members come with it where they fit into one answer."""
    return told(await use.get(app, actor, id, Projection.read(attributes, excluded)))


@router.put("/{id}", openapi_extra=scim_body("A Group (RFC 7643 §4.2)", _EXAMPLE))
async def replace(
    http: Request,
    app: Services,
    actor: Caller,
    id: str,
    attributes: _Attributes = None,
    excluded: _Excluded = None,
    if_match: _IfMatch = None,
) -> Response:
    """Replace a group; without `members` they stay as they are."""
    shown = Projection.read(attributes, excluded)
    body, version = await read_json(http), expected_version(if_match)
    return told(await use.replace(app, actor, id, body, shown, version))


@router.patch(
    "/{id}",
    openapi_extra=scim_body("A PatchOp (RFC 7644 §3.5.2)", _PATCH),
    responses={204: {"description": "Changed; no attributes were asked for"}},
)
async def patch(
    http: Request,
    app: Services,
    actor: Caller,
    id: str,
    attributes: _Attributes = None,
    excluded: _Excluded = None,
    if_match: _IfMatch = None,
) -> Response:
    """Change the name or the members of a group; 204 unless attributes are asked for."""
    shown = Projection.read(attributes, excluded)
    body, version = await read_json(http), expected_version(if_match)
    return told(await use.patch(app, actor, id, body, shown, version))


@router.delete("/{id}", status_code=204)
async def delete(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Remove a group; its users stay."""
    await use.delete(app, actor, id, expected_version(if_match))
    return no_content()
