"""/v1/dead-letters: deliveries that failed, expired or are in doubt, and trying them once more."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.answers import answer
from api.authentication import Caller, Services
from api.bodies import JsonBody
from api.openapi import body
from api.paging import DEFAULT, Cursor, Limit, When
from domain.contract.dead_letters import RedriveRequest
from services import dead_letters as use

router = APIRouter(prefix="/v1/dead-letters", tags=["notifications"])

_Many = Annotated[list[str] | None, Query()]


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
    state: _Many = None,
    reason: _Many = None,
    channel: _Many = None,
    category: _Many = None,
    account: _Many = None,
    created_after: When = None,
    created_before: When = None,
) -> JSONResponse:
    """List dead letters, newest first; a repeated filter means OR."""
    filters = use.DeadLetterFilters(
        state=state or (),
        reason=reason or (),
        channel=channel or (),
        category=category or (),
        account=account or (),
        created_after=created_after,
        created_before=created_before,
        limit=limit,
        cursor=cursor,
    )
    return answer((await use.find(app, actor, filters)).body())


@router.post(
    "/redrive",
    status_code=202,
    openapi_extra=body(RedriveRequest, {"channel": ["sms"], "reason": ["vendor_unavailable"]}),
)
async def redrive(
    app: Services,
    actor: Caller,
    request: Annotated[RedriveRequest, JsonBody(RedriveRequest)],
) -> JSONResponse:
    """Try dead letters once more: the same rows are reopened, at most 1,000 at a time."""
    return answer(await use.redrive(app, actor, request), status=202)
