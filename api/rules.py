"""/v1/rules: what the business demands of messages."""

from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer, expected_version, no_content, replayable
from api.authentication import Caller, Services, idempotency
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit
from domain.contract.rule import RulePatch, RuleRequest, RuleTry
from services import rule_trials
from services import rules as use

router = APIRouter(prefix="/v1/rules", tags=["rules"])

_EXAMPLE = {
    "name": "no-promises",
    "kind": "banned_words",
    "category": "marketing",
    "settings": {"words": ["guaranteed", "risk free"]},
}
_HOURS = {
    "name": "office-hours",
    "kind": "hours",
    "category": "bulk",
    "settings": {"start": "08:00", "end": "20:00", "timezone": "recipient", "days": [1, 2, 3, 4]},
}
_FOOTER = {
    "name": "company-footer",
    "kind": "footer",
    "settings": {"text": "Example Ltd, 1 High Street", "action": "append", "channels": ["email"]},
}
_APPROVAL = {
    "name": "two-for-many",
    "kind": "approval",
    "settings": {"larger_than": 10000, "approvals": 2},
}
_IfMatch = Annotated[str | None, Header(alias="If-Match")]


@router.post(
    "",
    status_code=201,
    openapi_extra=body(RuleRequest, _EXAMPLE, hours=_HOURS, footer=_FOOTER, approval=_APPROVAL),
)
async def create(
    http: Request,
    app: Services,
    actor: Caller,
    request: Annotated[RuleRequest, JsonBody(RuleRequest)],
) -> JSONResponse:
    """Make a rule; it is off until it is enabled."""
    return replayable(await use.create(app, actor, request, idempotency(http)))


@router.get("")
async def find(
    app: Services, actor: Caller, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List the rules that bind the caller's module, newest first."""
    return answer((await use.find(app, actor, limit=limit, cursor=cursor)).body())


@router.get("/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at a rule."""
    return answer(await use.get(app, actor, id))


@router.patch("/{id}", openapi_extra=body(RulePatch, {"enabled": True}))
async def change(
    app: Services,
    actor: Caller,
    id: str,
    patch: Annotated[RulePatch, JsonBody(RulePatch)],
    if_match: _IfMatch = None,
) -> JSONResponse:
    """Change a rule (RFC 7396), or switch it on or off."""
    return answer(await use.change(app, actor, id, patch, expected_version(if_match)))


@router.delete("/{id}", status_code=204)
async def remove(app: Services, actor: Caller, id: str, if_match: _IfMatch = None) -> Response:
    """Remove a rule."""
    await use.remove(app, actor, id, expected_version(if_match))
    return no_content()


@router.post("/{id}/try", openapi_extra=body(RuleTry, {"days": 30}))
async def try_rule(
    app: Services, actor: Caller, id: str, request: Annotated[RuleTry, JsonBody(RuleTry)]
) -> JSONResponse:
    """Try a rule on the messages of the last days: what it would have stopped, held or changed."""
    return answer(await rule_trials.try_rule(app, actor, id, request))
