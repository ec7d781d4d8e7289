"""/v1/users: people who sign in, their roles, and who decides for whom meanwhile."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content
from api.authentication import Caller, Services
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.user import DelegationRequest, UserPatch, UserRequest
from domain.vocabulary import Role
from services import delegations
from services import users as use

router = APIRouter(prefix="/v1/users", tags=["administration"])

_EXAMPLE = {"name": "Sample Approver", "email": "approver@example.com", "role": "approver"}
_AWAY = {
    "to": "usr_01m86zya1meqps78gn88hn8g2r",
    "from": "2030-07-01T00:00:00Z",
    "until": "2030-07-15T00:00:00Z",
}
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post("", status_code=201, openapi_extra=body(UserRequest, _EXAMPLE))
async def create(
    app: Services, actor: Caller, request: Annotated[UserRequest, JsonBody(UserRequest)]
) -> JSONResponse:
    """Make a user; a temporary password that was made is in the answer, this once."""
    made = await use.create(app, actor, request)
    return answer(made, status=201, headers={"Location": f"/v1/users/{made['id']}"})


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    role: Annotated[list[Role], Query()] = [],  # noqa: B006 - FastAPI copies it
    active: bool | None = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> JSONResponse:
    """List users, newest first."""
    found = await use.find(app, actor, role=role, active=active, limit=limit, cursor=cursor)
    return answer(found.body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a user."""
    return answer(await use.get(app, actor, id))


@router.patch("/{id}", openapi_extra=body(UserPatch, {"name": "Sample Person"}))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[UserPatch, JsonBody(UserPatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change a user's name or role, or deactivate them: sessions end, keys stop (RFC 7396)."""
    return answer(await use.change(app, actor, id, patch, expected_version(if_match)))


@router.delete("/{id}", status_code=204)
async def remove(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Erase a user with their sessions and keys; the audit log keeps their id."""
    await use.remove(app, actor, id, expected_version(if_match))
    return no_content()


@router.post("/{id}/reset-password")
async def reset_password(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Give a user a new temporary password, answered this once; their sessions end."""
    return answer(await use.reset_password(app, actor, id))


@router.put("/{id}/delegation", openapi_extra=body(DelegationRequest, _AWAY))
async def delegate(
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[DelegationRequest, JsonBody(DelegationRequest)],
) -> JSONResponse:
    """Name the deputy who decides on campaigns in a user's stead for a time."""
    return answer(await delegations.put(app, actor, id, request))


@router.get("/{id}/delegation")
async def get_delegation(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at who decides in a user's stead."""
    return answer(await delegations.get(app, actor, id))


@router.delete("/{id}/delegation", status_code=204)
async def end_delegation(app: Services, actor: Caller, id: str) -> Response:
    """End a delegation; what the deputy decided until now stays."""
    await delegations.remove(app, actor, id)
    return no_content()
