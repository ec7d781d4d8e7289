"""/v1/accounts: logins at vendors, with their rules, tests and health."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody
from api.openapi import answers, body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.account import AccountPatch, AccountRequest, AccountTest
from services import account_health, account_tests
from services import accounts as use

router = APIRouter(prefix="/v1/accounts", tags=["accounts"])

_EXAMPLE = {
    "name": "example sms",
    "channel": "sms",
    "vendor": "sandbox",
    "settings": {},
    "cost": 0.0075,
    "countries": ["US", "+4179"],
    "per_second": 50,
}
_HEALTH = {
    "id": "acc_01m86zya1meqps78gn88hn8g2r",
    "name": "example sms",
    "channel": "sms",
    "vendor": "twilio",
    "state": "open",
    "in_use": False,
    "weight": 1,
    "cost": 0.0075,
    "countries": ["US", "+4179"],
    "categories": [],
    "per_second": 50,
    "settings_problem": None,
    "reason": "5 of the last 10 failed: vendor_unavailable",
    "since": "2030-01-31T09:00:00.000Z",
    "retry_at": "2030-01-31T09:01:20.000Z",
    "openings": 3,
    "probes_passed": 0,
    "slowed_until": None,
    "pace": 1.0,
    "last_hour": {
        "accepted": 90,
        "rejected": 5,
        "throttled": 0,
        "transient": 5,
        "unknown": 0,
        "refused": 0,
        "total": 100,
        "error_share": 0.05,
        "latency_ms": {"p50": 100, "p95": 500, "p99": 1000},
        "receipts": 70,
        "forged": 0,
    },
    "slow_receipts": {"total": 60, "slow": 3, "share": 0.05},
    "as_of": "2030-01-31T09:00:30.000Z",
}
_MINUTE = {
    "at": "2030-01-31T08:59:00.000Z",
    "accepted": 5,
    "rejected": 0,
    "throttled": 0,
    "transient": 5,
    "unknown": 0,
    "refused": 0,
    "total": 10,
    "error_share": 0.5,
}
_Many = Annotated[list[str] | None, Query()]
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post("", status_code=201, openapi_extra=body(AccountRequest, _EXAMPLE))
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[AccountRequest, JsonBody(AccountRequest)],
) -> JSONResponse:
    """Add an account; its settings are those that the vendor's schema asks for."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    channel: _Many = None,
    vendor: _Many = None,
    state: _Many = None,
    name: _Many = None,
) -> JSONResponse:
    """List accounts, newest first; a repeated filter means OR."""
    page = await use.find(
        app, actor, channel=channel or (), vendor=vendor or (), state=state or (),
        name=name or (), limit=limit, cursor=cursor,
    )  # fmt: skip
    return answer(page.body())


@router.get("/health", openapi_extra=answers({"items": [_HEALTH], "next_cursor": None}))
async def healths(app: Services, actor: Caller, channel: _Many = None) -> JSONResponse:
    """Tell how all accounts do, by channel, in the order in which routing takes them."""
    items = await account_health.find(app, actor, channel or ())
    return answer({"items": items, "next_cursor": None})


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at an account; secrets are null, `secrets` names those that are set."""
    return answer(await use.get(app, actor, id))


@router.patch("/{id}", openapi_extra=body(AccountPatch, {"weight": 3, "per_second": None}))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[AccountPatch, JsonBody(AccountPatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change an account (RFC 7396); a secret that is null stays as it is."""
    return answer(await use.change(app, actor, id, patch, expected_version(if_match)))


@router.delete("/{id}", status_code=204)
async def remove(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Take an account away with its secrets; what it sent keeps its name."""
    await use.remove(app, actor, id, expected_version(if_match))
    return no_content()


@router.post("/{id}/pause")
async def pause(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Leave an account alone until it is resumed."""
    return answer(await use.pause(app, actor, id, paused=True))


@router.post("/{id}/resume")
async def resume(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Use a paused account again."""
    return answer(await use.pause(app, actor, id, paused=False))


@router.post("/{id}/test", openapi_extra=body(AccountTest, {"address": "+14155550100"}))
async def try_account(
    app: Services,
    actor: Caller,
    id: str,
    request: Annotated[AccountTest, JsonBody(AccountTest)],
) -> JSONResponse:
    """Send one message through the account at once, and tell what came of it."""
    return answer(await account_tests.try_account(app, actor, id, request))


@router.get("/{id}/health", openapi_extra=answers({**_HEALTH, "minutes": [_MINUTE]}))
async def health(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Tell how an account does: its circuit and the last hour."""
    return answer(await account_health.get(app, actor, id))
