"""What the sandbox accounts and the SMTP sink received, as its recipients would see it."""

import json
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from dashboard.choices import words_of
from dashboard.guard import Console, Signed
from dashboard.rendering import page
from dashboard.security import SHOWN_MAIL_POLICY
from domain.errors import NotFound
from domain.ids import InvalidId, decode
from domain.vocabulary import Channel
from services import outbox
from services.access import Actor
from services.app import App
from services.paging import encode_cursor

router = APIRouter(prefix="/outbox")

PER_PAGE: Final = 25
_ICONS: Final = {
    "email": "mail", "sms": "phone", "push": "bell", "webpush": "bell", "inapp": "bell",
    "whatsapp": "chat", "telegram": "chat",
}  # fmt: skip
_SHOWN: Final = frozenset({
    "subject", "from", "reply_to", "text", "html", "attachments", "title", "body", "url",
    "encoding", "segments",
})  # fmt: skip
_NO_LIMIT: Final = 2**128 - 1


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List received messages, newest first, narrowed by channel, address and notification."""
    asked = request.query_params
    filters = {
        name: value.strip()
        for name in ("channel", "address", "notification")
        if (value := asked.get(name, "")).strip()
    }
    found = await outbox.find(
        app, session.actor,
        channel=_one(filters, "channel"), address=_one(filters, "address"),
        notification=_one(filters, "notification"),
        limit=PER_PAGE, cursor=asked.get("cursor"),
    )  # fmt: skip
    older = {**filters, "cursor": found.next_cursor} if found.next_cursor else None
    return page(
        request, "outbox.html",
        messages=[_shown(item) for item in found.items], filters=filters,
        removals={name: _without(filters, name) for name in filters},
        channels=words_of(Channel, "Every channel"),
        older=f"/outbox?{urlencode(older)}" if older else None, paged="cursor" in asked,
    )  # fmt: skip


@router.get("/{message}/html")
async def show_html(message: str, app: Console, session: Signed) -> Response:
    """Give a mail's HTML for a frame of the list; its own policy keeps it from doing anything."""
    html = (await _get(app, session.actor, message))["content"].get("html")
    if html is None:
        raise NotFound("This message has no HTML.")
    return HTMLResponse(html, headers={"Content-Security-Policy": SHOWN_MAIL_POLICY})


async def _get(app: App, actor: Actor, message: str) -> dict[str, Any]:
    try:
        wanted = decode("msg", message)
    except InvalidId as error:
        raise NotFound(str(error)) from None
    # The list is by keyset: the first row before the next possible id is the message itself.
    after = encode_cursor(UUID(int=min(wanted.int + 1, _NO_LIMIT)))
    items = (await outbox.find(app, actor, limit=1, cursor=after)).items
    if not items or items[0]["id"] != message:
        raise NotFound("This message is not here; the outbox is emptied after some days.")
    return items[0]


def _shown(item: dict[str, Any]) -> dict[str, Any]:
    """Return a message with its headline, and whatever has no place of its own as JSON text."""
    content = item["content"]
    names = ("subject", "title", "text", "template")
    headline = next((content[name] for name in names if content.get(name)), "")
    rest = {name: value for name, value in content.items() if name not in _SHOWN}
    return {
        **item,
        "icon": _ICONS.get(item["channel"], "mail"),
        "headline": str(headline).strip().partition("\n")[0][:160] or "(no text)",
        "rest": json.dumps(rest, ensure_ascii=False, indent=2) if rest else None,
    }


def _one(filters: dict[str, str], name: str) -> tuple[str, ...]:
    return (filters[name],) if name in filters else ()


def _without(filters: dict[str, str], removed: str) -> str:
    left = urlencode({name: value for name, value in filters.items() if name != removed})
    return f"/outbox?{left}" if left else "/outbox"
