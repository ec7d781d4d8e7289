"""/v1/live: what happens, as server-sent events."""

import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from api.authentication import Caller, Services
from domain.errors import Invalid
from services import live as use

router = APIRouter(prefix="/v1/live", tags=["live"])


@router.get("")
async def live(
    app: Services,
    actor: Caller,
    after: Annotated[int | None, Query(ge=0, le=2**62)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """Stream events of the caller's module from now on, or after a number that was seen."""
    actor.require("events:read")
    if last_event_id:
        if not last_event_id.isdigit() or len(last_event_id) > 18:
            raise Invalid.field("Last-Event-ID", "is not the id of an event of this stream")
        after = int(last_event_id)

    async def stream() -> AsyncIterator[str]:
        yield ": connected\n\n"
        async for event in use.events(app, actor, after):
            if not event:
                yield ": still here\n\n"
                continue
            yield f"id: {event['seq']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n"

    return StreamingResponse(
        stream(), media_type="text/event-stream", headers={"Cache-Control": "no-store"}
    )
