"""Addresses that must not be used: searched, entered, looked at and lifted."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.choices import categories_of, modules_of, words_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors
from dashboard.rendering import page, see_other
from domain.contract.suppression import SuppressionRequest
from domain.errors import Invalid, Problem
from domain.masking import mask
from domain.suppression import SuppressionReason
from domain.vocabulary import Channel, ModuleScope
from services import suppressions as use
from services.access import Session
from services.app import App
from services.fields import validated
from services.suppression_filters import SuppressionFilters

router = APIRouter(prefix="/suppressions")

PER_PAGE: Final = 50
_FILTERS: Final = ("q", "channel", "reason", "category")
_FIELDS: Final = {"channel", "address", "category", "reason", "module", "expires_at", "note"}
REASONS: Final = {
    SuppressionReason.HARD_BOUNCE: "hard bounce",
    SuppressionReason.UNSUBSCRIBE: "unsubscribed",
    SuppressionReason.MANUAL: "by hand",
    SuppressionReason.COMPLAINT: "complaint",
}


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List suppressions, newest first, narrowed by channel, reason, category and text."""
    given = request.query_params
    filters = {name: value for name in _FILTERS if (value := given.get(name, "").strip()[:200])}
    found = await use.find(
        app,
        session.actor,
        SuppressionFilters(
            channel=_one(filters, "channel"),
            reason=_one(filters, "reason"),
            category=_one(filters, "category"),
            q=filters.get("q"),
            limit=PER_PAGE,
            cursor=given.get("cursor"),
        ),
    )
    older = {**filters, "cursor": found.next_cursor} if found.next_cursor else None
    return page(
        request, "suppressions.html",
        items=[_shown(one, session) for one in found.items], filters=filters,
        removals={name: _without(filters, name) for name in filters}, reasons=REASONS,
        reason_choices=[("", "Any reason"), *REASONS.items()],
        channels=words_of(Channel, "Any channel"),
        categories=await categories_of(app, session.actor, "Any category"),
        older=f"/suppressions?{urlencode(older)}" if older else None, paged="cursor" in given,
        may_write=session.actor.may("suppressions:write"),
    )  # fmt: skip


@router.get("/new")
async def show_form(request: Request, app: Console, session: Signed) -> Response:
    """Show the form that suppresses an address."""
    session.actor.require("suppressions:write")
    return await _form(request, app, session, {})


@router.post("")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Suppress an address."""
    try:
        asked = validated(SuppressionRequest, _document(fields))
        module = fields.get("module") or None
        made = await use.create(app, session.actor, asked, module=module, source="dashboard")
    except Invalid as problem:
        return await _form(request, app, session, fields, problem)
    known = made.status == 200
    told = "It was suppressed before; the stronger reason stays." if known else "Suppressed."
    return see_other(f"/suppressions/{made.content['id']}", flash=told)


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show a suppression, and the form that lifts it."""
    return await _detail(request, id, app, session)


@router.post("/{id}/lift")
async def lift(request: Request, id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Lift a suppression, a complaint with the words why."""
    try:
        await use.remove(app, session.actor, id, why=fields.get("reason", ""))
    except Invalid as problem:
        return await _detail(request, id, app, session, problem)
    return see_other("/suppressions", flash="Lifted. Messages to this address go out again.")


async def _form(
    request: Request,
    app: App,
    session: Session,
    fields: Mapping[str, str],
    problem: Problem | None = None,
) -> Response:
    errors, others = form_errors(problem, _FIELDS) if problem else ({}, [])
    return page(
        request, "suppression_new.html", status=problem.status if problem else 200,
        fields=fields, errors=errors, others=others, channels=words_of(Channel),
        reasons=[(one.value, words) for one, words in REASONS.items()],
        categories=await categories_of(app, session.actor, "All categories"),
        modules=await modules_of(app, session.actor, "All modules"),
    )  # fmt: skip


async def _detail(
    request: Request, id: str, app: App, session: Session, problem: Problem | None = None
) -> Response:
    found = await use.get(app, session.actor, id)
    if found["created_by"]:
        found = {**found, "created_by_name": await use.name_of(app, found["created_by"])}
    errors, _ = form_errors(problem, {"reason"}) if problem else ({}, [])
    return page(
        request, "suppression.html", status=problem.status if problem else 200,
        it=_shown(found, session), words=REASONS[SuppressionReason(found["reason"])],
        complaint=found["reason"] == SuppressionReason.COMPLAINT, errors=errors,
        may_write=session.actor.may("suppressions:write"),
    )  # fmt: skip


def _document(fields: Mapping[str, str]) -> dict[str, Any]:
    names = ("channel", "address", "category", "reason", "note")
    given = {name: fields.get(name, "").strip() for name in names}
    day = fields.get("expires_at", "").strip()
    return {
        **{name: value for name, value in given.items() if value},
        "scope": ModuleScope.MODULE if fields.get("module") else ModuleScope.ALL,
        "expires_at": f"{day}T00:00:00Z" if day else None,
    }


def _shown(one: dict[str, Any], session: Session) -> dict[str, Any]:
    """Show whole addresses only to those who keep the list."""
    if session.actor.may("suppressions:write"):
        return one
    return {**one, "address": mask(one["address"])}


def _one(filters: Mapping[str, str], name: str) -> tuple[str, ...]:
    return (filters[name],) if name in filters else ()


def _without(filters: Mapping[str, str], removed: str) -> str:
    left = urlencode({name: value for name, value in filters.items() if name != removed})
    return f"/suppressions?{left}" if left else "/suppressions"
