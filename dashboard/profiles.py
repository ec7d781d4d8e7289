"""Profiles: who is known, and all that is known of one of them."""

import json
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse
from starlette.datastructures import QueryParams

from dashboard import profile_words
from dashboard.guard import Console, Form, Signed
from dashboard.profile_words import may_write
from dashboard.rendering import page, see_other
from dashboard.story import done_words
from domain.contract.preferences import LinkRequest
from domain.suppression import SuppressionReason
from services import (
    devices,
    engagements,
    notifications,
    preference_links,
    preferences,
    profile_export,
    replies,
)
from services import profiles as use
from services import suppressions as held
from services.access import Session
from services.app import App
from services.notification_filters import NotificationFilters
from services.profile_filters import ProfileFilters
from services.suppression_filters import SuppressionFilters

router = APIRouter(prefix="/profiles")

PER_PAGE: Final = 50
_SHORT: Final = 20
_FILTERS: Final = ("q", "external_id", "email", "phone", "group")
_WORDS: Final = {"q": "words", "external_id": "external id"}
_LINK_DAYS: Final = 7


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List profiles, newest first, narrowed as GET /v1/profiles is."""
    given = request.query_params
    pairs = _pairs(given)
    found = await use.find(app, session.actor, _asked(pairs, given.get("cursor")))
    older = [*pairs, ("cursor", found.next_cursor)] if found.next_cursor else None
    return page(
        request, "profiles.html",
        items=[_listed(one, session) for one in found.items], filters=dict(pairs),
        chips=[(_WORDS.get(name, name), value, _url(pairs, name)) for name, value in pairs],
        older=f"/profiles?{urlencode(older)}" if older else None, paged="cursor" in given,
        may_write=may_write(session), attribute=_typed(given) or _attribute(pairs),
    )  # fmt: skip


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show a profile: how to reach it, what it chose, what was sent to it and why not."""
    return await _detail(request, id, app, session)


@router.post("/{id}/link")
async def make_link(
    request: Request, id: str, app: Console, session: Signed, _fields: Form
) -> Response:
    """Make a link to the recipient's preference centre and show it, this once."""
    ttl = LinkRequest(ttl_seconds=_LINK_DAYS * 86_400)
    made = await preference_links.issue(app, session.actor, id, ttl)
    return await _detail(request, id, app, session, link=made)


@router.post("/{id}/devices/{device}/remove")
async def remove_device(
    id: str, device: str, app: Console, session: Signed, _fields: Form
) -> Response:
    """Remove a device."""
    await devices.remove(app, session.actor, id, device)
    return see_other(f"/profiles/{id}", flash="The device is gone.")


@router.get("/{id}/export")
async def export(id: str, app: Console, session: Signed) -> Response:
    """Download all that is kept about a profile."""
    session.actor.require("profiles:write")
    pieces = await profile_export.export(app, session.actor, id)
    name = f'attachment; filename="{id}.json"'
    return StreamingResponse(
        pieces, media_type="application/json", headers={"Content-Disposition": name}
    )


async def _detail(request: Request, id: str, app: App, session: Session, **more: Any) -> Response:
    it = await use.get(app, session.actor, id)
    named = profile_words.keys(it)
    sent = await notifications.find(
        app,
        session.actor,
        NotificationFilters(recipient=named, module=[it["module"]], limit=_SHORT),
    )
    written = await replies.find_of_profile(app, session.actor, id, _SHORT)
    done = await engagements.find_of_profile(app, session.actor, id, _SHORT)
    found = await held.find(app, session.actor, SuppressionFilters(address=named, limit=_SHORT))
    return page(
        request, "profile.html",
        it=it, title=profile_words.title(it, session),
        addresses=profile_words.addresses(it, session), channels=profile_words.channels(it),
        attributes=json.dumps(it["attributes"], indent=2, ensure_ascii=False),
        chosen=await preferences.get(app, session.actor, id), sent=sent.items,
        all_sent="/notifications?" + urlencode([("recipient", one) for one in named]),
        done=done.items, did=done_words, replies=written.items,
        more_replies=written.next_cursor is not None,
        suppressions=[one for one in found.items if one["module"] in (None, it["module"])],
        reasons={one.value: one.value.replace("_", " ") for one in SuppressionReason},
        may_write=may_write(session), **{"link": None, **more},
    )  # fmt: skip


def _pairs(given: QueryParams) -> list[tuple[str, str]]:
    """Return the filters of an address; `attribute=plan=gold` of the form is one of its own."""
    named = [(name, given.get(name, "").strip()[:200]) for name in _FILTERS]
    asked = [
        (name, value[:200]) for name, value in given.multi_items() if name.startswith("attributes.")
    ]
    name, sign, value = _typed(given).partition("=")
    if sign and name.strip():
        key = name.strip().removeprefix("attributes.")
        asked = [*(one for one in asked if one[0] != f"attributes.{key}"),
                 (f"attributes.{key}", value.strip())]  # fmt: skip
    return [(name, value) for name, value in [*named, *asked] if value]


def _typed(given: QueryParams) -> str:
    return given.get("attribute", "").strip()[:400]


def _attribute(pairs: list[tuple[str, str]]) -> str:
    """Return the first attribute that is asked for as the form's line has it."""
    asked = [(name, value) for name, value in pairs if name.startswith("attributes.")]
    return f"{asked[0][0].removeprefix('attributes.')}={asked[0][1]}" if asked else ""


def _asked(pairs: list[tuple[str, str]], cursor: str | None) -> ProfileFilters:
    several = {
        name: [value for key, value in pairs if key == name]
        for name in ("external_id", "email", "phone", "group")
    }
    return ProfileFilters(
        **several,
        attributes=[pair for pair in pairs if pair[0].startswith("attributes.")],
        q=dict(pairs).get("q"),
        limit=PER_PAGE,
        cursor=cursor,
    )


def _url(pairs: list[tuple[str, str]], without: str) -> str:
    left = urlencode([pair for pair in pairs if pair[0] != without])
    return f"/profiles?{left}" if left else "/profiles"


def _listed(it: dict[str, Any], session: Session) -> dict[str, Any]:
    shown = profile_words.addresses(it, session)
    return {
        "id": it["id"],
        "title": profile_words.title(it, session),
        "known_as": it["external_id"] if it["name"] else None,
        "addresses": [one.shown for one in shown],
        "devices": len(it["devices"]),
        "groups": [one["name"] for one in it["groups"]],
        "created_at": it["created_at"],
    }
