"""/v1/profiles: the recipients that a module knows, and their devices."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.profile import DeviceRequest, ProfilePatch, ProfileRequest
from domain.import_columns import ATTRIBUTES
from services import devices, engagements, erasure, profile_export, replies
from services import profiles as use
from services.profile_filters import ProfileFilters

router = APIRouter(prefix="/v1/profiles", tags=["profiles"])

_EXAMPLE = {
    "external_id": "customer-4711",
    "name": "Sample Recipient",
    "email": "recipient@example.com",
    "phone": "+14155550100",
    "locale": "fr-CA",
    "timezone": "America/Toronto",
    "attributes": {"plan": "gold"},
    "groups": ["beta testers"],
    "addresses": [
        {"channel": "email", "address": "recipient@example.com", "verified": True},
        {"channel": "email", "address": "at.work@example.com", "label": "work"},
    ],
}
_PATCH = {"name": "Another Name", "phone": None, "attributes": {"plan": "silver"}}
_PHONE = {"channel": "push", "platform": "android", "token": "token-of-the-device"}
_BROWSER = {
    "channel": "webpush",
    "subscription": {
        "endpoint": "https://push.example.com/send/abc",
        "keys": {"p256dh": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQ", "auth": "tBHItJI5svbpez"},
    },
}
_Many = Annotated[list[str] | None, Query()]
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post("", status_code=201, openapi_extra=body(ProfileRequest, _EXAMPLE))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[ProfileRequest, JsonBody(ProfileRequest)],
) -> JSONResponse:
    """Make a profile; groups are named by id or by a name that may be new."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    http: Request,
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    external_id: _Many = None,
    email: _Many = None,
    phone: _Many = None,
    group: _Many = None,
    q: Annotated[str | None, Query(max_length=200)] = None,
    position: Annotated[str | None, Header(alias="Tocsin-Position", max_length=40)] = None,
) -> JSONResponse:
    """List profiles, newest first; a repeated filter means OR. `attributes.plan=gold` asks for
    an attribute.
    """
    filters = ProfileFilters(
        external_id=external_id or (),
        email=email or (),
        phone=phone or (),
        group=group or (),
        attributes=[
            (name, value)
            for name, value in http.query_params.multi_items()
            if name.startswith(ATTRIBUTES)
        ],
        q=q,
        limit=limit,
        cursor=cursor,
    )
    return answer((await use.find(app, actor, filters, position)).body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a profile with its groups and devices."""
    return answer(await use.get(app, actor, id))


@router.get("/{id}/export")
async def export(app: Services, actor: Caller, id: str) -> StreamingResponse:
    """Stream all that is kept about one profile: what was sent, received, written, suppressed."""
    pieces = await profile_export.export(app, actor, id)
    name = f'attachment; filename="{id}.json"'
    return StreamingResponse(
        pieces, media_type="application/json", headers={"Content-Disposition": name}
    )


@router.patch("/{id}", openapi_extra=body(ProfilePatch, _PATCH))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[ProfilePatch, JsonBody(ProfilePatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change a profile (RFC 7396): null takes away, attributes merge, groups are replaced."""
    return answer(await use.change(app, actor, id, patch, expected_version(if_match)))


@router.delete("/{id}", status_code=204)
async def erase(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Erase a profile: what is personal goes everywhere, what waits for it is cancelled."""
    await erasure.erase(app, actor, id, expected_version(if_match))
    return no_content()


@router.post(
    "/{id}/devices", status_code=201, openapi_extra=body(DeviceRequest, _PHONE, browser=_BROWSER)
)
async def add_device(
    http: Request,
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[DeviceRequest, JsonBody(DeviceRequest)],
) -> JSONResponse:
    """Add a phone's push token or a browser's subscription; a known one is renewed."""
    return replayable(await devices.add(app, actor, id, request, idempotency(http)))


@router.get("/{id}/devices")
async def find_devices(app: Services, actor: Caller, id: str) -> JSONResponse:
    """List a profile's devices."""
    return answer({"items": await devices.find(app, actor, id), "next_cursor": None})


@router.get("/{id}/replies")
async def find_replies(
    app: Services, actor: Caller, id: str, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List what a recipient wrote back, newest first."""
    return answer((await replies.find_of_profile(app, actor, id, limit, cursor)).body())


@router.get("/{id}/engagements")
async def find_engagements(
    app: Services, actor: Caller, id: str, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List what a recipient opened, followed and refused, newest message first."""
    return answer((await engagements.find_of_profile(app, actor, id, limit, cursor)).body())


@router.delete("/{id}/devices/{device}", status_code=204)
async def remove_device(app: Services, actor: Caller, id: str, device: str) -> Response:
    """Remove a device."""
    await devices.remove(app, actor, id, device)
    return no_content()
