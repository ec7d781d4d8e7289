"""Rotas: who is on duty now and in the coming weeks, and the forms that say so."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors, seen_version
from dashboard.rendering import page, see_other
from domain.contract.rota import RotaRequest
from domain.errors import Conflict, FieldError, Invalid, Problem, Stale
from domain.ids import InvalidId, decode
from domain.rota import Turn
from domain.timezones import known_timezones
from services import rotas as use
from services.access import Session
from services.fields import validated
from services.paging import MAX_LIMIT

router = APIRouter(prefix="/rotas")

_FIELDS: Final = {"name", "members", "every", "start", "handover", "timezone", "profile",
                  "start_at", "end_at"}  # fmt: skip
_EMPTY: Final = {
    "id": "", "name": "", "members": [], "every": Turn.WEEK, "start": "", "handover": "09:00",
    "timezone": "UTC", "version": 0,
}  # fmt: skip
_OVERRIDE: Final = re.compile(r"^overrides\[\d+\]\.")
_TURNS: Final = [(Turn.WEEK, "a week each"), (Turn.DAY, "a day each")]


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List the rotas with who is on duty now."""
    found = await use.find(
        app, session.actor, limit=MAX_LIMIT, cursor=request.query_params.get("cursor")
    )
    return page(
        request, "rotas.html", items=found.items, older=found.next_cursor, called=called,
        may_write=session.actor.may("rotas:write"),
    )  # fmt: skip


@router.get("/-/new")
async def show_form(request: Request, session: Signed) -> Response:
    """Show the form of a new rota."""
    session.actor.require("rotas:write")
    return page(request, "rota_form.html", **_form(_EMPTY, {}, None))


@router.post("")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Make a rota."""
    try:
        made = await use.create(app, session.actor, validated(RotaRequest, _document(fields)))
    except (Invalid, Conflict) as problem:
        return page(
            request, "rota_form.html", status=problem.status, **_form(_EMPTY, fields, problem)
        )
    return see_other(f"/rotas/{made.content['id']}", flash=f"The rota {fields['name']} is there.")


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show who is on duty now and in the coming weeks, with the forms that change it."""
    return await _look(request, id, app, session, {}, None)


@router.post("/{id}")
async def change(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Change a rota; somebody else's change meanwhile is not overwritten."""
    try:
        await use.change(app, session.actor, id, _document(fields), seen_version(fields))
    except (Invalid, Conflict, Stale) as problem:
        return await _look(request, id, app, session, fields, problem)
    return see_other(f"/rotas/{id}", flash="The rota is changed.")


@router.post("/{id}/stand-in")
async def stand_in(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Let somebody be on duty for a while instead of whoever has the turn."""
    found = await use.get(app, session.actor, id)
    zone = found["timezone"]
    one = {
        "profile": _ref(fields.get("profile", "")),
        "start_at": _moment(fields.get("start_at", ""), zone),
        "end_at": _moment(fields.get("end_at", ""), zone),
    }
    try:
        given = {"overrides": [*found["overrides"], one]}
        await use.change(app, session.actor, id, given, seen_version(fields))
    except (Invalid, Conflict, Stale) as problem:
        return await _look(request, id, app, session, fields, problem)
    return see_other(f"/rotas/{id}", flash="Somebody stands in.")


@router.post("/{id}/stand-in/{place}/remove")
async def remove_stand_in(
    request: Request, id: str, place: int, app: Console, session: Signed, fields: Form
) -> Response:
    """Let whoever has the turn be on duty again."""
    found = await use.get(app, session.actor, id)
    left = [one for number, one in enumerate(found["overrides"]) if number != place]
    try:
        await use.change(app, session.actor, id, {"overrides": left}, seen_version(fields))
    except (Invalid, Stale) as problem:
        return await _look(request, id, app, session, fields, problem)
    return see_other(f"/rotas/{id}", flash="Nobody stands in then.")


@router.post("/{id}/remove")
async def remove(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Remove a rota."""
    try:
        await use.remove(app, session.actor, id, seen_version(fields))
    except Stale as problem:
        return await _look(request, id, app, session, fields, problem)
    return see_other("/rotas", flash="The rota is gone.")


def called(one: Mapping[str, Any], profile: str | None) -> str:
    """Return what a rota's profile is called: its name, else its id."""
    return one["names"].get(profile) or profile or ""


async def _look(
    request: Request,
    id: str,
    app: Any,
    session: Session,
    fields: Mapping[str, str],
    problem: Problem | None,
) -> Response:
    found = await use.get(app, session.actor, id)
    told = await use.duty(app, session.actor, id)
    return page(
        request, "rota.html", status=problem.status if problem else 200, told=told, called=called,
        may_write=session.actor.may("rotas:write"), **_form(found, fields, problem),
    )  # fmt: skip


def _form(
    it: Mapping[str, Any], fields: Mapping[str, str], problem: Problem | None
) -> dict[str, Any]:
    errors, others = form_errors(_in_form(problem), _FIELDS) if problem else ({}, [])
    shown = {**it, "members": "\n".join(it["members"]), **fields}
    return {
        "it": it, "fields": shown, "errors": errors, "others": others, "turns": _TURNS,
        "zones": [(one, one) for one in sorted(known_timezones())],
    }  # fmt: skip


def _in_form(problem: Problem) -> Problem:
    """Return a problem with its fields as the forms have them."""
    fields = [
        FieldError(_OVERRIDE.sub("", one.field).removesuffix(".external_id"), one.message)
        for one in problem.errors
    ]
    return type(problem)(problem.detail, errors=fields)


def _document(fields: Mapping[str, str]) -> dict[str, Any]:
    listed = [line.strip() for line in fields.get("members", "").splitlines() if line.strip()]
    return {
        "name": fields.get("name", "").strip(),
        "members": [_ref(one) for one in listed],
        "every": fields.get("every", ""),
        "start": fields.get("start", ""),
        "handover": fields.get("handover", ""),
        "timezone": fields.get("timezone", ""),
    }


def _ref(text: str) -> Any:
    """Return a profile as a form names it: by its id, else by its external id."""
    text = text.strip()
    try:
        decode("prf", text)
    except InvalidId:
        return {"external_id": text}
    return text


def _moment(text: str, zone: str) -> str:
    """Return what a datetime-local field says as a moment in a zone; other text as it is."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).isoformat()
    except ValueError:
        return text
