"""The list of notifications and each one's page: did it arrive, and if not, why?"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from dashboard import story
from dashboard.choices import categories_of, modules_of
from dashboard.guard import Console, Form, Signed
from dashboard.list_filters import CHOICES, PER_PAGE, ListFilters
from dashboard.rendering import page, see_other
from dashboard.security import SHOWN_MAIL_POLICY
from domain.errors import Conflict, NotFound
from services import acknowledging, notifications
from services.access import Session
from services.app import App
from services.idempotency import Idempotency
from services.notification_filters import NotificationFilters

router = APIRouter(prefix="/notifications")

_CHANGEABLE = ("accepted", "scheduled", "held")
_OPEN = (*_CHANGEABLE, "sending")
_MOST_TOGETHER = 21


@router.get("")
async def show_list(request: Request, app: Console, session: Signed) -> Response:
    """List notifications, newest first, narrowed by the address's filters."""
    filters = ListFilters.read(request.query_params)
    found = await notifications.find(app, session.actor, filters.asked())
    return page(
        request, "notifications.html",
        items=found.items, filters=filters, chips=filters.chips(), choices=CHOICES,
        modules=await modules_of(app, session.actor, "Any module"),
        categories=await categories_of(app, session.actor, "Any category"),
        summary=_counted(found.items), addressee=story.addressee, paged=filters.cursor is not None,
        older=filters.url(cursor=found.next_cursor) if found.next_cursor else None,
        newest=found.items[0]["id"] if found.items else "", may_send=_may(session),
    )  # fmt: skip


@router.get("/newer")
async def show_newer(request: Request, app: Console, session: Signed) -> Response:
    """Say how many notifications of the list came after the one that is shown first."""
    filters = ListFilters.read(request.query_params)
    found = await notifications.find(app, session.actor, filters.asked())
    seen = request.query_params.get("seen", "")
    # Ids are in order of time, also as text: fixed width, ascending alphabet.
    newer = sum(1 for one in found.items if one["id"] > seen)
    return page(request, "newer.html", newer=newer, most=PER_PAGE, url=filters.url())


@router.get("/{id}")
async def show(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Tell what became of a notification, and its story."""
    found = await notifications.get(app, session.actor, id)
    together = await _together(app, session, found)
    # A one-time code is sent again by its own call; what carries it is never changed.
    may = _may(session) and found["otp"] is None
    return page(
        request, "notification.html",
        it=found, answer=story.answer(found), steps=story.steps(found), raw=story.raw,
        tone=story.tone, is_open=found["state"] in _OPEN, key=str(uuid4()),
        may_change=may and found["state"] in _CHANGEABLE,
        may_resend=may and found["finished_at"] is not None,
        may_cancel=may and (found["state"] in _CHANGEABLE or _escalates(found)),
        may_acknowledge=may and _acknowledgeable(found),
        escalation=story.escalation(found), stopped_words=story.stopped_words,
        workflow_url=_workflow_url(app, found), more=_json(found), together=together,
    )  # fmt: skip


@router.get("/{id}/html")
async def show_html(id: str, app: Console, session: Signed) -> Response:
    """Give a mail's HTML for the page's frame; its own policy keeps it from doing anything."""
    content = (await notifications.get(app, session.actor, id))["content"]
    html = content.get("email", {}).get("html")
    if html is None:
        raise NotFound("This notification has no HTML.")
    return HTMLResponse(html, headers={"Content-Security-Policy": SHOWN_MAIL_POLICY})


@router.post("/{id}/cancel")
async def cancel(id: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Cancel what was not sent yet."""
    try:
        await notifications.cancel(app, session.actor, id)
    except Conflict as late:
        return see_other(f"/notifications/{id}", flash=late.detail)
    return see_other(f"/notifications/{id}", flash="Cancelled.")


@router.post("/{id}/acknowledge")
async def acknowledge(id: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Say that somebody took notice of it, which stops its escalation."""
    await acknowledging.acknowledge(app, session.actor, id)
    return see_other(f"/notifications/{id}", flash="Acknowledged.")


@router.post("/{id}/resend")
async def resend(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Ask anew for what a finished notification asked for, once per form."""
    key = Idempotency(fields.get("key", "")[:64] or str(uuid4()), f"/{id}/resend", b"")
    made = await notifications.resend(app, session.actor, id, key)
    return see_other(f"/notifications/{made.content['id']}", flash="Asked for anew.")


def _counted(items: list[dict[str, Any]]) -> str:
    """Return what the page's notifications came to, the troubles first."""
    counted = Counter(one["state"] for one in items)
    order = ("failed", "unknown", "expired", "suppressed", *_OPEN, "cancelled", "sent",
             "delivered", "read")  # fmt: skip
    return ", ".join(f"{counted[state]} {state}" for state in order if counted[state])


async def _together(app: App, session: Session, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the first others of a notification's digest."""
    if found["digest"] is None:
        return []
    filters = NotificationFilters(digest=[found["digest"]["id"]], limit=_MOST_TOGETHER)
    others = (await notifications.find(app, session.actor, filters)).items
    return [one for one in others if one["id"] != found["id"]]


def _workflow_url(app: App, found: Mapping[str, Any]) -> str:
    base, space = app.settings.temporal_ui, app.settings.temporal_namespace
    return f"{base}/namespaces/{space}/workflows/{found['workflow_id']}"


def _json(found: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: json.dumps(found[name], indent=2, ensure_ascii=False)
        for name in ("data", "metadata")
        if found[name]
    }


def _acknowledgeable(found: Mapping[str, Any]) -> bool:
    begun = found["escalation"] is not None and bool(found["deliveries"])
    return begun and found["acknowledged"] is None


def _escalates(found: Mapping[str, Any]) -> bool:
    return found["escalation"] is not None and found["escalation"]["state"] == "waiting"


def _may(session: Session) -> bool:
    return session.actor.may("notifications:write")
