"""Partials: pieces that templates share, written beside what they look like."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors, json_object, seen_version, text_lines
from dashboard.rendering import page, see_other
from dashboard.security import PREVIEWING_POLICY
from dashboard.template_editor import DEVICES
from dashboard.template_forms import LABELS, pretty
from dashboard.template_looks import cut, framed, has_dark
from domain.contract.template import PartialPut, PartialRequest, PreviewRequest
from domain.errors import Conflict, FieldError, Invalid, Problem, Stale
from services import partial_previews
from services import partials as use
from services.access import Session
from services.app import App
from services.fields import validated
from services.paging import MAX_LIMIT

router = APIRouter(prefix="/partials")

_NEW: Final[dict[str, Any]] = {
    "key": "", "source": "", "locales": {}, "version": "", "used_by": [], "note": None,
}  # fmt: skip
_LOCALE: Final = "locales."


@router.get("")
async def show_all(request: Request, app: Console, session: Signed) -> Response:
    """List the partials, newest first."""
    found = await use.find(
        app, session.actor, limit=MAX_LIMIT, cursor=request.query_params.get("cursor")
    )
    return page(
        request, "partials.html", items=found.items, older=found.next_cursor,
        may_write=session.actor.may("templates:write"),
    )  # fmt: skip


@router.get("/-/new")
async def show_new(request: Request, app: Console, session: Signed) -> Response:
    """Show an empty form."""
    session.actor.require("templates:write")
    return await _page(request, app, session, _NEW, {"source": ""})


@router.post("")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Keep a new partial, or show the form as it would be."""
    if fields.get("do") != "save":
        return await _page(request, app, session, _NEW, fields)
    try:
        given = {**_document(fields), "key": fields.get("key", "").strip()}
        made = await use.create(app, session.actor, validated(PartialRequest, given))
    except (Invalid, Conflict) as problem:
        return await _page(request, app, session, _NEW, fields, problem)
    return see_other(f"/partials/{made.content['key']}", flash="The partial is kept.")


@router.post("/-/preview")
async def preview_new(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Give the preview of a new partial alone."""
    return page(request, "template_preview.html", **await _preview(app, session, _NEW, fields))


@router.get("/{key}")
async def show(request: Request, key: str, app: Console, session: Signed) -> Response:
    """Show a partial and who uses it."""
    it = await use.get(app, session.actor, key)
    locales = {_LOCALE + name: source for name, source in it["locales"].items()}
    return await _page(request, app, session, it, {"source": it["source"], **locales})


@router.post("/{key}")
async def save(request: Request, key: str, app: Console, session: Signed, fields: Form) -> Response:
    """Change what the partial says from now on, or show the form as it would be."""
    it = await use.get(app, session.actor, key)
    if fields.get("do") != "save":
        return await _page(request, app, session, it, fields)
    try:
        asked = validated(PartialPut, _document(fields))
        await use.replace(app, session.actor, key, asked, seen_version(fields))
    except (Invalid, Stale) as problem:
        return await _page(request, app, session, it, fields, problem)
    return see_other(f"/partials/{key}", flash="Changed, for what is published from now on.")


@router.post("/{key}/preview")
async def preview(
    request: Request, key: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Give the preview alone, for the page that shows the form."""
    it = await use.get(app, session.actor, key)
    return page(request, "template_preview.html", **await _preview(app, session, it, fields))


@router.post("/{key}/remove")
async def remove(key: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Remove a partial that no template uses."""
    try:
        await use.delete(app, session.actor, key)
    except Conflict as used:
        return see_other(f"/partials/{key}", flash=used.detail)
    return see_other("/partials", flash=f"The partial {key} is gone.")


async def _page(
    request: Request,
    app: App,
    session: Session,
    it: Mapping[str, Any],
    fields: Mapping[str, str],
    problem: Problem | None = None,
) -> Response:
    locales = _locales(fields)
    known = {"key", "source", "note", "data", *(_LOCALE + name for name in locales)}
    errors, others = form_errors(problem, known) if problem else ({}, [])
    answer = page(
        request, "partial.html", status=problem.status if problem else 200,
        it=it, fields=fields, errors=errors, others=others, locales=locales,
        path_of=f"/partials/{it['key']}" if it["key"] else "/partials",
        version=fields.get("version") or it["version"], stale=isinstance(problem, Stale),
        may_write=session.actor.may("templates:write"), **await _preview(app, session, it, fields),
    )  # fmt: skip
    answer.headers["Content-Security-Policy"] = PREVIEWING_POLICY
    return answer


async def _preview(
    app: App, session: Session, it: Mapping[str, Any], fields: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the preview shows: what can be rendered, and all problems."""
    look: dict[str, Any] = {
        "device": fields.get("look.device", "phone"), "dark": fields.get("look.dark") == "yes",
        "locale": fields.get("look.locale", ""), "template": fields.get("look.template", ""),
    }  # fmt: skip
    users = list(dict.fromkeys(one["template"] for one in it["used_by"]))
    context: dict[str, Any] = {
        "look": look, "channels": {}, "data": {}, "problems": [], "labels": LABELS,
        "devices": DEVICES, "frame": framed, "has_dark": has_dark, "cut": cut, "users": users,
        "locale_choices": [("", "Default"), *((one, one) for one in _locales(fields))],
    }  # fmt: skip
    if not fields.get("source", "").strip():
        return context
    errors: list[FieldError] = []
    data = json_object("data", fields, errors)
    try:
        if errors:
            raise Invalid(errors=errors)
        asked = {"data": data, "locale": look["locale"] or None, "device": look["device"]}
        shown = await partial_previews.preview(
            app, session.actor, it["key"], validated(PartialPut, _document(fields)),
            validated(PreviewRequest, asked),
            look["template"] if look["template"] in users else None,
        )  # fmt: skip
    except Invalid as problem:
        context["problems"] = [
            {"severity": "error", "channel": None, "field": one.field, "message": one.message}
            for one in problem.errors
        ]
        return context
    return {**context, **shown, "data": pretty(shown["data"])}


def _document(fields: Mapping[str, str]) -> dict[str, Any]:
    locales = {name: text_lines(fields.get(_LOCALE + name, "")) for name in _locales(fields)}
    return {
        "source": text_lines(fields.get("source", "")),
        "locales": {name: source for name, source in locales.items() if source.strip()},
        "note": fields.get("note", "").strip() or None,
    }


def _locales(fields: Mapping[str, str]) -> list[str]:
    """Return the languages of a form, and the one that is to be added."""
    named = [name.removeprefix(_LOCALE) for name in fields if name.startswith(_LOCALE)]
    added = fields.get("language", "").strip()
    return list(dict.fromkeys([*named, *([added] if added else [])]))
