"""Writing a campaign: audience, words, window and pace, in one form that needs no script."""

import json
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.campaign_fields import (
    CANARY,
    IDENTITY,
    MOST_VARIANTS,
    PACE,
    TEST,
    USUAL,
    VARIANTS,
    WHOLE,
    canary_fields,
    canary_of,
    identity_fields,
    identity_of,
    pace_fields,
    pace_of,
    test_fields,
    test_of,
)
from dashboard.choices import Choices, categories_of, words_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import (
    TEMPLATE,
    WORDS,
    form_errors,
    json_object,
    local_time,
    moment,
    seen_version,
    words,
)
from dashboard.rendering import page, see_other
from domain.ab_tests import Measure
from domain.contract.campaign import CampaignPatch, CampaignRequest
from domain.errors import FieldError, Invalid, Problem
from domain.vocabulary import Priority
from services import audiences, campaigns, templates
from services.access import Session
from services.app import App
from services.fields import validated
from services.paging import MAX_LIMIT
from services.template_filters import TemplateFilters

router = APIRouter(prefix="/campaigns")

_FIELDS: Final = (
    "name", "audience", "template", "data", "category", "priority", "window.start_at",
    "window.end_at", "zone", "window.off_hours", *PACE, *CANARY, *IDENTITY, *TEST, *VARIANTS,
    *WHOLE,
)  # fmt: skip
_CLEARED: Final = (
    "template", "content", "ab_test", "pace", "canary", "sender", "category", "priority",
)  # fmt: skip
"""Parts that are taken away where the form has nothing of them."""
AB_TEST: Final = "ab_test"
"""What is said comes from several templates, which are tested."""
_MEASURES: Final = [
    (Measure.CLICKED, "More of them follow a link"),
    (Measure.OPENED, "More of them open it"),
    (Measure.DELIVERED, "More of it is delivered"),
    (Measure.EVENT, "More of them do something that is posted as an event"),
]
_HOURS: Final = [
    ("usual", "As is usual here (bulk: the site's off-hours)"),
    ("any", "At any hour"),
    ("own", "In these hours"),
]
STEPS: Final = [
    ("audience", "Audience"), ("words", "Words"), ("window", "Window"), ("try", "Dry run"),
]  # fmt: skip
"""The steps of writing a campaign; the last one ends with its submission."""
_OF_STEP: Final = {
    "audience": ("name", "audience"),
    "words": (
        "say",
        "template",
        "ab_test",
        "content",
        "data",
        "category",
        "priority",
        "sender",
        "brand",
    ),
}
"""Which inputs a step shows; all others are of the window."""
_SAYS: Final = [
    (TEMPLATE, "A template"),
    (AB_TEST, "A test of templates (A/B)"),
    *((name, f"Words by {name}") for name in WORDS),
]


@router.get("/new")
async def show_new(request: Request, app: Console, session: Signed) -> Response:
    """Show the first step of a new campaign; `say` and `audience` may be given by the address."""
    session.actor.require("campaigns:write")
    given = request.query_params
    fields = {name: given[name] for name in ("say", "audience") if given.get(name)} | USUAL
    return await _form(request, app, session, None, {**fields, "at": "audience"})


@router.post("")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Make a draft, or show the form for other words, the next step or the one before."""
    do, at = fields.get("do"), fields.get("at", "")
    if do == "change":
        return await _form(request, app, session, None, fields)
    if do == "back":
        return await _form(request, app, session, None, {**fields, "at": _beside(at, -1)})
    try:
        asked = validated(CampaignRequest, _document(fields))
        if do == "next":
            await campaigns.judge_draft(app, session.actor, asked)
        else:
            made = await campaigns.create(app, session.actor, asked)
    except Invalid as problem:
        return await _wrong(request, app, session, fields, problem)
    if do == "next":
        return await _form(request, app, session, None, {**fields, "at": _beside(at, 1)})
    page = "/preview" if at else ""
    place = f"/campaigns/{made.content['id']}{page}"
    return see_other(place, flash="It is a draft: nothing is sent.")


async def _wrong(
    request: Request, app: App, session: Session, fields: Mapping[str, str], problem: Invalid
) -> Response:
    """Show what is wrong at its step: the present one, or an earlier one when it was to be made."""
    at = fields.get("at", "")
    order = [name for name, _ in STEPS]
    places = sorted({_step_of(one.field) for one in problem.errors}, key=order.index)
    if fields.get("do") == "next" and at not in places:
        return await _form(request, app, session, None, {**fields, "at": _beside(at, 1)})
    if at and places and at not in places:
        fields = {**fields, "at": places[0]}
    if fields.get("do") == "next":
        here = [one for one in problem.errors if _step_of(one.field) == at]
        problem = Invalid(errors=here)
    return await _form(request, app, session, None, fields, problem)


def _step_of(field: str) -> str:
    first = field.partition(".")[0].partition("[")[0]
    return next((step for step, names in _OF_STEP.items() if first in names), "window")


def _beside(at: str, by: int) -> str:
    order = [name for name, _ in STEPS]
    place = order.index(at) + by if at in order else 0
    return order[min(max(place, 0), order.index("window"))]


@router.get("/{id}/edit")
async def show_edit(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show the form of a draft, or of one that waits for approval."""
    session.actor.require("campaigns:write")
    found = await campaigns.get(app, session.actor, id)
    return await _form(request, app, session, found, _fields_of(found))


