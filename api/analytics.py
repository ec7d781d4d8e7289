"""/v1/analytics: the promise in figures."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime

from api.answers import answer
from api.authentication import Caller, Services
from domain.errors import Invalid
from services import balance as use

router = APIRouter(prefix="/v1/analytics", tags=["analytics"])
_When = AwareDatetime | None


@router.get("/summary")
async def summary(
    app: Services,
    actor: Caller,
    from_: Annotated[_When, Query(alias="from")] = None,
    to: Annotated[_When, Query()] = None,
    tocsin_position: Annotated[str | None, Header(max_length=40)] = None,
) -> JSONResponse:
    """Count deliveries accepted in from ≤ t < to (the last 30 days): the balance always holds."""
    until = to or datetime.now(UTC) + timedelta(minutes=1)
    since = from_ or until - timedelta(days=30)
    for field, moment in (("from", since), ("to", until)):
        if not 1971 <= moment.year <= 9000:
            raise Invalid.field(field, "must lie between the years 1971 and 9000")
    if since >= until:
        raise Invalid.field("from", "must be earlier than to")
    return answer(await use.balance(app, actor, since, until, tocsin_position))
