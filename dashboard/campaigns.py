"""Campaigns: the list, one of them live with its ledger, and what may be done with it."""

from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from dashboard.campaign_fields import pace_fields, pace_of
from dashboard.campaign_forms import STEPS
from dashboard.choices import words_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import moment
from dashboard.rendering import page, see_other
from dashboard.security import PREVIEWING_POLICY
from domain.campaign import FINAL, CampaignState
from domain.contract.campaign import (
    Approve,
    CampaignPatch,
    CampaignPreview,
    ChooseWinner,
    Reject,
    SettleUnknown,
    Submit,
)
from domain.errors import FieldError, Invalid, Problem
from services import campaign_approvals as approvals
from services import campaign_ledger as ledgers
from services import campaign_previews as previews
from services import campaign_steps as steps
from services import campaign_tests as tests
from services import campaigns as use
from services.access import Session
from services.app import App
from services.campaign_ledger import DeliveryFilters
from services.campaign_tests import is_open
from services.fields import validated

router = APIRouter(prefix="/campaigns")

PER_PAGE: Final = 50
TONES: Final = {
    CampaignState.DRAFT: "cancelled", CampaignState.RESOLVING: "sending",
    CampaignState.AWAITING_APPROVAL: "unknown", CampaignState.APPROVED: "scheduled",
    CampaignState.SENDING: "sending", CampaignState.PAUSED: "held",
    CampaignState.COMPLETED: "delivered", CampaignState.REJECTED: "failed",
    CampaignState.EXPIRED: "expired",
    CampaignState.ABORTED: "cancelled",
}  # fmt: skip
"""Which state of a delivery a campaign's state looks like."""
CANARY_TONES: Final = {
    "sending": "sending", "waiting": "held", "passed": "delivered", "stopped": "failed",
    "overridden": "unknown", "skipped": "cancelled",
}  # fmt: skip
WORDS: Final = {one: one.value.replace("_", " ") for one in CampaignState}
_LIVE: Final = frozenset(
    {CampaignState.RESOLVING, CampaignState.APPROVED, CampaignState.SENDING, CampaignState.PAUSED}
)
_STEPS: Final = {
    "pause": (steps.pause, "Paused: nothing more leaves."),
    "resume": (steps.resume, "Resumed."),
    "abort": (steps.abort, "Aborted: what was not sent is cancelled."),
    "resend-missed": (steps.resend_missed, "What was missed waits for approval."),
}
_MAY: Final = {
    CampaignState.DRAFT: ("edit", "preview", "submit"),
    CampaignState.REJECTED: ("edit", "preview", "submit"),
    CampaignState.EXPIRED: ("edit", "preview", "submit"),
    CampaignState.RESOLVING: ("abort",),
    CampaignState.AWAITING_APPROVAL: ("edit", "abort"),
    CampaignState.APPROVED: ("pace", "pause", "abort"),
    CampaignState.SENDING: ("pace", "pause", "abort"),
    CampaignState.PAUSED: ("pace", "resume", "abort"),
    CampaignState.COMPLETED: ("resend",),
    CampaignState.ABORTED: ("resend",),
}
_SAMPLES: Final = 20


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List campaigns, newest first, narrowed by state and name."""
    given = request.query_params
    state, q = given.get("state", ""), given.get("q", "").strip()[:200]
    known = state if state in list(CampaignState) else ""
    found = await use.find(
        app, session.actor, state=[known] if known else [], q=q or None, limit=PER_PAGE,
        cursor=given.get("cursor"),
    )  # fmt: skip
    filters = {name: value for name, value in (("state", known), ("q", q)) if value}
    older = {**filters, "cursor": found.next_cursor} if found.next_cursor else None
    return page(
        request, "campaigns.html", items=found.items, filters=filters, tones=TONES, words=WORDS,
        states=[("", "Any state"), *((one, WORDS[CampaignState(one)]) for one, _ in _states())],
        older=f"/campaigns?{urlencode(older)}" if older else None, paged="cursor" in given,
        may_write=session.actor.may("campaigns:write"),
    )  # fmt: skip


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show a campaign: where it stands, its ledger, and what may be done."""
    return await _detail(request, id, app, session)


