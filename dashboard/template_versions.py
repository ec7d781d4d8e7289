"""A template's versions: what differs, who published what and why, and going back."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Form, Signed
from dashboard.rendering import page, see_other
from domain.contract.template import PublishRequest
from domain.errors import Conflict, Invalid, NotFound, Problem
from services import template_diffs, template_history, template_versions, templates
from services.access import Session
from services.app import App

router = APIRouter(prefix="/templates/{id}")


@router.get("/versions")
async def show(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show versions and history; `from` and `to` choose what is compared."""
    return await _page(request, app, session, id)


@router.post("/publish")
async def publish(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Send a version from now on; what keeps it from that is shown field by field."""
    number = _number(fields.get("version", "")) or 0
    try:
        asked = PublishRequest(version=max(1, number), note=_note(fields))
        await template_versions.publish(app, session.actor, id, asked)
    except Invalid as problem:
        return await _page(request, app, session, id, problem=problem)
    return see_other(f"/templates/{id}/versions", flash=f"Version {number} is sent from now on.")


@router.post("/archive")
async def archive(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Take the template out of use."""
    await templates.archive(app, session.actor, id, note=_note(fields))
    return see_other(f"/templates/{id}/versions", flash="Archived. Its key is free again.")


@router.post("/unarchive")
async def unarchive(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Take the template into use again."""
    try:
        await templates.unarchive(app, session.actor, id, note=_note(fields))
    except Conflict as problem:
        return await _page(request, app, session, id, problem=problem)
    return see_other(f"/templates/{id}/versions", flash="In use again.")


async def _page(
    request: Request, app: App, session: Session, id: str, *, problem: Problem | None = None
) -> Response:
    it = await templates.get(app, session.actor, id, archived=True)
    asked = request.query_params
    before, after = _number(asked.get("from", "")), _number(asked.get("to", ""))
    try:
        found = await template_diffs.diff(app, session.actor, id, before, after)
    except NotFound:
        found = await template_diffs.diff(app, session.actor, id, None, None)
    history = (await template_history.find(app, session.actor, id)).items
    return page(
        request, "template_versions.html", status=problem.status if problem else 200,
        it=it, diff={**found, "changes": [_coloured(one) for one in found["changes"]]},
        numbers=[(str(one["version"]), f"Version {one['version']}") for one in it["versions"]],
        history=history, problem=problem,
        may_write=session.actor.may("templates:write"),
    )  # fmt: skip


def _coloured(change: dict[str, Any]) -> dict[str, Any]:
    kinds = {"+": "added", "-": "removed", "@": "place"}
    lines = [(kinds.get(line[:1], "same"), line) for line in change["diff"].splitlines()]
    return {**change, "lines": lines}


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and 0 < len(text) < 10 and int(text) else None


def _note(fields: dict[str, str]) -> str | None:
    return fields.get("note", "").strip()[:1000] or None
