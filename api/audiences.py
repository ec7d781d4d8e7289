"""/v1/audiences: stored selections of recipients, and what they come to."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody, checked, read_optional_json
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.audience import AudiencePatch, AudiencePreview, AudienceRequest
from services import audience_connectors, audience_previews, audience_snapshots
from services import audiences as use

router = APIRouter(prefix="/v1/audiences", tags=["audiences"])

_Many = Annotated[list[str] | None, Query()]
_Search = Annotated[str | None, Query(max_length=200)]
_IfMatch = Annotated[str | None, Header(alias="If-Match")]
_Position = Annotated[str | None, Header(alias="Tocsin-Position", max_length=40)]

_EXAMPLE = {
    "name": "paying customers in Europe",
    "kind": "filter",
    "filter": {
        "all": [
            {"field": "attributes.plan", "op": "in", "value": ["pro", "team"]},
            {"field": "timezone", "op": "starts_with", "value": "Europe/"},
        ]
    },
}
_LIST = {
    "name": "the board",
    "kind": "profiles",
    "profiles": [{"name": "Sample Recipient", "email": "sample@example.com"}],
}
_SETS = {
    "name": "staff without the board",
    "kind": "except",
    "except": [
        {
            "kind": "ldap",
            "ldap": {
                "url": "ldaps://directory.example.com",
                "bind_dn": "cn=reader,dc=example,dc=com",
                "bind_password": "a secret of the service account",
                "base_dn": "ou=people,dc=example,dc=com",
                "group": "cn=staff,ou=groups,dc=example,dc=com",
            },
        },
        {"kind": "profiles", "profiles": [{"email": "sample@example.com"}]},
    ],
}


@router.post("", status_code=201, openapi_extra=body(
    AudienceRequest, _EXAMPLE, list=_LIST, sets=_SETS))  # fmt: skip
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[AudienceRequest, JsonBody(AudienceRequest)],
) -> JSONResponse:
    """Make an audience; its selection stands in the field that is named as its kind."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    kind: _Many = None,
    name: _Many = None,
    q: _Search = None,
    position: _Position = None,
) -> JSONResponse:
    """List audiences, newest first; a repeated filter means OR."""
    page = await use.find(
        app, actor, kind=kind or (), name=name or (), q=q, limit=limit, cursor=cursor,
        position=position,
    )  # fmt: skip
    return answer(page.body())


@router.get("/connectors")
async def connectors(actor: Caller) -> JSONResponse:
    """List the connectors to systems outside, with the schema of their settings."""
    return answer({"items": audience_connectors.find(actor), "next_cursor": None})


@router.get("/snapshots")
async def find_all_snapshots(
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    orphans: Annotated[bool, Query(description="Only those whose audience is gone")] = False,
) -> JSONResponse:
    """List the snapshots of all audiences, also of those that are gone, newest first."""
    page = await audience_snapshots.find_all(
        app, actor, orphans=orphans, limit=limit, cursor=cursor
    )
    return answer(page.body())


@router.get("/snapshots/{snapshot}")
async def get_snapshot(app: Services, actor: Caller, snapshot: str) -> JSONResponse:
    """Look at a snapshot, also of an audience that is gone."""
    return answer(await audience_snapshots.get(app, actor, snapshot))


@router.delete("/snapshots/{snapshot}", status_code=204)
async def delete_any_snapshot(app: Services, actor: Caller, snapshot: str) -> Response:
    """Remove a snapshot with its members, unless something still uses it."""
    await audience_snapshots.remove(app, actor, snapshot)
    return no_content()


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at an audience; secrets are null."""
    return answer(await use.get(app, actor, id))


@router.patch("/{id}", openapi_extra=body(AudiencePatch, {"name": "customers in Europe"}))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[AudiencePatch, JsonBody(AudiencePatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change an audience (RFC 7396); a secret that is null stays as it is."""
    return answer(await use.change(app, actor, id, patch, expected_version(if_match)))


@router.delete("/{id}", status_code=204)
async def delete(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Remove an audience that no other one uses; the recipients stay."""
    await use.delete(app, actor, id, expected_version(if_match))
    return no_content()


@router.post("/{id}/snapshots", status_code=201)
async def freeze(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Resolve an audience now, and keep who is in it, with a hash."""
    return answer(await audience_snapshots.create(app, actor, id), status=201)


@router.get("/{id}/snapshots")
async def find_snapshots(
    app: Services, actor: Caller, id: str, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List the snapshots of an audience, newest first."""
    page = await audience_snapshots.find(app, actor, id, limit=limit, cursor=cursor)
    return answer(page.body())


@router.delete("/{id}/snapshots/{snapshot}", status_code=204)
async def delete_snapshot(app: Services, actor: Caller, id: str, snapshot: str) -> Response:
    """Remove a snapshot with its members, unless something still uses it."""
    await audience_snapshots.remove(app, actor, snapshot, id)
    return no_content()


@router.post("/{id}/preview", openapi_extra=body(AudiencePreview, {"channels": ["email"]}))
async def preview(
    app: Services,
    actor: Caller,
    id: str,
    document: Annotated[Any, Depends(read_optional_json)],
) -> JSONResponse:
    """Resolve an audience now: how many, some of them, and how many are suppressed and why."""
    request = checked(AudiencePreview, document)
    return answer(await audience_previews.preview(app, actor, id, request))
