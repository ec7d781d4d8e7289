"""/scim/v2/Users: the users that an identity provider pushes; profiles of the key's module."""

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
from domain.scim.schemas import ENTERPRISE, USER
from services.scim import users as use
from services.scim.lists import Query

router = APIRouter(prefix=f"{SCIM_PATH}/Users", tags=["scim"])

_Attributes = Annotated[str | None, Attributes]
_Excluded = Annotated[str | None, Excluded]
_IfMatch = Annotated[str | None, IfMatch]
_EXAMPLE: Final[dict[str, Any]] = {
    "schemas": [USER, ENTERPRISE],
    "externalId": "00u4711",
    "userName": "recipient@example.com",
    "name": {"givenName": "Sample", "familyName": "Recipient"},
    "displayName": "Sample Recipient",
    "emails": [{"value": "recipient@example.com", "type": "work", "primary": True}],
    "phoneNumbers": [{"value": "+14155550100", "type": "mobile"}],
    "preferredLanguage": "fr-CA",
    "timezone": "America/Toronto",
    "active": True,
    ENTERPRISE: {"department": "Sales", "costCenter": "4130"},
}
_PATCH: Final = {
    "schemas": [PATCH],
    "Operations": [
        {"op": "replace", "path": 'emails[type eq "work"].value', "value": "other@example.com"},
        {"op": "replace", "path": f"{ENTERPRISE}:department", "value": "Support"},
    ],
}
_DEACTIVATE: Final = {
    "schemas": [PATCH],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
}


@router.post("", status_code=201, openapi_extra=scim_body("A User (RFC 7643 §4.1)", _EXAMPLE))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    attributes: _Attributes = None,
    excluded: _Excluded = None,
) -> Response:
    """Make a profile of a user."""
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
    """List users, oldest first, with a filter and by pages."""
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
    """Look at a user with its groups."""
    return told(await use.get(app, actor, id, Projection.read(attributes, excluded)))


@router.put("/{id}", openapi_extra=scim_body("A User (RFC 7643 §4.1)", _EXAMPLE))
async def replace(
    http: Request,
    app: Services,
    actor: Caller,
    id: str,
    attributes: _Attributes = None,
    excluded: _Excluded = None,
    if_match: _IfMatch = None,
) -> Response:
    """Replace a user: what was pushed before and is not said now is taken away."""
    shown = Projection.read(attributes, excluded)
    body, version = await read_json(http), expected_version(if_match)
    return told(await use.replace(app, actor, id, body, shown, version))


@router.patch(
    "/{id}",
    openapi_extra=scim_body("A PatchOp (RFC 7644 §3.5.2)", _PATCH, deactivate=_DEACTIVATE),
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
    """Change parts of a user, all operations or none."""
    shown = Projection.read(attributes, excluded)
    body, version = await read_json(http), expected_version(if_match)
    return told(await use.patch(app, actor, id, body, shown, version))


@router.delete("/{id}", status_code=204)
async def delete(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Erase a user, as `DELETE /v1/profiles/{id}` does."""
    await use.delete(app, actor, id, expected_version(if_match))
    return no_content()
