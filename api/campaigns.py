"""/v1/campaigns: one request to tell an audience something, approved, paced and accounted for."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody, checked, read_optional_json
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.campaign import (
    Approve,
    CampaignPatch,
    CampaignPreview,
    CampaignRequest,
    ChooseWinner,
    Reject,
    SettleUnknown,
    Submit,
)
from services import campaign_approvals as approvals
from services import campaign_ledger as ledgers
from services import campaign_previews
from services import campaign_steps as steps
from services import campaign_tests as tests
from services import campaigns as use
from services.campaign_ledger import DeliveryFilters

router = APIRouter(prefix="/v1/campaigns", tags=["campaigns"])

_Many = Annotated[list[str] | None, Query()]
_Search = Annotated[str | None, Query(max_length=200)]
_IfMatch = Annotated[str | None, Header(alias="If-Match")]
_Position = Annotated[str | None, Header(alias="Tocsin-Position", max_length=40)]

_EXAMPLE = {
    "name": "Autumn statement",
    "audience": "aud_01k5q1p3v8f2m9t7c4x6z0a1b2",
    "content": {
        "email": {
            "subject": "Your statement, {{ name }}",
            "text": "It is ready. {{ link }}",
        }
    },
    "data": {"link": "https://example.com/statements"},
    "category": "bulk",
    "window": {"off_hours": {"start": "20:00", "end": "06:00", "timezone": "recipient"}},
    "pace": {"per_second": 50},
}
_ANY_HOUR = {
    "name": "Maintenance tonight",
    "audience": "aud_01k5q1p3v8f2m9t7c4x6z0a1b2",
    "content": {"sms": {"text": "We are closed for maintenance from 22:00 to 23:00."}},
    "window": {"start_at": "2030-01-31T18:00:00Z", "end_at": "2030-01-31T21:00:00Z",
               "off_hours": None},
}  # fmt: skip
_CAREFUL = {
    "name": "New address of the shop",
    "audience": "aud_01k5q1p3v8f2m9t7c4x6z0a1b2",
    "content": {"email": {"subject": "We moved", "text": "{{ brand.name }} has moved."}},
    "sender": {"from": "Shop <news@example.com>"},
    "brand": {"name": "The Shop", "colour": "#0b57d0"},
    "pace": {"per_second": 50, "ramp": {"start_per_second": 5, "over_seconds": 600}},
    "canary": {"share": 0.01, "at_least": 100, "wait_seconds": 600,
               "bounds": {"bounced": 0.05, "complained": 0.001}},
}  # fmt: skip


@router.post("", status_code=201, openapi_extra=body(
    CampaignRequest, _EXAMPLE, any_hour=_ANY_HOUR, careful=_CAREFUL))  # fmt: skip
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[CampaignRequest, JsonBody(CampaignRequest)],
) -> JSONResponse:
    """Make a draft: whom, what, when and how fast. Nothing is sent before it is approved."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    state: _Many = None,
    q: _Search = None,
    position: _Position = None,
) -> JSONResponse:
    """List campaigns, newest first; a repeated filter means OR."""
    page = await use.find(
        app, actor, state=state or (), q=q, limit=limit, cursor=cursor, position=position
    )
    return answer(page.body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a campaign; its hash is what an approval names."""
    return answer(await use.get(app, actor, id))


@router.patch("/{id}", openapi_extra=body(CampaignPatch, {"pace": {"per_second": 20}}))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[CampaignPatch, JsonBody(CampaignPatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change it (RFC 7396): anything until it is approved, the pace at any time."""
    return answer(await use.change(app, actor, id, patch, expected_version(if_match)))


@router.delete("/{id}", status_code=204)
async def delete(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Remove a draft."""
    await use.delete(app, actor, id, expected_version(if_match))
    return no_content()


@router.post("/{id}/preview", openapi_extra=body(CampaignPreview, {"samples": 5}))
async def preview(
    app: Services, actor: Caller, id: str, document: Annotated[Any, Depends(read_optional_json)]
) -> JSONResponse:
    """Try it over its real audience, without asking for anything: a dry run."""
    request = checked(CampaignPreview, document)
    return answer(await campaign_previews.preview(app, actor, id, request))


@router.post("/{id}/submit", status_code=202, openapi_extra=body(
    Submit, {"approve_by": "2030-01-31T16:00:00Z"}))  # fmt: skip
async def submit(
    app: Services,
    actor: Caller,
    id: str,
    document: Annotated[Any, Depends(read_optional_json)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Freeze audience, words and window, and ask for approval; by a time, if one is given."""
    request = checked(Submit, document)
    found = await steps.submit(app, actor, id, request, expected_version(if_match))
    return answer(found, status=202)


@router.post("/{id}/approve", openapi_extra=body(Approve, {"hash": "9f2c", "reason": "Checked."}))
async def approve(
    app: Services, actor: Caller, id: str, request: Annotated[Approve, JsonBody(Approve)]
) -> JSONResponse:
    """Approve exactly what has this hash: as a user who may, and who did not write it."""
    return answer(await approvals.approve(app, actor, id, request))


@router.post("/{id}/reject", openapi_extra=body(Reject, {"reason": "The link is broken."}))
async def reject(
    app: Services, actor: Caller, id: str, request: Annotated[Reject, JsonBody(Reject)]
) -> JSONResponse:
    """Send it back to its author, with the reason."""
    return answer(await approvals.reject(app, actor, id, request))


@router.post("/{id}/pause")
async def pause(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Let nothing more leave until it is resumed."""
    return answer(await steps.pause(app, actor, id))


@router.post("/{id}/resume")
async def resume(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Go on where it was paused."""
    return answer(await steps.resume(app, actor, id))


@router.post("/{id}/abort")
async def abort(app: Services, actor: Caller, id: str) -> JSONResponse:
    """End it: what was not sent is cancelled."""
    return answer(await steps.abort(app, actor, id))


@router.post("/{id}/resend-missed", status_code=202)
async def resend_missed(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Ask for approval to send what failed, expired or was aborted: the same rows once more."""
    return answer(await steps.resend_missed(app, actor, id), status=202)


@router.post("/{id}/winner", openapi_extra=body(ChooseWinner, {"variant": "b"}))
async def choose_winner(
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[ChooseWinner, JsonBody(ChooseWinner)],
) -> JSONResponse:
    """Choose by hand which variant of a test the others get; for administrators."""
    return answer(await tests.choose(app, actor, id, request))


@router.post("/{id}/unknown", openapi_extra=body(SettleUnknown, {"sent": False}))
async def settle_unknown(
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[SettleUnknown, JsonBody(SettleUnknown)],
) -> JSONResponse:
    """Settle deliveries of which nobody knew, one by one or all; answers the ledger."""
    return answer(await ledgers.settle_unknown(app, actor, id, request))


@router.get("/{id}/ledger")
async def ledger(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Count what was asked for, and what became of it."""
    return answer(await ledgers.ledger(app, actor, id))


@router.get("/{id}/deliveries")
async def find_deliveries(
    app: Services,
    actor: Caller,
    id: str,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    state: _Many = None,
    reason: _Many = None,
    channel: _Many = None,
    receipt: _Many = None,
    variant: _Many = None,
) -> JSONResponse:
    """List the deliveries behind a number of the ledger."""
    given = (state, reason, channel, receipt, variant)
    filters = DeliveryFilters(*(one or () for one in given))
    page = await ledgers.find(app, actor, id, filters, limit=limit, cursor=cursor)
    return answer(page.body())


@router.get("/{id}/deliveries.csv")
async def export_deliveries(
    app: Services,
    actor: Caller,
    id: str,
    state: _Many = None,
    reason: _Many = None,
    channel: _Many = None,
    receipt: _Many = None,
    variant: _Many = None,
) -> StreamingResponse:
    """Stream the list behind a number as text/csv; addresses in full for who may read profiles."""
    given = (state, reason, channel, receipt, variant)
    filters = DeliveryFilters(*(one or () for one in given))
    rows = await ledgers.stream(app, actor, id, filters)
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8")
