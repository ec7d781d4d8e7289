"""The template editor: words beside what recipients will see of them."""

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError

from dashboard import template_digests
from dashboard import template_forms as forms
from dashboard.choices import categories_of, owners_of, words_of
from dashboard.form_files import FormWithFiles
from dashboard.guard import Console, Form, Signed
from dashboard.rendering import page, see_other
from dashboard.security import PREVIEWING_POLICY
from dashboard.template_looks import cut, framed, has_dark
from domain.contract.template import (
    PreviewRequest,
    TemplatePatch,
    TemplateRequest,
    TemplateTestRequest,
)
from domain.errors import Conflict, Invalid, Problem, Stale
from domain.vocabulary import Priority
from services import template_previews, template_trials, template_versions, templates
from services.access import Session
from services.app import App
from services.fields import field_errors
from services.idempotency import Idempotency

router = APIRouter(prefix="/templates")

DEVICES: Final = [("phone", "Phone"), ("desktop", "Desktop"), ("watch", "Watch")]
_BUTTON: Final = re.compile(r"(.+\.buttons)\[(\d+)\]\[(\d+)\]\.(\w+)")
_FACTS: Final = ("name", "category", "priority")
_COLLECTING: Final = (template_digests.KEY, template_digests.WINDOW)
_NEW: Final[dict[str, Any]] = {"id": "new", "version": 0, "key": "", **forms.NEW}


@router.get("/new")
async def show_new(request: Request, app: Console, session: Signed) -> Response:
    """Show an empty editor."""
    return await _page(request, app, session, _NEW, forms.shown_fields(forms.NEW))


@router.post("/new")
async def create(
    request: Request, app: Console, session: Signed, fields: FormWithFiles
) -> Response:
    """Make a template of what the form says, or show the form as it would be."""
    if fields.get("do") != "save":
        return await _page(request, app, session, _NEW, fields)
    try:
        words = forms.document(fields, forms.NEW)
        asked = _checked(TemplateRequest, {**words, **_facts(fields), "key": fields.get("key", "")})
        owner = fields.get("owner") or None
        made = await templates.create(app, session.actor, asked, module=owner)
    except (Invalid, Conflict) as problem:
        return await _page(request, app, session, _NEW, fields, problem=problem)
    return see_other(f"/templates/{made.content['id']}", flash="Version 1 is a draft.")


