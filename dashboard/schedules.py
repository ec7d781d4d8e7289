"""Schedules: what fires when, the coming weeks, and what became of the latest times."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import form_errors, moment
from dashboard.rendering import page, see_other
from domain.contract.schedule import RULES, PauseRequest, Revoke, StandingApproval
from domain.errors import FieldError, Invalid, Problem
from services import schedule_by_hand as by_hand
from services import schedules as use
from services.access import Session
from services.app import App
from services.fields import validated
from services.paging import MAX_LIMIT
from services.schedule_agenda import agenda

router = APIRouter(prefix="/schedules")

_TONES = {"active": "delivered", "paused": "held", "finished": "expired"}
_RUNS = {"fired": "sent", "waiting": "waiting", "failed": "failed"}


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List the schedules with the coming weeks."""
    found = await use.find(
        app, session.actor, limit=MAX_LIMIT, cursor=request.query_params.get("cursor")
    )
    items = [{**one, "rule": rule_words(one)} for one in found.items]
    return page(
        request, "schedules.html", items=items, older=found.next_cursor, tones=_TONES,
        weeks=await agenda(app, session.actor),
    )  # fmt: skip


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show a schedule: when next, the coming weeks, what became of the latest times."""
    return await _look(request, id, app, session)


@router.post("/{id}/pause")
async def pause(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Let a schedule rest."""
    await use.pause(app, session.actor, id, PauseRequest(note=fields.get("note", "")[:500]))
    return see_other(f"/schedules/{id}", flash="The schedule is paused.")


@router.post("/{id}/resume")
async def resume(id: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Let a schedule go on."""
    await use.resume(app, session.actor, id)
    return see_other(f"/schedules/{id}", flash="The schedule goes on.")


@router.post("/{id}/trigger")
async def trigger(
    request: Request, id: str, app: Console, session: Signed, _fields: Form
) -> Response:
    """Fire a schedule now; what cannot be done is told on its page."""
    try:
        await by_hand.trigger(app, session.actor, id)
    except Problem as problem:
        return await _look(request, id, app, session, problem)
    return see_other(f"/schedules/{id}", flash="It fired once, besides its times.")


@router.post("/{id}/approve")
async def approve(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Approve its campaigns beforehand: to so many, and until the end of a day in its zone."""
    it = await use.get(app, session.actor, id)
    until = f"{fields['until']}T23:59:59" if fields.get("until") else ""
    errors: list[FieldError] = []
    ends = moment("until", {"until": until, "zone": it["timezone"]}, errors)
    asked = {**fields, "until": ends}
    try:
        if errors or ends is None:
            raise Invalid(errors=errors or [FieldError("until", "is needed: the last day")])
        given = {name: asked[name] for name in ("hash", "largest", "until", "reason")}
        await use.approve(app, session.actor, id, validated(StandingApproval, given))
    except Problem as problem:
        return await _look(request, id, app, session, problem, fields)
    return see_other(f"/schedules/{id}", flash="Your approval stands.")


@router.post("/{id}/revoke")
async def revoke(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Take its standing approvals back."""
    try:
        asked = validated(Revoke, {"reason": fields.get("reason", "")})
        await use.revoke(app, session.actor, id, asked)
    except Problem as problem:
        return await _look(request, id, app, session, problem, fields)
    return see_other(f"/schedules/{id}", flash="Revoked: each campaign waits for approval.")


def rule_words(one: dict[str, Any]) -> str:
    """Return when a schedule fires, in words."""
    name = next(rule for rule in RULES if one[rule] is not None)
    given, zone = one[name], "" if one["timezone"] == "UTC" else f" in {one['timezone']}"
    match name:
        case "every":
            return "every " + " and ".join(f"{n} {_unit(unit, n)}" for unit, n in given.items())
        case "cron":
            return f"cron {given}{zone}"
        case "at":
            return "once"
    return f"calendar {json.dumps(given[0] if len(given) == 1 else given)}{zone}"


def _unit(unit: str, number: int) -> str:
    return unit.removesuffix("s") if number == 1 else unit


async def _look(
    request: Request,
    id: str,
    app: App,
    session: Session,
    problem: Problem | None = None,
    fields: Mapping[str, str] | None = None,
) -> Response:
    found = await use.get(app, session.actor, id)
    errors, others = form_errors(problem, {"largest", "until", "reason"}) if problem else ({}, [])
    return page(
        request, "schedule.html", status=problem.status if problem else 200,
        it=found, rule=rule_words(found), tones=_TONES, run_tones=_RUNS,
        weeks=await agenda(app, session.actor, only=found), wrong="; ".join(others),
        said=json.dumps(found["action"], indent=2, ensure_ascii=False),
        fields=fields or {}, errors=errors,
        may_write=session.actor.may("schedules:write"),
        may_approve=session.actor.may("approvals:write"),
    )  # fmt: skip
