"""Composing one notification: the simple client, and the same request as a curl line."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.choices import categories_of, words_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import (
    TEMPLATE,
    WORDS,
    checked,
    curl,
    form_errors,
    request_document,
)
from dashboard.rendering import page, see_other
from dashboard.security import PREVIEWING_POLICY
from domain.contract.notification import NotificationRequest
from domain.errors import Invalid, Problem, Unavailable
from domain.vocabulary import Priority
from services import drafts, notifications, templates
from services.access import Actor, Session
from services.app import App
from services.idempotency import Idempotency
from services.paging import MAX_LIMIT
from services.template_filters import TemplateFilters

router = APIRouter(prefix="/compose")


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """Show the form; `say` and `recipient` may be given by the address."""
    fields = {
        name: value for name in ("say", "recipient") if (value := request.query_params.get(name))
    }
    return await _page(request, app, session, fields)


@router.post("")
async def act(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Send what the form says, show what it would become, or show the form for another channel."""
    if fields.get("do") == "change":
        return await _page(request, app, session, fields)
    try:
        document = request_document(fields)
        asked = checked(NotificationRequest, document)
        if fields.get("do") == "preview":
            shown = await drafts.preview(app, session.actor, asked)
            return await _page(request, app, session, fields, preview=shown, document=document)
        key = Idempotency(fields.get("key", "")[:64] or str(uuid4()), "/compose", _body(document))
        made = await notifications.accept(app, session.actor, asked, key)
    except (Invalid, Unavailable) as problem:
        return await _page(request, app, session, fields, problem=problem)
    id = made.content["id"]
    said = "It was accepted before; this is it." if made.replayed else "Accepted."
    return see_other(f"/notifications/{id}", flash=said)


async def _page(
    request: Request,
    app: App,
    session: Session,
    fields: Mapping[str, str],
    *,
    problem: Problem | None = None,
    preview: dict[str, Any] | None = None,
    document: dict[str, Any] | None = None,
) -> Response:
    say = fields.get("say", "email")
    say = say if say in WORDS or say == TEMPLATE else "email"
    known = {"recipient", "template", "data", "category", "priority", "send_at", "expires_at",
             "zone", *(f"content.{say}.{one.name}" for one in WORDS.get(say, ()))}  # fmt: skip
    errors, others = form_errors(problem, known) if problem else ({}, [])
    answer = page(
        request, "compose.html", status=problem.status if problem else 200,
        fields=fields, say=say, errors=errors, others=others, preview=preview,
        says=_says(), words=WORDS.get(say, ()),
        priorities=words_of(Priority, "As its category says"),
        key=fields.get("key") or str(uuid4()), zone=fields.get("zone", "").strip() or "UTC",
        categories=await categories_of(
            app, session.actor, "transactional, or the template's", classes=True
        ),
        templates=await _templates(app, session.actor) if say == TEMPLATE else [],
        curl=curl(str(request.base_url).rstrip("/"), document) if document else None,
        may_send=session.actor.may("notifications:write"),
    )  # fmt: skip
    if preview is not None:
        answer.headers["Content-Security-Policy"] = PREVIEWING_POLICY
    return answer


def _says() -> list[tuple[str, str]]:
    words = {"email": "An e-mail", "sms": "An SMS", "push": "A mobile push notice",
             "webpush": "A web push notice", "whatsapp": "A WhatsApp message",
             "telegram": "A Telegram message", "inapp": "A notice in the app"}  # fmt: skip
    return [*words.items(), (TEMPLATE, "The words of a template")]


async def _templates(app: App, actor: Actor) -> list[tuple[str, str]]:
    found = (await templates.find(app, actor, TemplateFilters(limit=MAX_LIMIT))).items
    return sorted(
        (one["key"], f"{one['name'] or one['key']} (version {one['published_version']})")
        for one in found
        if one["published_version"]
    )


def _body(document: Mapping[str, Any]) -> bytes:
    return repr(sorted(document.items())).encode("utf-8", "surrogatepass")