@router.get("/{id}/preview")
async def preview(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Try a campaign over its real audience, and show what would go out."""
    return await _tried(request, id, app, session, "campaign_preview.html")


@router.get("/{id}/approval")
async def approval(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show precisely what goes out once it is approved, who may, and what was said before."""
    return await _tried(request, id, app, session, "campaign_approval.html")


@router.get("/{id}/deliveries")
async def deliveries(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show the list behind a number of the ledger."""
    given = request.query_params
    filters = _filters(request)
    found = await use.get(app, session.actor, id)
    listed = await ledgers.find(
        app, session.actor, id, DeliveryFilters(**filters), limit=PER_PAGE,
        cursor=given.get("cursor"),
    )  # fmt: skip
    older = {**filters, "cursor": listed.next_cursor} if listed.next_cursor else None
    return page(
        request, "campaign_deliveries.html", it=found, items=listed.items, filters=filters,
        csv=f"/campaigns/{found['id']}/deliveries.csv?{urlencode(filters, doseq=True)}",
        older=f"/campaigns/{id}/deliveries?{urlencode(older, doseq=True)}" if older else None,
        paged="cursor" in given,
    )  # fmt: skip


@router.get("/{id}/deliveries.csv")
async def export(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Stream the list behind a number as CSV."""
    narrowed = DeliveryFilters(**_filters(request))
    rows = await ledgers.stream(app, session.actor, id, narrowed)
    headers = {"Content-Disposition": 'attachment; filename="deliveries.csv"'}
    return StreamingResponse(rows, media_type="text/csv; charset=utf-8", headers=headers)


@router.post("/{id}/approve")
async def approve(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Approve exactly what the page showed."""
    asked = {"hash": fields.get("hash", ""), "reason": fields.get("reason", "")}
    try:
        await approvals.approve(app, session.actor, id, validated(Approve, asked))
    except Problem as problem:
        return await _tried(request, id, app, session, "campaign_approval.html", problem)
    return see_other(f"/campaigns/{id}", flash="Your approval is kept.")


@router.post("/{id}/reject")
async def reject(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Send a campaign back to its author."""
    try:
        asked = validated(Reject, {"reason": fields.get("reason", "")})
        await approvals.reject(app, session.actor, id, asked)
    except Problem as problem:
        return await _tried(request, id, app, session, "campaign_approval.html", problem)
    return see_other(f"/campaigns/{id}", flash="Rejected; its author can change it.")


@router.post("/{id}/pace")
async def pace(request: Request, id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Change how fast it sends."""
    pace = pace_of(fields)
    try:
        asked = validated(CampaignPatch, {"pace": {"ramp": None, **pace} if pace else None})
        await use.change(app, session.actor, id, asked)
    except Problem as problem:
        return await _detail(request, id, app, session, problem)
    return see_other(f"/campaigns/{id}", flash="The pace is changed.")


@router.post("/{id}/winner")
async def winner(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Choose which variant of a test the others get."""
    given = {name: fields.get(name, "") for name in ("variant", "reason")}
    try:
        await tests.choose(app, session.actor, id, validated(ChooseWinner, given))
    except Problem as problem:
        return await _detail(request, id, app, session, problem)
    return see_other(f"/campaigns/{id}", flash=f"Variant {given['variant']} goes to all others.")


@router.post("/{id}/unknown")
async def settle(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Settle what nobody knows, all of it, as sent or as not sent."""
    asked = SettleUnknown(sent=fields.get("as") == "sent")
    await ledgers.settle_unknown(app, session.actor, id, asked)
    return see_other(f"/campaigns/{id}", flash="Settled.")


@router.post("/{id}/submit")
async def submit(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Submit a draft; by when it is to be approved may be said."""
    errors: list[FieldError] = []
    ends = moment("approve_by", fields, errors)
    try:
        if errors:
            raise Invalid(errors=errors)
        await steps.submit(app, session.actor, id, validated(Submit, {"approve_by": ends}))
    except Problem as problem:
        return await _detail(request, id, app, session, problem)
    return see_other(f"/campaigns/{id}", flash="Submitted: its audience is being resolved.")


@router.post("/{id}/{step}")
async def take(
    request: Request, id: str, step: str, app: Console, session: Signed, _: Form
) -> Response:
    """Pause, resume, abort, or ask for what was missed."""
    found = _STEPS.get(step)
    if found is None:
        return see_other(f"/campaigns/{id}")
    work, told = found
    try:
        await work(app, session.actor, id)
    except Problem as problem:
        return await _detail(request, id, app, session, problem)
    return see_other(f"/campaigns/{id}", flash=told)


async def _detail(
    request: Request, id: str, app: App, session: Session, problem: Problem | None = None
) -> Response:
    found = await use.get(app, session.actor, id)
    ledger = await ledgers.ledger(app, session.actor, id)
    state = CampaignState(found["state"])
    done = ledger["asked"] - ledger["waiting"]
    missed = sum(ledger[name] for name in ("failed", "expired")) + _aborted(ledger)
    may = _MAY[state] if session.actor.may("campaigns:write") else ()
    if state in FINAL and not missed and not ledger["unknown"]:
        may = ()
    return page(
        request, "campaign.html", status=problem.status if problem else 200, it=found,
        ledger=ledger, tones=TONES, words=WORDS, is_live=state in _LIVE, problem=problem,
        share=1000 * done // ledger["asked"] if ledger["asked"] else 0, done=done,
        may=may, missed=missed, canary_tones=CANARY_TONES, pace_fields=pace_fields(found["pace"]),
        may_choose=session.actor.may("*") and is_open(state, found["ab_test"]),
        may_decide=state is CampaignState.AWAITING_APPROVAL
        and session.actor.may("approvals:write"),
    )  # fmt: skip


async def _tried(
    request: Request,
    id: str,
    app: App,
    session: Session,
    template: str,
    problem: Problem | None = None,
) -> Response:
    found = await use.get(app, session.actor, id)
    tried = await previews.preview(app, session.actor, id, CampaignPreview(samples=_SAMPLES))
    state = CampaignState(found["state"])
    answer = page(
        request, template, status=problem.status if problem else 200, it=found, tried=tried,
        tones=TONES, words=WORDS, problem=problem, steps=STEPS, at="try",
        may_submit="submit" in _MAY[state] and session.actor.may("campaigns:write"),
        may_decide=state is CampaignState.AWAITING_APPROVAL
        and session.actor.may("approvals:write"),
    )  # fmt: skip
    answer.headers["Content-Security-Policy"] = PREVIEWING_POLICY
    return answer


def _filters(request: Request) -> dict[str, tuple[str, ...]]:
    """Return the filters of an address, of which each may have several values."""
    given = request.query_params
    found = {name: tuple(given.getlist(name)) for name in ("state", "reason", "channel", "variant")}
    return {name: values for name, values in found.items() if any(values)}


def _aborted(ledger: dict[str, Any]) -> int:
    reasons = ledger["reasons"].get("cancelled", {})
    return sum(reasons.get(one, 0) for one in ("aborted", "rejected"))


def _states() -> list[tuple[str, str]]:
    return words_of(CampaignState)
