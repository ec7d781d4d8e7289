"""/v1/events: CloudEvents 1.0 come in, structured, binary or in batches; what listens starts."""

import base64
from typing import Annotated, Any, Final
from urllib.parse import unquote

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from api.answers import answer, replayable
from api.authentication import Caller, Services
from api.bodies import checked, parsed, read_body
from api.openapi import body
from domain.contract.event import MOST_EVENTS, CloudEvent
from domain.errors import Invalid, Problem
from services import events as use

router = APIRouter(prefix="/v1/events", tags=["events"])

_EXAMPLE = {
    "specversion": "1.0",
    "id": "8a51f9",
    "source": "/shop/orders",
    "type": "order.shipped",
    "data": {"order": "A-1001", "customer": {"email": "ada@example.com"}},
}
_PREFIX: Final = "ce-"


@router.post("", status_code=202, openapi_extra=body(CloudEvent, _EXAMPLE))
async def post(http: Request, app: Services, actor: Caller) -> JSONResponse:
    """Take an event or a batch of them; what listens starts, what waits for it is cancelled."""
    actor.require("events:write")
    raw = await read_body(http)
    if f"{_PREFIX}specversion" in http.headers:
        return replayable(await use.post(app, actor, checked(CloudEvent, _binary(http, raw))))
    document = parsed(raw)
    if not isinstance(document, list):
        return replayable(await use.post(app, actor, checked(CloudEvent, document)))
    if not 1 <= len(document) <= MOST_EVENTS:
        raise Invalid.field("body", f"a batch has 1 to {MOST_EVENTS} events")
    return replayable(await use.post_all(app, actor, [_judged(one) for one in document]))


@router.get("")
async def types(app: Services, actor: Caller) -> JSONResponse:
    """List the types of events that came, with how many, and whether anything listens."""
    return answer(await use.types(app, actor))


@router.get("/recent")
async def recent(
    app: Services,
    actor: Caller,
    limit: Annotated[int, Query(ge=1, le=use.MOST_RECENT)] = use.MOST_RECENT,
    type: Annotated[list[str] | None, Query(description="Repeatable")] = None,
) -> JSONResponse:
    """List the events that came last within two days, and what each started or cancelled."""
    return answer(await use.recent(app, actor, types=type or (), most=limit))


def _binary(http: Request, raw: bytes) -> dict[str, Any]:
    """Return the event whose attributes are headers and whose data is the body."""
    event: dict[str, Any] = {
        name.removeprefix(_PREFIX): unquote(value)
        for name, value in http.headers.items()
        if name.startswith(_PREFIX)
    }
    kind = http.headers.get("content-type", "application/json")
    event["datacontenttype"] = kind
    if not raw:
        return event
    media = kind.partition(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json"):
        event["data"] = parsed(raw)
    else:
        event["data_base64"] = base64.b64encode(raw).decode()
    return event


def _judged(document: Any) -> CloudEvent | Problem:
    try:
        return checked(CloudEvent, document)
    except Problem as problem:
        return problem
