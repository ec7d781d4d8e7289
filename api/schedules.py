"""/v1/schedules: what happens again and again, or once at a time."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody, checked, read_optional_json
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.schedule import (
    MOST_NEXT,
    BackfillRequest,
    PauseRequest,
    Revoke,
    SchedulePatch,
    ScheduleRequest,
    StandingApproval,
)
from services import schedule_by_hand as by_hand
from services import schedules as use

router = APIRouter(prefix="/v1/schedules", tags=["schedules"])

_REMINDER = {
    "recipient": {"email": "ada@example.com"},
    "content": {"email": {"subject": "Time sheets", "text": "Please hand in your time sheet."}},
}
_EXAMPLE = {
    "name": "time-sheets",
    "action": {"notification": _REMINDER},
    "cron": "0 9 * * fri",
    "timezone": "Europe/Paris",
    "skip": ["2030-12-25"],
}
_EVERY = {
    "name": "every-three-months",
    "action": {"notification": _REMINDER},
    "every": {"months": 3},
    "start_at": "2030-01-31T09:00:00Z",
}
_CALENDAR = {
    "name": "last-day-of-the-month",
    "action": {"notification": _REMINDER},
    "calendar": {"day": "last", "hour": 17, "minute": 30},
    "timezone": "America/New_York",
    "jitter_seconds": 300,
    "overlap": "skip",
    "catchup_seconds": 3600,
}
_CAMPAIGN = {
    "name": "weekly-news",
    "action": {
        "campaign": {
            "name": "News of the week",
            "audience": "aud_01k5q1p3v8f2m9t7c4x6z0a1b2",
            "content": {"email": {"subject": "News, {{ name }}", "text": "This is new."}},
            "window": {"lasts_seconds": 86400},
        }
    },
    "cron": "0 9 * * mon",
    "timezone": "Europe/Paris",
}
_ONCE = {"name": "once", "action": {"notification": _REMINDER}, "at": "2030-01-31T09:00:00Z"}
_STANDING = {"hash": "9f2c", "largest": 5000, "until": "2030-12-31T23:59:59Z"}
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post(
    "",
    status_code=201,
    openapi_extra=body(
        ScheduleRequest, _EXAMPLE, every=_EVERY, calendar=_CALENDAR, once=_ONCE, campaign=_CAMPAIGN
    ),
)
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[ScheduleRequest, JsonBody(ScheduleRequest)],
) -> JSONResponse:
    """Make a schedule; what it does is judged now, and anew each time."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services, actor: Caller, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List schedules, newest first."""
    return answer((await use.find(app, actor, limit=limit, cursor=cursor)).body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a schedule: its next time, and what became of its latest ones."""
    return answer(await use.get(app, actor, id))


@router.get("/{id}/next")
async def upcoming(
    app: Services,
    actor: Caller,
    id: str,
    limit: Annotated[int, Query(ge=1, le=MOST_NEXT, description="How many at most")] = 10,
) -> JSONResponse:
    """Say when it fires next."""
    return answer(await use.next_page(app, actor, id, limit))


@router.patch("/{id}", openapi_extra=body(SchedulePatch, {"jitter_seconds": 60}))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[SchedulePatch, JsonBody(SchedulePatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change a schedule (RFC 7396); times up to now go by what it said before."""
    given = patch.given()
    return answer(await use.change(app, actor, id, given, expected_version(if_match)))


@router.post("/{id}/pause")
async def pause(
    http: Request, app: Services, actor: Caller, id: str, if_match: _IfMatch = None
) -> JSONResponse:
    """Let a schedule rest; {note?} says why. Repeatable."""
    request = checked(PauseRequest, await read_optional_json(http))
    return answer(await use.pause(app, actor, id, request, expected_version(if_match)))


@router.post("/{id}/resume")
async def resume(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> JSONResponse:
    """Let a schedule go on; what it would have done meanwhile is not made up for."""
    return answer(await use.resume(app, actor, id, expected_version(if_match)))


@router.post("/{id}/trigger", status_code=202)
async def trigger(http: Request, app: Services, actor: Caller, id: str) -> JSONResponse:
    """Fire a schedule now, besides its times."""
    return replayable(await by_hand.trigger(app, actor, id, idempotency(http)))


@router.post(
    "/{id}/backfill",
    status_code=202,
    openapi_extra=body(
        BackfillRequest, {"start_at": "2026-11-01T00:00:00Z", "end_at": "2026-11-02T00:00:00Z"}
    ),
)
async def backfill(
    http: Request,
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[BackfillRequest, JsonBody(BackfillRequest)],
) -> JSONResponse:
    """Fire the times of a past span that have not fired."""
    return replayable(await by_hand.backfill(app, actor, id, request, idempotency(http)))


@router.post("/{id}/approve", openapi_extra=body(StandingApproval, _STANDING))
async def approve(
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[StandingApproval, JsonBody(StandingApproval)],
) -> JSONResponse:
    """Approve the campaigns of a schedule beforehand: up to a size, and until a day."""
    return answer(await use.approve(app, actor, id, request))


@router.post("/{id}/revoke", openapi_extra=body(Revoke, {"reason": "The offer has ended."}))
async def revoke(
    app: Services, actor: Caller, id: str, request: Annotated[Revoke, JsonBody(Revoke)]
) -> JSONResponse:
    """Take its standing approvals back; runs that have not begun wait for one of their own."""
    return answer(await use.revoke(app, actor, id, request))


@router.delete("/{id}", status_code=204)
async def remove(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Remove a schedule; what it has begun goes on."""
    await use.remove(app, actor, id, expected_version(if_match))
    return no_content()