@router.post("/{id}/edit")
async def change(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Keep a changed campaign; it is a draft from then on."""
    found = await campaigns.get(app, session.actor, id)
    if fields.get("do") == "change":
        return await _form(request, app, session, found, fields)
    try:
        document = _document(fields)
        gone = dict.fromkeys(_CLEARED)
        # A picture stays: the form does not know it.
        brand = {"name": None, "colour": None, **document.get("brand", {})}
        patch = validated(CampaignPatch, {**gone, "data": {}, **document, "brand": brand})
        await campaigns.change(app, session.actor, id, patch, seen_version(fields))
    except Problem as problem:
        return await _form(request, app, session, found, fields, problem)
    return see_other(f"/campaigns/{id}", flash="Kept.")


async def _form(
    request: Request,
    app: App,
    session: Session,
    it: Mapping[str, Any] | None,
    fields: Mapping[str, str],
    problem: Problem | None = None,
) -> Response:
    say = fields.get("say", TEMPLATE)
    say = say if say in WORDS or say == AB_TEST else TEMPLATE
    texts = WORDS.get(say, ())
    known = {*_FIELDS, *(f"content.{say}.{one.name}" for one in texts)}
    errors, others = form_errors(problem, known) if problem else ({}, [])
    at = fields.get("at", "") if it is None else ""
    hidden = {
        name: value
        for name, value in fields.items()
        if name not in ("do", "at", "csrf", "version") and at and _step_of(name) != at
    }
    return page(
        request, "campaign_form.html", status=problem.status if problem else 200, it=it,
        fields=fields, say=say, says=_SAYS, texts=texts, errors=errors, others=others,
        hours=_HOURS, measures=_MEASURES, variants=range(MOST_VARIANTS),
        audiences=await _audiences(app, session),
        templates=await _templates(app, session),
        categories=await categories_of(app, session.actor, "bulk", classes=True),
        priorities=words_of(Priority, "By its category"),
        action=f"/campaigns/{it['id']}/edit" if it else "/campaigns", at=at, steps=STEPS,
        hidden=hidden,
    )  # fmt: skip


async def _audiences(app: App, session: Session) -> Choices:
    found = await audiences.find(app, session.actor, limit=MAX_LIMIT)
    return [("", "Choose one"), *sorted((one["id"], one["name"]) for one in found.items)]


async def _templates(app: App, session: Session) -> Choices:
    found = await templates.find(app, session.actor, TemplateFilters(limit=MAX_LIMIT))
    published = [one for one in found.items if one["published_version"]]
    return sorted((one["key"], one["name"] or one["key"]) for one in published)


def _document(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the API's document of a form; raises Invalid for what cannot be read."""
    errors: list[FieldError] = []
    say = fields.get("say", TEMPLATE)
    window: dict[str, Any] = {
        "start_at": moment("window.start_at", fields, errors),
        "end_at": moment("window.end_at", fields, errors),
    }
    window = {name: value for name, value in window.items() if value}
    if fields.get("hours") == "any":
        window["off_hours"] = None
    elif fields.get("hours") == "own":
        window["off_hours"] = {
            "start": fields.get("hours_start") or "20:00",
            "end": fields.get("hours_end") or "06:00",
            "timezone": fields.get("hours_zone", "").strip() or "recipient",
        }
    document: dict[str, Any] = {
        "name": fields.get("name", "").strip(),
        "audience": fields.get("audience", ""),
        "data": json_object("data", fields, errors),
        "category": fields.get("category") or None,
        "priority": fields.get("priority") or None,
        "window": window,
    }
    if say in WORDS:
        document["content"] = {say: words(fields, say)}
    elif say == AB_TEST:
        document["ab_test"] = test_of(fields)
    else:
        document["template"] = fields.get("template", "")
    if pace := pace_of(fields):
        document["pace"] = {"ramp": None, **pace}
    document["canary"] = canary_of(fields)
    document |= identity_of(fields)
    if errors:
        raise Invalid(errors=errors)
    return {name: value for name, value in document.items() if value is not None}


def _fields_of(found: Mapping[str, Any]) -> dict[str, str]:
    """Return a campaign as its form has it."""
    content: Mapping[str, Any] = found["content"] or {}
    say = AB_TEST if found["ab_test"] else next(iter(content), TEMPLATE)
    texts = {
        f"content.{say}.{one.name}": content[say].get(one.name) or ""
        for one in (WORDS.get(say, ()) if content else ())
    }
    window = found["window"]
    hours = window["off_hours"]
    return {
        "name": found["name"],
        "audience": found["audience"],
        "say": say,
        "template": found["template"] or "",
        "data": json.dumps(found["data"], ensure_ascii=False) if found["data"] else "",
        "category": found["category"] or "",
        "priority": found["priority"] or "",
        "window.start_at": local_time(window["start_at"]),
        "window.end_at": local_time(window["end_at"]),
        "zone": "UTC",
        "hours": "own" if hours else "any",
        "hours_start": hours["start"][:5] if hours else "20:00",
        "hours_end": hours["end"][:5] if hours else "06:00",
        "hours_zone": hours["timezone"] if hours else "recipient",
        **pace_fields(found["pace"]),
        **canary_fields(found["canary"]),
        **identity_fields(found),
        **test_fields(found["ab_test"]),
        "version": str(found["version"]),
        **texts,
    }
