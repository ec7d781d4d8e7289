"""Trials of triggers: what an event would start or cancel, without sending or keeping anything."""

from collections.abc import Mapping
from typing import Any

from channels.problems import ContentRefused
from channels.rendering import RenderFailed, render
from channels.transforms import transform
from domain.contract.event import CloudEvent
from domain.errors import Problem
from domain.events import matches
from domain.preference_links import with_examples
from domain.vocabulary import Channel
from services.acceptance import judge, look_up, words_for
from services.access import Actor
from services.app import App
from services.events import request_of, tie_of
from services.triggers import find_row


async def try_event(app: App, actor: Actor, id_text: str, event: CloudEvent) -> dict[str, Any]:
    """Return {starts, cancels, unmatched, why, notification, error} of an event and a trigger.

    `starts` and `cancels` say whether it would; `unmatched` names the paths of its filter whose
    value is another, `why` says in words why nothing starts. `notification` is what would be
    promised, with its `content` rendered by channel; `error` is the problem where it could not be.
    Raises NotFound.
    """
    actor.require("triggers:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        document = event.document()
        filter = row.definition.get("filter", {})
        unmatched = [p for p, wanted in filter.items() if not matches({p: wanted}, document)]
        why = _why_not(row, event, unmatched)
        told: dict[str, Any] = {
            "starts": why is None, "unmatched": unmatched, "why": why,
            "cancels": tie_of(row, event.type, document) is not None,
            "notification": None, "error": None,
        }  # fmt: skip
        if unmatched or event.type != row.event_type:
            return told
        by = Actor("trigger", row.module_id, row.module_key, frozenset(row.scopes))
        try:
            asked = request_of(row, document)
            known = await look_up(conn, by, [asked])
            judged = judge(asked, by, known, otp_start_seconds=app.settings.otp_start_seconds).row
            words, locale = words_for(asked, known)
        except Problem as problem:
            error = problem.inside("notification").body()
            return {**told, "starts": False, "why": "it cannot be made of this event",
                    "error": error}  # fmt: skip
    return {**told, "notification": _shown(judged, words, locale)}


def _why_not(row: Any, event: CloudEvent, unmatched: list[str]) -> str | None:
    if event.type != row.event_type:
        return f"it listens to {row.event_type}, and this is {event.type}"
    if unmatched:
        return "its filter wants another value of " + ", ".join(unmatched)
    return None if row.enabled else "it is off"


def _shown(
    judged: Mapping[str, Any], words: Mapping[str, Any], locale: str | None
) -> dict[str, Any]:
    """Return what would be promised, as recipients would read it."""
    content: dict[str, Any] = {}
    for channel in judged["channels"]:
        try:
            rendered = render(channel, words[channel], with_examples(judged["data"]), locale=locale)
            content[channel] = transform(Channel(channel), rendered)
        except (RenderFailed, ContentRefused) as failed:  # a footer may have made it too long
            content[channel] = {"error": "; ".join(one.message for one in failed.errors)}
    named = ("category", "priority", "channels", "send_at", "template_key", "recipient")
    return {**{name: judged[name] for name in named}, "content": content}
