"""/v1/receipts: where vendors say what became of messages, and what operators see of that."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from api.answers import answer
from api.authentication import Caller, Services
from api.bodies import read_bounded
from api.paging import DEFAULT, Cursor, Limit
from domain.http import Webhook, is_mail
from services import receipts as use
from services.app import App

router = APIRouter(prefix="/v1/receipts", tags=["receipts"])
_Many = Annotated[list[str] | None, Query()]


@router.get("")
async def find(
    app: Services,
    actor: Caller,
    account: _Many = None,
    verdict: _Many = None,
    limit: Limit = DEFAULT,
    cursor: Cursor = None,
) -> JSONResponse:
    """List what vendors called, newest first: also what was forged, unreadable or unmatched."""
    page = await use.find(
        app, actor, account=account or (), verdict=verdict or (), limit=limit, cursor=cursor
    )
    return answer(page.body())


@router.post("/{account}", status_code=200)
async def hear(http: Request, app: Services, account: str) -> Response:
    """Take a vendor's receipts or replies; its own signature is the authentication.

    To an account of `smtp` a mail that came back is posted as it is (`message/rfc822`), with the
    recipient of its envelope in the query (`recipient`) or in X-Original-To, Delivered-To or
    Envelope-To; the token in it is the signature.
    """
    return await _hear(http, app, account)


@router.get("/{account}", status_code=200)
async def hear_by_query(http: Request, app: Services, account: str) -> Response:
    """Take receipts in the query, or answer a vendor's challenge."""
    return await _hear(http, app, account)


@router.head("/{account}", status_code=200)
async def probe(http: Request, app: Services, account: str) -> Response:
    """Say whether the account takes receipts."""
    return await _hear(http, app, account)


async def _hear(http: Request, app: App, account: str) -> Response:
    path = http.scope.get("raw_path") or http.url.path.encode()
    query = http.scope.get("query_string", b"")
    target = path.decode("latin-1") + (f"?{query.decode('latin-1')}" if query else "")
    most = use.MOST_MAIL_OCTETS if is_mail(http.headers) else use.MOST_OCTETS
    webhook = Webhook(
        method=http.method,
        url=app.settings.base_url + target,
        headers={name.lower(): value for name, value in http.headers.items()},
        body=await read_bounded(http, most),
    )
    told = await use.hear(app, account, webhook)
    return Response(told.body, told.status, dict(told.headers))
