"""Triggers: which event starts what, tried with an event, and what the latest events did."""

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard import trigger_forms as forms
from dashboard.choices import Choices, categories_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import TEMPLATE, WORDS, form_errors, json_object, seen_version
from dashboard.rendering import page, see_other
from dashboard.security import PREVIEWING_POLICY
from domain.contract.event import CloudEvent, TriggerRequest
from domain.errors import Conflict, FieldError, Invalid, Problem, Stale
from services import events, templates, trigger_trials
from services import triggers as use
from services.access import Session
from services.app import App
from services.fields import validated
from services.merging import difference
from services.paging import MAX_LIMIT
from services.template_filters import TemplateFilters

router = APIRouter(prefix="/triggers")

_WRONG: Final = (Invalid, Conflict, Stale)
_SHOWN: Final = 20


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List the triggers with the types of events that came, and what the latest ones did."""
    found = await use.find(
        app, session.actor, limit=MAX_LIMIT, cursor=request.query_params.get("cursor")
    )
    types = (await events.types(app, session.actor))["items"]
    recent = (await events.recent(app, session.actor, most=_SHOWN))["items"]
    came = {(one["module"], one["type"]): one for one in types}
    items = [{**one, "came": came.get((one["module"], one["event_type"]))} for one in found.items]
    return page(
        request, "triggers.html", items=items, older=found.next_cursor, types=types, recent=recent,
        may_write=session.actor.may("triggers:write"),
    )  # fmt: skip


@router.get("/new")
async def show_new(request: Request, app: Console, session: Signed) -> Response:
    """Show the form of a new trigger; the type of event may be given by the address."""
    session.actor.require("triggers:write")
    given = {"event_type": request.query_params.get("event_type", "")[:255], "say": "email"}
    return await _page(request, app, session, None, given)


@router.post("/new")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Make a trigger, or show the form for other words."""
    session.actor.require("triggers:write")
    if fields.get("do") == "change":
        return await _page(request, app, session, None, fields)
    try:
        asked = validated(TriggerRequest, forms.document(fields))
        made = await use.create(app, session.actor, asked)
    except _WRONG as problem:
        return await _page(request, app, session, None, fields, problem)
    return see_other(f"/triggers/{made.content['id']}", flash="It listens from now on.")


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show a trigger: its form, an event to try it with, and what the latest events did."""
    it = await use.get(app, session.actor, id)
    return await _page(request, app, session, it, forms.fields_of(it))


@router.post("/{id}/change")
async def change(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Keep a changed trigger; raises Stale when somebody else changed it meanwhile."""
    session.actor.require("triggers:write")
    it = await use.get(app, session.actor, id)
    if fields.get("do") == "change":
        return await _page(request, app, session, it, fields)
    try:
        given = forms.document(fields)
        patch = difference({name: it[name] for name in given}, given)
        await use.change(app, session.actor, id, patch, seen_version(fields))
    except _WRONG as problem:
        return await _page(request, app, session, it, fields, problem)
    return see_other(f"/triggers/{id}", flash="Changed.")


@router.post("/{id}/test")
async def test(request: Request, id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Try an event: what it would start; nothing is sent or kept."""
    it = await use.get(app, session.actor, id)
    errors: list[FieldError] = []
    document = json_object("event", fields, errors)
    known, tried, problem = forms.fields_of(it), None, None
    try:
        if errors or document is None:
            raise Invalid(errors=errors or [FieldError("event", "is needed")])
        event = validated(CloudEvent, document)
        tried = await trigger_trials.try_event(app, session.actor, id, event)
    except Invalid as wrong:
        problem = wrong
    given = {**known, "event": fields.get("event", "")}
    answer = await _page(request, app, session, it, given, problem, tried)
    answer.headers["Content-Security-Policy"] = PREVIEWING_POLICY
    return answer


@router.post("/{id}/remove")
async def remove(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Take a trigger away; raises Stale when it was changed meanwhile."""
    await use.remove(app, session.actor, id, seen_version(fields))
    return see_other("/triggers", flash="The trigger is gone; what it started goes on.")


@router.post("/{id}")
async def switch(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Let a trigger rest, or listen again; raises Stale when it was changed meanwhile."""
    enabled = fields.get("enabled") == "yes"
    await use.change(app, session.actor, id, {"enabled": enabled}, seen_version(fields))
    told = "It listens again." if enabled else "It is paused: events start nothing."
    return see_other(f"/triggers/{id}", flash=told)


async def _page(
    request: Request,
    app: App,
    session: Session,
    it: Mapping[str, Any] | None,
    fields: Mapping[str, str],
    problem: Problem | None = None,
    tried: Mapping[str, Any] | None = None,
) -> Response:
    say = fields.get("say", TEMPLATE)
    texts = WORDS.get(say, ())
    known = {*forms.KNOWN, "event", *(f"content.{say}.{one.name}" for one in texts)}
    errors, others = _errors(problem, known)
    recent: list[dict[str, Any]] = []
    if it is not None:
        found = await events.recent(app, session.actor, types=[it["event_type"]], most=_SHOWN)
        recent = [one for one in found["items"] if one["module"] == it["module"]]
    return page(
        request, "trigger.html", status=problem.status if problem else 200, it=it, fields=fields,
        say=say, says=forms.SAYS, to=forms.TO, texts=texts, errors=errors, others=others,
        tried=tried, recent=recent, stale=isinstance(problem, Stale),
        templates=await _templates(app, session), event=fields.get("event") or _event(it),
        categories=await categories_of(app, session.actor, "By its template, or transactional"),
        may_write=session.actor.may("triggers:write"),
    )  # fmt: skip


def _errors(problem: Problem | None, known: set[str]) -> tuple[dict[str, str], list[str]]:
    if problem is None:
        return {}, []
    if isinstance(problem, Conflict):
        return {"name": problem.detail}, []
    return form_errors(forms.placed(problem) if isinstance(problem, Invalid) else problem, known)


def _event(it: Mapping[str, Any] | None) -> str:
    """Return an event that the trigger listens to, to be filled in."""
    type = it["event_type"] if it else ""
    example: dict[str, Any] = {
        "specversion": "1.0",
        "id": "1",
        "source": "/try",
        "type": type,
        "data": {},
    }
    return json.dumps(example, indent=2)


async def _templates(app: App, session: Session) -> Choices:
    found = await templates.find(app, session.actor, TemplateFilters(limit=MAX_LIMIT))
    published = [one for one in found.items if one["published_version"]]
    return sorted((one["key"], one["name"] or one["key"]) for one in published)
