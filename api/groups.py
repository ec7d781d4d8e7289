"""/v1/groups: named sets of profiles."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.profile import GroupRequest, MembersRequest
from services import group_members, profiles
from services import groups as use
from services.profile_filters import ProfileFilters

router = APIRouter(prefix="/v1/groups", tags=["groups"])

_Search = Annotated[str | None, Query(max_length=200)]
_IfMatch = Annotated[str | None, Header(alias="If-Match")]
_Position = Annotated[str | None, Header(alias="Tocsin-Position", max_length=40)]


@router.post("", status_code=201, openapi_extra=body(GroupRequest, {"name": "beta testers"}))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[GroupRequest, JsonBody(GroupRequest)],
) -> JSONResponse:
    """Make an empty group."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    name: Annotated[list[str] | None, Query()] = None,
    q: _Search = None,
    position: _Position = None,
) -> JSONResponse:
    """List groups, newest first; a repeated name means OR."""
    page = await use.find(
        app, actor, name=name or (), q=q, limit=limit, cursor=cursor, position=position
    )
    return answer(page.body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a group: its name and how many profiles are in it."""
    return answer(await use.get(app, actor, id))


@router.get("/{id}/profiles")
async def find_profiles(
    app: Services,
    actor: Caller,
    id: str,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    q: _Search = None,
    position: _Position = None,
) -> JSONResponse:
    """List the profiles in a group, newest first."""
    filters = ProfileFilters(q=q, limit=limit, cursor=cursor)
    return answer((await profiles.find_in_group(app, actor, id, filters, position)).body())


@router.post(
    "/{id}/profiles",
    openapi_extra=body(MembersRequest, {"remove": ["prf_00000000000000000000000000"]}),
)
async def move_profiles(
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[MembersRequest, JsonBody(MembersRequest)],
) -> JSONResponse:
    """Put profiles into a group and take others out, up to 1,000 each, all or none."""
    return answer(await group_members.move(app, actor, id, request))


@router.patch("/{id}", openapi_extra=body(GroupRequest, {"name": "early adopters"}))
async def rename(
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[GroupRequest, JsonBody(GroupRequest)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Give a group another name."""
    return answer(await use.rename(app, actor, id, request, expected_version(if_match)))


@router.delete("/{id}", status_code=204)
async def delete(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Remove a group; its profiles stay."""
    await use.delete(app, actor, id, expected_version(if_match))
    return no_content()
