"""/v1/audit: who did what, and whether the log is as it was written."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.answers import answer
from api.authentication import Caller, Services
from api.paging import DEFAULT, Cursor, Limit, When
from services import audit_log as use

router = APIRouter(prefix="/v1/audit", tags=["administration"])

_Words = Annotated[list[Annotated[str, Query(max_length=320)]], Query(max_length=50)]
_NONE: list[str] = []


@router.get("")
async def find(
    app: Services,
    caller: Caller,
    actor: _Words = _NONE,
    action: _Words = _NONE,
    subject: _Words = _NONE,
    module: _Words = _NONE,
    after: When = None,
    before: When = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> JSONResponse:
    """List the lines of the audit log, newest first: the module's, or those of all modules."""
    filters = use.AuditFilters(actor, action, subject, module, after, before)
    return answer((await use.find(app, caller, filters, limit=limit, cursor=cursor)).body())


@router.get("/verify")
async def verify(
    app: Services,
    caller: Caller,
    head: Annotated[str | None, Query(max_length=100, description="As /head told it")] = None,
) -> JSONResponse:
    """Check every line of the log, and name the first one that is not as it was written."""
    return answer(await use.verify(app, caller, head))


@router.get("/head")
async def head(app: Services, caller: Caller) -> JSONResponse:
    """Tell where the chain ends; kept elsewhere, it shows later whether lines were cut off."""
    return answer(await use.head(app, caller))
