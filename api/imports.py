"""/v1/imports: profiles by the file, uploaded as a stream and worked on afterwards."""

import json
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.requests import ClientDisconnect

from api.answers import answer, no_content
from api.authentication import Caller, Services
from api.openapi import file_body
from api.paging import DEFAULT, Cursor, Limit
from domain.errors import Malformed
from services import imports as use

router = APIRouter(tags=["imports"])

_NDJSON = (
    '{"external_id": "customer-1", "email": "one@example.com", "groups": ["beta testers"]}\n'
    '{"external_id": "customer-2", "phone": "+14155550100", "attributes": {"plan": "gold"}}\n'
)
_CSV = (
    "external_id;email;attributes.plan;groups\n"
    "customer-3;three@example.com;gold;beta testers|news\n"
)


@router.post(
    "/v1/profiles/import",
    status_code=202,
    openapi_extra=file_body({"application/x-ndjson": _NDJSON, "text/csv": _CSV}),
)
async def upload(http: Request, app: Services, actor: Caller) -> JSONResponse:
    """Import profiles from a file of any length: NDJSON or CSV in UTF-8, streamed."""
    actor.require("profiles:write")
    format = use.format_of(http.headers.get("content-type"))
    try:
        taken = await use.upload(app, actor, format, http.stream())
    except ClientDisconnect:
        raise Malformed("The upload broke off.") from None
    return answer(taken, status=202, headers={"Location": f"/v1/imports/{taken['id']}"})


@router.get("/v1/imports")
async def find(
    app: Services, actor: Caller, limit: Limit = DEFAULT, cursor: Cursor = None
) -> JSONResponse:
    """List imports, newest first."""
    return answer((await use.find(app, actor, limit, cursor)).body())


@router.get("/v1/imports/{id}")
async def get(app: Services, actor: Caller, id: str) -> JSONResponse:
    """Look at an import: its state, and how many rows were imported and rejected by now."""
    return answer(await use.get(app, actor, id))


@router.get("/v1/imports/{id}/rejected")
async def find_rejected(app: Services, actor: Caller, id: str) -> StreamingResponse:
    """Stream the rows that were refused as NDJSON: line, errors by field, and the row."""
    rows = await use.rejected(app, actor, id)

    async def lines() -> AsyncIterator[str]:
        async for row in rows:
            yield json.dumps(row, ensure_ascii=False) + "\n"

    return StreamingResponse(lines(), media_type="application/x-ndjson")


@router.delete("/v1/imports/{id}", status_code=204)
async def remove(app: Services, actor: Caller, id: str) -> Response:
    """Forget an import and its refused rows; one that is at work ends, imported profiles stay."""
    await use.remove(app, actor, id)
    return no_content()
