"""Would it be sent? Asked for one recipient, answered by the rules that decide for real."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard import profile_words
from dashboard.choices import categories_of, words_of
from dashboard.guard import Console, Signed
from dashboard.message_forms import checked, form_errors, moment
from dashboard.rendering import page
from domain.contract.base import Moment
from domain.contract.base import Request as Contract
from domain.errors import FieldError, Invalid
from domain.masking import mask
from domain.vocabulary import Channel
from services import explaining
from services import profiles as use
from services.access import Session
from services.app import App

router = APIRouter(prefix="/profiles")

EFFECTS: Final = {
    "allows": ("does not stop it", "sent"),
    "exempts": ("outranks what was chosen", "sent"),
    "holds": ("holds it", "waiting"),
    "expires": ("lets it expire", "expired"),
    "suppresses": ("stops it", "suppressed"),
}
_FIELDS: Final = {"category", "channel", "at", "zone"}


class _When(Contract):
    """When it is asked for, and on which channel; nothing means now, and whichever is preferred."""

    channel: Channel | None = None
    at: Moment | None = None


@router.get("/{id}/explain")
async def show(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show the form, and once a category was named the answer with every rule."""
    it = await use.get(app, session.actor, id)
    fields = dict(request.query_params)
    answer, problem = None, None
    if "category" in fields:
        try:
            answer = await _answer(app, session, id, fields)
        except Invalid as wrong:
            problem = wrong
    errors, others = form_errors(problem, _FIELDS) if problem else ({}, [])
    return page(
        request, "profile_explain.html", status=problem.status if problem else 200,
        it=it, title=profile_words.title(it, session), fields=fields, errors=errors, others=others,
        categories=await categories_of(app, session.actor, "Choose one", classes=True),
        channels=words_of(Channel, "Whichever they prefer"), answer=answer, effects=EFFECTS,
    )  # fmt: skip


async def _answer(app: App, session: Session, id: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the answer with its addresses as the user may see them; raises Invalid."""
    category = fields["category"].strip()
    errors = [] if category else [FieldError("category", "is needed: the rules hang on it")]
    at = moment("at", fields, errors)
    if errors:
        raise Invalid(errors=errors)
    when = checked(_When, {"channel": fields.get("channel") or None, "at": at})
    found = await explaining.explain(
        app, session.actor, id, category=category, channel=when.channel, at=when.at
    )
    if not profile_words.may_write(session):
        for one in (found, *found["channels"]):
            one["address"] = mask(one["address"] or "") or None
    return found
