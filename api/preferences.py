"""/v1/profiles/{id}: what a recipient chose, unsubscribing, and why something would not be sent."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody, checked, read_optional_json
from api.openapi import body
from api.paging import When
from domain.contract.preferences import LinkRequest, PreferencesRequest, UnsubscribeRequest
from domain.vocabulary import Channel
from services import preference_links
from services import preferences as use
from services.explaining import explain as explain_to

router = APIRouter(prefix="/v1/profiles", tags=["preferences"])

_EXAMPLE = {
    "categories": {"marketing": {"email": False, "push": True}},
    "channel_order": ["push", "email"],
    "quiet_hours": {"start": "22:00", "end": "07:30"},
    "frequency": [
        {"category": "marketing", "limit": 1, "per": "day"},
        {"limit": 20, "per": "week"},
    ],
    "digest": {"marketing": {"every": "day", "at": "08:00"}},
    "tracking": False,
}
_UNSUBSCRIBE = body(
    UnsubscribeRequest,
    {"category": "marketing"},
    channel={"channel": "sms"},
    everything={},
)
_TOKEN = body(LinkRequest, {"ttl_seconds": 86_400})
_TOKEN["requestBody"]["required"] = _UNSUBSCRIBE["requestBody"]["required"] = False


@router.get("/{id}/preferences")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at what a recipient chose; version 0 before anything was."""
    return answer(await use.get(app, actor, id))


@router.put("/{id}/preferences", openapi_extra=body(PreferencesRequest, _EXAMPLE))
async def put(
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[PreferencesRequest, JsonBody(PreferencesRequest)],
    if_match: Annotated[str | None, Header(alias="If-Match")] = None,
) -> JSONResponse:
    """Replace what a recipient chose; `unsubscribed` and `tracking` stay when left out."""
    return answer(await use.put(app, actor, id, request, expected_version(if_match)))


@router.post("/{id}/unsubscribe", openapi_extra=_UNSUBSCRIBE)
async def unsubscribe(http: Request, app: Services, actor: Caller, id: str) -> JSONResponse:
    """Unsubscribe from a category, a channel, both together or, without either, everything."""
    request = checked(UnsubscribeRequest, await read_optional_json(http))
    return replayable(await use.unsubscribe(app, actor, id, request, idempotency(http)))


@router.post("/{id}/token", status_code=201, openapi_extra=_TOKEN)
async def issue_link(http: Request, app: Services, actor: Caller, id: str) -> JSONResponse:
    """Make a signed link to the recipient's preference centre, which needs no sign-in."""
    request = checked(LinkRequest, await read_optional_json(http))
    return answer(await preference_links.issue(app, actor, id, request), status=201)


@router.get("/{id}/explain")
async def explain(
    app: Services,
    actor: Caller,
    id: str,
    category: Annotated[str, Query(max_length=100)] = "transactional",
    channel: Channel | None = None,
    at: When = None,
) -> JSONResponse:
    """Tell whether a message would be sent, by what, when, and every rule that decided."""
    return answer(await explain_to(app, actor, id, category=category, channel=channel, at=at))
