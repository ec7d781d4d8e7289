"""/v1/triggers: which event starts what."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.event import CloudEvent, TriggerPatch, TriggerRequest
from services import trigger_trials
from services import triggers as use

router = APIRouter(prefix="/v1/triggers", tags=["triggers"])

_EXAMPLE = {
    "name": "order-shipped",
    "event_type": "order.shipped",
    "filter": {"data.country": ["FR", "BE"]},
    "notification": {
        "recipient": {"email": "{{ event.data.customer.email }}"},
        "content": {
            "email": {
                "subject": "Order {{ event.data.order }} is on its way",
                "text": "It left our house today.",
            }
        },
    },
}
_REMINDER = {
    "name": "cart-reminder",
    "event_type": "cart.left",
    "notification": {
        "recipient": {"email": "{{ event.data.email }}"},
        "content": {"email": {"subject": "Still there", "text": "Your cart waits for you."}},
    },
    "delay_seconds": 3600,
    "cancel_on": {"type": "cart.paid", "match": ["data.cart"]},
}
_EVENT = {
    "specversion": "1.0",
    "id": "8a51f9",
    "source": "/shop/orders",
    "type": "order.shipped",
    "data": {"order": "A-1001", "country": "FR", "customer": {"email": "ada@example.com"}},
}
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post("", status_code=201, openapi_extra=body(TriggerRequest, _EXAMPLE, reminder=_REMINDER))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[TriggerRequest, JsonBody(TriggerRequest)],
) -> JSONResponse:
    """Make a trigger; it listens at once unless it is not enabled."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services, actor: Caller, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List triggers, newest first."""
    return answer((await use.find(app, actor, limit=limit, cursor=cursor)).body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a trigger."""
    return answer(await use.get(app, actor, id))


@router.patch("/{id}", openapi_extra=body(TriggerPatch, {"enabled": False}))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[TriggerPatch, JsonBody(TriggerPatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change a trigger (RFC 7396), or switch it on or off."""
    return answer(await use.change(app, actor, id, patch.given(), expected_version(if_match)))


@router.post("/{id}/test", openapi_extra=body(CloudEvent, _EVENT))
async def test(
    app: Services, actor: Caller, id: str, event: Annotated[CloudEvent, JsonBody(CloudEvent)]
) -> JSONResponse:
    """Try an event on a trigger: what it would start or cancel. Nothing is sent or kept."""
    return answer(await trigger_trials.try_event(app, actor, id, event))


@router.delete("/{id}", status_code=204)
async def remove(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Remove a trigger; what it has started goes on."""
    await use.remove(app, actor, id, expected_version(if_match))
    return no_content()
