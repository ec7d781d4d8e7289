"""Changing a notification until it is being sent."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.choices import words_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import (
    WORDS,
    checked,
    form_errors,
    local_time,
    patch_document,
    seen_version,
)
from dashboard.rendering import page, see_other
from domain.contract.notification import NotificationPatch
from domain.errors import Conflict, Invalid, Problem, Stale
from domain.vocabulary import Priority
from services import changes, notifications

router = APIRouter(prefix="/notifications/{id}/change")


@router.get("")
async def show(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show the form with what the notification says now."""
    found = await notifications.get_source(app, session.actor, id)
    return _page(request, found, _shown(found))


@router.post("")
async def change(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Change what differs; somebody else's change meanwhile is not overwritten."""
    found = await notifications.get_source(app, session.actor, id)
    try:
        document = patch_document(fields, found["content"], _shown(found))
        patch = checked(NotificationPatch, document)
        await changes.change(app, session.actor, id, patch, seen_version(fields))
    except (Invalid, Conflict, Stale) as problem:
        return _page(request, found, fields, problem=problem)
    return see_other(f"/notifications/{id}", flash="Changed.")


def _shown(found: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's values for a notification as it is."""
    data = json.dumps(found["data"], indent=2, ensure_ascii=False) if found["data"] else ""
    texts = {
        f"content.{channel}.{one.name}": str(given.get(one.name) or "")
        for channel, given in (found["content"] or {}).items()
        for one in WORDS[channel]
    }
    return {
        "send_at": local_time(found["send_at"]),
        "expires_at": local_time(found["expires_at"]),
        "zone": "UTC",
        "priority": found["priority"],
        "data": data,
        "version": str(found["version"]),
        **texts,
    }


def _page(
    request: Request,
    found: Mapping[str, Any],
    fields: Mapping[str, Any],
    *,
    problem: Problem | None = None,
) -> Response:
    content = found["content"] or {}
    known = {"send_at", "expires_at", "zone", "priority", "data"} | {
        f"content.{channel}.{one.name}" for channel in content for one in WORDS[channel]
    }
    errors, others = form_errors(problem, known) if problem else ({}, [])
    return page(
        request, "change.html", status=problem.status if problem else 200,
        it=found, fields=fields, errors=errors, others=others,
        words={channel: WORDS[channel] for channel in content},
        priorities=words_of(Priority),
    )  # fmt: skip
