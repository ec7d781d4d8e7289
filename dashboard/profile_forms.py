"""The forms that add, change and erase a profile."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard import profile_words
from dashboard.choices import owners_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import checked, form_errors, json_object, seen_version
from dashboard.rendering import page, see_other
from domain import address_lines
from domain.contract.profile import ProfilePatch, ProfileRequest
from domain.errors import Conflict, FieldError, Invalid, Problem, Stale
from services import erasure
from services import profiles as use
from services.access import Session
from services.app import App
from services.merging import difference

router = APIRouter(prefix="/profiles")

LINES: Final = (
    "external_id", "name", "email", "phone", "whatsapp", "telegram", "locale", "timezone",
)  # fmt: skip
_FIELDS: Final = {*LINES, "addresses", "groups", "attributes"}
_ADDRESS: Final = re.compile(r"addresses\[(\d+)\]")
_EMPTY: Final[dict[str, Any]] = {
    **dict.fromkeys(LINES), "addresses": [], "attributes": {}, "groups": [],
}  # fmt: skip


@router.get("/new")
async def show_new(request: Request, app: Console, session: Signed) -> Response:
    """Show an empty form."""
    session.actor.require("profiles:write")
    return await _page(request, app, session, None, _shown(_EMPTY), None)


@router.post("")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Make a profile."""
    try:
        asked = checked(ProfileRequest, _document(fields))
        made = await use.create(app, session.actor, asked, module=fields.get("owner") or None)
    except (Invalid, Conflict) as problem:
        return await _page(request, app, session, None, fields, problem)
    return see_other(f"/profiles/{made.content['id']}", flash="The profile is there.")


@router.get("/{id}/change")
async def show(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show the form with what the profile says now."""
    session.actor.require("profiles:write")
    it = await use.get(app, session.actor, id)
    return await _page(request, app, session, it, _shown(it), None)


@router.post("/{id}/change")
async def change(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Change what differs; somebody else's change meanwhile is not overwritten."""
    it = await use.get(app, session.actor, id)
    try:
        patch = checked(ProfilePatch, _patch(fields, it))
        await use.change(app, session.actor, id, patch, seen_version(fields))
    except (Invalid, Conflict, Stale) as problem:
        return await _page(request, app, session, it, fields, problem)
    return see_other(f"/profiles/{id}", flash="Changed.")


@router.get("/{id}/erase")
async def ask(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Say what erasing takes away, and ask for it by typing."""
    session.actor.require("profiles:write")
    it = await use.get(app, session.actor, id)
    return _asking(request, it, profile_words.title(it, session), None)


@router.post("/{id}/erase")
async def erase(request: Request, id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Erase a profile whose name was typed."""
    it = await use.get(app, session.actor, id)
    word = profile_words.title(it, session)
    if fields.get("typed", "").split() != word.split():  # pages show spaces as one
        wrong = Invalid.field("typed", "differs from what is to be typed; nothing was erased")
        return _asking(request, it, word, wrong)
    try:
        await erasure.erase(app, session.actor, id, seen_version(fields))
    except Stale as problem:
        return _asking(request, await use.get(app, session.actor, id), word, problem)
    return see_other("/profiles", flash="Erased. What was counted stays, without the person.")


def _asking(
    request: Request, it: Mapping[str, Any], word: str, problem: Problem | None
) -> Response:
    errors, others = form_errors(problem, {"typed"}) if problem else ({}, [])
    return page(
        request, "profile_erase.html", status=problem.status if problem else 200,
        it=it, title=word, errors=errors, others=others,
    )  # fmt: skip


async def _page(
    request: Request,
    app: App,
    session: Session,
    it: Mapping[str, Any] | None,
    fields: Mapping[str, str],
    problem: Problem | None,
) -> Response:
    errors, others = form_errors(_placed(problem), _FIELDS) if problem else ({}, [])
    return page(
        request, "profile_form.html", status=problem.status if problem else 200,
        it=it, fields=fields, errors=errors, others=others,
        owners=[] if it else await owners_of(app, session.actor),
    )  # fmt: skip


def _shown(it: Mapping[str, Any]) -> dict[str, str]:
    attributes = it["attributes"]
    return {
        **{name: it[name] or "" for name in LINES},
        "addresses": "\n".join(_beside(it)),
        "groups": "\n".join(one["name"] for one in it["groups"]),
        "attributes": json.dumps(attributes, indent=2, ensure_ascii=False) if attributes else "",
    }


def _document(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the whole profile that a form says; raises Invalid for attributes that are no JSON."""
    errors: list[FieldError] = []
    document = {
        **{name: fields.get(name, "").strip() or None for name in LINES},
        "attributes": json_object("attributes", fields, errors) or {},
        "groups": _lines("groups", fields),
        "addresses": _addresses(fields, errors),
    }
    if errors:
        raise Invalid(errors=errors)
    return document


def _patch(fields: Mapping[str, str], it: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs as a merge patch; attributes that are gone are taken away."""
    document = _document(fields)
    patch = {name: document[name] for name in LINES if document[name] != it[name]}
    if changed := difference(it["attributes"], document["attributes"]):
        patch["attributes"] = changed
    if sorted(document["groups"]) != sorted(one["name"] for one in it["groups"]):
        patch["groups"] = document["groups"]
    if document["addresses"] != [address_lines.read(line) for line in _beside(it)]:
        patch["addresses"] = document["addresses"]
    return patch


def _beside(it: Mapping[str, Any]) -> list[str]:
    """Return the addresses beside the primary ones, as lines."""
    return [address_lines.written(one) for one in it["addresses"] if not one["primary"]]


def _addresses(fields: Mapping[str, str], errors: list[FieldError]) -> list[dict[str, Any]]:
    try:
        return [address_lines.read(line) for line in _lines("addresses", fields)]
    except address_lines.NoAddress as error:
        errors.append(FieldError("addresses", str(error)))
        return []


def _lines(name: str, fields: Mapping[str, str]) -> list[str]:
    named = (line.strip() for line in fields.get(name, "").splitlines())
    return list(dict.fromkeys(line for line in named if line))


def _placed(problem: Problem) -> Problem:
    """Return a problem whose addresses are named as the form's lines are."""
    errors = [
        FieldError("addresses", f"line {int(found[1]) + 1}: {one.message}")
        if (found := _ADDRESS.match(one.field))
        else one
        for one in problem.errors
    ]
    return type(problem)(problem.detail, errors=errors)
