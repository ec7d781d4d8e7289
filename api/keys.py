"""/v1/keys: API keys, shown once."""

from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse

from api.answers import answer, no_content
from api.authentication import Caller, Services
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.access import KeyRequest
from services import keys as use

router = APIRouter(prefix="/v1/keys", tags=["administration"])
_EXAMPLE = {"name": "shop backend", "scopes": ["notifications:write", "notifications:read"]}


@router.post("", status_code=201, openapi_extra=body(KeyRequest, _EXAMPLE))
async def create(
    app: Services, actor: Caller, request: Annotated[KeyRequest, JsonBody(KeyRequest)]
) -> JSONResponse:
    """Make a key, bound to a user if one is named; the answer holds it this once."""
    made = await use.create(app, actor, request)
    return answer(made, status=201, headers={"Location": f"/v1/keys/{made['id']}"})


@router.get("")
async def find(
    app: Services, actor: Caller, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List live keys, newest first, without their secrets."""
    return answer((await use.find(app, actor, limit, cursor)).body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a key, without its secret."""
    return answer(await use.get(app, actor, id))


@router.delete("/{id}", status_code=204)
async def revoke(app: Services, actor: Caller, id: str) -> Response:
    """End a key's life at once."""
    await use.revoke(app, actor, id)
    return no_content()
