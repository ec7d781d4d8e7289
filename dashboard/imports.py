"""Imports: a file of profiles goes in, and the page tells how far it is."""

import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from dashboard.choices import owners_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors
from dashboard.rendering import page, see_other
from dashboard.uploads import FileForm
from domain.errors import Conflict, Invalid, Problem
from services import imports as use
from services.access import Session
from services.app import App
from services.import_judging import CSV, NDJSON

router = APIRouter(prefix="/imports")

PER_PAGE: Final = 50
_ENDINGS: Final = {
    "csv": CSV, "tsv": CSV, "txt": CSV, "ndjson": NDJSON, "jsonl": NDJSON, "json": NDJSON,
}  # fmt: skip
_TONES: Final = {
    "uploading": "sending", "waiting": "waiting", "running": "sending", "finished": "delivered",
    "failed": "failed",
}  # fmt: skip
_OPEN: Final = ("uploading", "waiting", "running")


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List imports, newest first, with the form that takes a file."""
    return await _list(request, app, session)


@router.post("")
async def upload(request: Request, app: Console, session: Signed) -> Response:
    """Take a file in while it arrives; its work begins when all of it is there."""
    session.actor.require("profiles:write")
    file = FileForm(request, session)
    try:
        await file.open()
        module = file.fields.get("owner") or None
        made = await use.upload(app, session.actor, _format(file), file, module=module)
    except (Invalid, Conflict) as problem:
        await file.drain()
        return await _list(request, app, session, problem)
    return see_other(f"/imports/{made['id']}", flash="The file is there.")


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show how far an import is; the page follows by itself until it is at its end."""
    it = await use.get(app, session.actor, id)
    return page(
        request, "import.html", it=it, parts=_parts(it), is_open=it["state"] in _OPEN,
        tone=_TONES[it["state"]], may_write=session.actor.may("profiles:write"),
    )  # fmt: skip


@router.get("/{id}/rejected")
async def rejected(id: str, app: Console, session: Signed) -> Response:
    """Download the refused rows: line, errors by field, and the row as it was."""
    session.actor.require("profiles:write")
    rows = await use.rejected(app, session.actor, id)

    async def lines() -> AsyncIterator[str]:
        async for row in rows:
            yield json.dumps(row, ensure_ascii=False) + "\n"

    name = f'attachment; filename="{id}-rejected.ndjson"'
    return StreamingResponse(
        lines(), media_type="application/x-ndjson", headers={"Content-Disposition": name}
    )


@router.post("/{id}/remove")
async def remove(id: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Forget an import with its refused rows; one that is at work ends there."""
    await use.remove(app, session.actor, id)
    return see_other("/imports", flash="The import is forgotten; imported profiles stay.")


async def _list(
    request: Request, app: App, session: Session, problem: Problem | None = None
) -> Response:
    given = request.query_params
    found = await use.find(app, session.actor, PER_PAGE, given.get("cursor"))
    errors, others = form_errors(problem, {"file"}) if problem else ({}, [])
    older = urlencode({"cursor": found.next_cursor}) if found.next_cursor else None
    return page(
        request, "imports.html", status=problem.status if problem else 200,
        items=found.items, tones=_TONES, errors=errors, others=others,
        is_open=any(one["state"] in _OPEN for one in found.items),
        older=f"/imports?{older}" if older else None, paged="cursor" in given,
        may_write=session.actor.may("profiles:write"), owners=await owners_of(app, session.actor),
    )  # fmt: skip


def _format(file: FileForm) -> str:
    """Return the format that a file's name says, else the one that the browser says."""
    ending = file.name.rpartition(".")[2].lower()
    found = _ENDINGS.get(ending) or use.FORMATS.get(file.kind.partition(";")[0].strip().lower())
    if found is None:
        raise Invalid.field("file", "must end in .csv or .ndjson, so that it is known how to read")
    return found


def _parts(it: Mapping[str, Any]) -> list[tuple[str, float, float]]:
    """Return the bar's parts as (class, x, width) of 1000: imported, rejected."""
    rows, x, found = max(1, it["rows"]), 0.0, []
    for name, count in (("delivered", it["imported"]), ("failed", it["rejected"])):
        width = round(1000 * count / rows, 2)
        if width:
            found.append((name, round(x, 2), width))
        x += width
    return found
