"""/v1/modules: the client systems that send."""

from typing import Annotated

from fastapi import APIRouter, Header
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version
from api.authentication import Caller, Services
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.access import ModulePatch, ModuleRequest
from services import modules as use

router = APIRouter(prefix="/v1/modules", tags=["administration"])

_TRIAL = {
    "mode": "trial",
    "safelist": ["tester@example.com", "+14155550100"],
    "redirect_to": {"email": "sink@example.com"},
}


@router.post("", status_code=201, openapi_extra=body(ModuleRequest, {"key": "shop"}))
async def create(
    app: Services, actor: Caller, request: Annotated[ModuleRequest, JsonBody(ModuleRequest)]
) -> JSONResponse:
    """Make a module; it is on trial until an administrator lets it live."""
    made = await use.create(app, actor, request)
    return answer(made, status=201, headers={"Location": f"/v1/modules/{made['id']}"})


@router.get("")
async def find(
    app: Services, actor: Caller, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List modules, newest first."""
    return answer((await use.find(app, actor, limit, cursor)).body())


@router.get("/{name}")
async def get(app: Services, actor: Caller, name: str) -> JSONResponse:
    """Look at a module, by id or key."""
    return answer(await use.get(app, actor, name))


@router.patch("/{name}", openapi_extra=body(ModulePatch, {"name": "Web shop"}, trial=_TRIAL))
async def change(
    app: Services,
    actor: Caller,
    name: str,
    patch: Annotated[ModulePatch, JsonBody(ModulePatch)],
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> JSONResponse:
    """Change a module: its name, or whether it is on trial or live (RFC 7396)."""
    return answer(await use.change(app, actor, name, patch, expected_version(if_match)))