@router.get("/{id}")
async def show(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show the newest words and what they look like."""
    it = await templates.get(app, session.actor, id)
    return await _page(request, app, session, it, _shown(it))


@router.post("/{id}")
async def save(
    request: Request, id: str, app: Console, session: Signed, fields: FormWithFiles
) -> Response:
    """Keep what the form says as a new draft, or show the form as it would be."""
    it = await templates.get(app, session.actor, id)
    if fields.get("do") != "save":
        return await _page(request, app, session, it, fields)
    try:
        said = await _save(app, session, it, fields)
    except (Invalid, Stale) as problem:
        return await _page(request, app, session, it, fields, problem=problem)
    return see_other(f"/templates/{it['id']}", flash=said)


@router.post("/{id}/preview")
async def preview(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Give the preview alone, for the page that shows the form."""
    it = _NEW if id == "new" else await templates.get(app, session.actor, id)
    return page(request, "template_preview.html", **await _preview(app, session, it, fields))


@router.post("/{id}/test")
async def send_test(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Send the newest kept version to one address."""
    it = await templates.get(app, session.actor, id)
    to = fields.get("to", "").strip()
    try:
        asked = _checked(
            TemplateTestRequest,
            {"recipient": {"phone" if to.startswith("+") else "email": to},
             "locale": fields.get("test_locale") or None},
        )  # fmt: skip
        key = Idempotency(
            fields.get("key", "")[:64] or str(uuid4()), "/templates/test", to.encode()
        )
        made = await template_trials.send(app, session.actor, it["id"], asked, key)
    except Invalid as problem:
        return await _page(request, app, session, it, _shown(it), problem=problem)
    return see_other(f"/notifications/{made.content['id']}", flash="The test was accepted.")


async def _save(app: App, session: Session, it: Mapping[str, Any], fields: dict[str, str]) -> str:
    """Keep what differs, and return what was done; raises Invalid, Stale."""
    if fields.get("seen") != str(it["version"]):
        raise Stale(f"Version {it['version']} was saved meanwhile; compare before you save again.")
    words = forms.document(fields, it)
    note = fields.get("note", "").strip()
    asked = forms.checked_words(words, note)
    facts = {name: value for name, value in _facts(fields).items() if value != it[name]}
    said = []
    if words != {name: it[name] for name in words}:
        made = await template_versions.add(app, session.actor, it["id"], asked)
        said.append(f"Version {made.content['version']} is a draft.")
    if facts:
        patch = _checked(TemplatePatch, facts)
        await templates.change(app, session.actor, it["id"], patch)
        said.append("Changed.")
    return " ".join(said) or "Nothing differs, so nothing was saved."


async def _page(
    request: Request,
    app: App,
    session: Session,
    it: Mapping[str, Any],
    fields: Mapping[str, str],
    *,
    problem: Problem | None = None,
) -> Response:
    sections = forms.sections(fields, it)
    default = sections[0]["locale"]
    known = {one["name"] for part in sections for channel in part["channels"]
             for one in (*channel["fields"], *channel["several"])}  # fmt: skip
    known |= {"key", "schema", "data", *_FACTS, *_COLLECTING}
    errors, others = _errors(problem, default, known)
    answer = page(
        request, "template_editor.html", status=problem.status if problem else 200,
        it=it, fields=fields, sections=sections, errors=errors, others=others,
        categories=await categories_of(app, session.actor, "transactional", classes=True),
        priorities=words_of(Priority, "As its category says"),
        owners=await owners_of(app, session.actor) if it["id"] == "new" else [],
        test_key=str(uuid4()), may_write=session.actor.may("templates:write"),
        may_send=session.actor.may("notifications:write"),
        **await _preview(app, session, it, fields),
    )  # fmt: skip
    answer.headers["Content-Security-Policy"] = PREVIEWING_POLICY
    return answer


async def _preview(
    app: App, session: Session, it: Mapping[str, Any], fields: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the preview shows: the channels that can be rendered, and all problems."""
    look = {"device": fields.get("look.device", "phone"), "dark": fields.get("look.dark") == "yes",
            "locale": fields.get("look.locale", "")}  # fmt: skip
    context: dict[str, Any] = {
        "look": look, "channels": {}, "data": {}, "problems": [], "labels": forms.LABELS,
        "devices": DEVICES, "locale_choices": _languages(fields, it),
        "frame": framed, "has_dark": has_dark, "cut": cut,
    }  # fmt: skip
    try:
        given = forms.document(fields, it)
        if not given["content"]:
            return context
        words = forms.checked_words(given)
        asked = _checked(
            PreviewRequest,
            {"data": forms.example(fields), "locale": look["locale"] or None,
             "device": look["device"]},
        )  # fmt: skip
        shown = await template_previews.preview_words(
            app,
            session.actor,
            words,
            asked,
            fields.get("category"),
            None if it["id"] == "new" else it["id"],
            module=fields.get("owner") or None,
        )
    except Invalid as problem:
        context["problems"] = [
            {"severity": "error", "channel": None, "field": one.field, "message": one.message}
            for one in problem.errors
        ]
        return context
    return {**context, **shown, "data": forms.pretty(shown["data"])}


def _languages(fields: Mapping[str, str], it: Mapping[str, Any]) -> list[tuple[str, str]]:
    default, *others = forms.languages_of(fields, it)
    return [("", default), *((one, one) for one in others)]


def _shown(it: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's values for a template as it is kept."""
    facts = {name: it[name] or "" for name in _FACTS}
    return {**forms.shown_fields(it), **facts, **template_digests.collecting_fields(it["digest"])}


def _facts(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return what is not versioned; raises Invalid."""
    named = {name: fields.get(name, "").strip() or None for name in _FACTS}
    return {**named, "digest": template_digests.collecting(fields)}


def _checked(model: type[Any], given: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Invalid(errors=field_errors(error)) from None


def _errors(
    problem: Problem | None, default: str, known: set[str]
) -> tuple[dict[str, str], list[str]]:
    """Return errors by the form's fields, and those of none of them."""
    if problem is None:
        return {}, []
    placed: dict[str, str] = {}
    others = [] if problem.errors else [problem.detail]
    for one in problem.errors:
        name, message = _of_button(forms.place(one.field, default), one.message)
        if name in known:
            placed.setdefault(name, f"{message[:1].upper()}{message[1:]}.")
        else:
            others.append(f"{one.field} {one.message}.")
    return placed, others


def _of_button(name: str, message: str) -> tuple[str, str]:
    """Return the input that holds a button, with words that say which one; others stay."""
    found = _BUTTON.fullmatch(name)
    if found is None:
        return name, message
    row, number = int(found[2]) + 1, int(found[3]) + 1
    part = {"text": "label", "url": "address"}.get(found[4], found[4])
    return found[1], f"button {number} of row {row}, {part}: {message}"
