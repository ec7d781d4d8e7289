"""/v1/webhooks: where a module wants to be called when something happens."""

from typing import Annotated

from fastapi import APIRouter, Header, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content
from api.authentication import Caller, Services
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.webhook import WebhookPatch, WebhookRequest
from services import webhooks as use

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

_EXAMPLE = {
    "url": "https://shop.example.com/hooks/tocsin",
    "events": ["delivery.*", "receipt.bounced", "reply"],
}
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post("", status_code=201, openapi_extra=body(WebhookRequest, _EXAMPLE))
async def create(
    app: Services, actor: Caller, request: Annotated[WebhookRequest, JsonBody(WebhookRequest)]
) -> JSONResponse:
    """Make a webhook; the answer holds the secret of its signatures this once."""
    made = await use.create(app, actor, request)
    return answer(made, status=201, headers={"Location": f"/v1/webhooks/{made['id']}"})


@router.get("")
async def find(
    app: Services, actor: Caller, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List webhooks, newest first, without their secrets."""
    return answer((await use.find(app, actor, limit, cursor)).body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a webhook: whether it is on, and since when it fails."""
    return answer(await use.get(app, actor, id))


@router.patch("/{id}", openapi_extra=body(WebhookPatch, {"events": ["*"], "enabled": True}))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[WebhookPatch, JsonBody(WebhookPatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change a webhook (RFC 7396), or switch it off and on."""
    return answer(await use.change(app, actor, id, patch, expected_version(if_match)))


@router.delete("/{id}", status_code=204)
async def delete(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Remove a webhook; what it was still to be told is dropped."""
    await use.delete(app, actor, id, expected_version(if_match))
    return no_content()


@router.post("/{id}/test", status_code=202)
async def test(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Have a webhook called with `webhook.test`; look at its deliveries for the outcome."""
    return answer(await use.test(app, actor, id), status=202)


@router.get("/{id}/deliveries")
async def find_deliveries(
    app: Services, actor: Caller, id: str, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List what a webhook was told and is still to be told, newest first."""
    return answer((await use.find_deliveries(app, actor, id, limit, cursor)).body())
