"""/v1/outbox: what the sandbox accounts and the SMTP sink received."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse

from api.answers import answer
from api.authentication import Caller, Services
from api.paging import DEFAULT, Cursor, Limit
from services import outbox as use

router = APIRouter(prefix="/v1/outbox", tags=["sandbox"])
_Many = Annotated[list[str] | None, Query()]


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    channel: _Many = None,
    address: _Many = None,
    notification: _Many = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> JSONResponse:
    """List received messages, newest first."""
    page = await use.find(
        app, actor, channel or (), address or (), notification or (), limit, cursor
    )
    return answer(page.body())
