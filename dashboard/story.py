"""A notification in words: the answer its reader came for, and its story step by step."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.digests import DIGEST


@dataclass(frozen=True, slots=True)
class Answer:
    """The first line of the page: what happened, and since or until when."""

    words: str
    at: str | None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the story; `tone` is a state whose colour it takes, `raw` the vendor's answer,
    `notes` say which accounts were passed over, and which rules decided, and why.
    """

    words: str
    at: str | None
    icon: str
    tone: str = "waiting"
    meta: str = ""
    until: str | None = None
    since: str = ""
    raw: str | None = None
    notes: tuple[str, ...] = ()


_ICONS: Final = {
    "accepted": "check", "scheduled": "clock", "cancelled": "minus",
}  # fmt: skip
_DONE: Final = {
    "opened": ("Opened", "mail", "read"),
    "clicked": ("Followed", "external", "read"),
    "unsubscribed": ("Unsubscribed", "minus", "suppressed"),
    "complained": ("Complained", "cross", "failed"),
}
"""What a recipient did: in words, with which icon, and in the colour of which state."""
_TONES: Final = {
    "accepted": "sent", "throttled": "unknown", "transient": "unknown", "unknown": "unknown",
    "rejected": "failed",
}  # fmt: skip


def answer(found: Mapping[str, Any]) -> Answer:
    """Return what became of a notification, in one line."""
    state, reason = found["state"], _words(found["reason"])
    to = _addresses(found)
    because = f": {reason}" if reason else ""
    due, finished = found["due_at"], found["finished_at"]
    match state:
        case "accepted":
            return Answer("Accepted, about to be sent", None)
        case "scheduled":
            return Answer("Scheduled, goes out", found["send_at"] or due)
        case "held" if found["reason"] == DIGEST:
            return Answer("Waits to be sent together with others; leaves", due)
        case "held":
            return Answer(f"Not sent yet{because}; goes on", due)
        case "sending":
            return Answer(f"On its way{to}", None)
        case "sent" | "delivered" | "read":
            done = "Read by its recipient" if state == "read" else state.capitalize()
            return Answer(f"{done}{to}", finished)
        case "unknown":
            return Answer(f"Nobody can tell whether it arrived{because}", finished)
        case "expired":
            return Answer("Expired before it could be sent", finished)
        case "cancelled":
            return Answer("Cancelled, nothing was sent", finished)
    return Answer(f"{state.capitalize()}{because}", finished)


def addressee(found: Mapping[str, Any]) -> str:
    """Return whom a notification of a list is for: a masked address where one is known."""
    recipient = found["recipient"]
    for one in found["deliveries"]:
        if one["address"]:
            return str(one["address"])
    if isinstance(recipient, str):
        return recipient
    [device, *_] = recipient.get("push") or [""]
    pushed = device if isinstance(device, str) else device["token"]
    names = ("email", "phone", "whatsapp", "telegram", "external_id")
    return next((str(recipient[name]) for name in names if recipient.get(name)), pushed)


def steps(found: Mapping[str, Any]) -> list[Step]:
    """Return the timeline, each step with the time since the one before."""
    outcomes = {
        (delivery["id"], tried["number"]): tried["outcome"]
        for delivery in found["deliveries"]
        for tried in delivery["tries"]
    }
    told, before = [], None
    for event in found["timeline"]:
        at = event["at"]
        outcome = outcomes.get((event.get("delivery"), event.get("number")))
        told.append(_step(event, outcome, _since(before, at)))
        before = at or before
    return told


def raw(outcome: Mapping[str, Any] | None) -> str | None:
    """Return a vendor's answer as it was kept, for those who want to see it."""
    return json.dumps(outcome, indent=2, ensure_ascii=False) if outcome else None


def tone(outcome: Mapping[str, Any] | None) -> str:
    """Return the state whose colour an attempt's outcome takes."""
    return _TONES.get(outcome["kind"], "waiting") if outcome else "sending"


def _step(event: Mapping[str, Any], outcome: Mapping[str, Any] | None, since: str) -> Step:
    kind = event["event"]
    via = " · ".join(str(event[n]) for n in ("channel", "vendor", "account") if event.get(n))
    common = {
        "at": event["at"], "since": since, "meta": via, "until": event.get("until"),
        "notes": (
            *(f"{one['account']} passed over: {one['skipped']}"
              for one in event.get("passed_over") or ()),
            *(f"{_words(one['rule'])} {one['effect']}: {one['detail']}"
              for one in event.get("decision") or ()),
        ),
    }  # fmt: skip
    match kind:
        case "settled" if "outcome" in event:
            words = f"Attempt {event['number']}: {_because(event['outcome'], event['reason'])}"
            colour = _TONES.get(event["outcome"], "waiting")
            icon = "check" if event["outcome"] == "accepted" else "cross"
            return Step(words, icon=icon, tone=colour, raw=raw(outcome), **common)
        case "settled":
            words = _because(event["state"], event["reason"]).capitalize()
            return Step(words, icon="minus", tone=event["state"], **common)
        case "attempted":
            return Step(f"Attempt {event['number']}", icon="send", tone="sending", **common)
        case "held":
            return Step(_because("held", event["reason"]).capitalize(), icon="clock", **common)
        case "receipt":
            words = f"Receipt: {_because(event['kind'], event['reason'])}"
            return Step(words, icon="mail", tone=str(event["kind"]), **common)
        case "opened" | "clicked" | "unsubscribed" | "complained":
            return Step(done_words(kind, event), icon=_DONE[kind][1], tone=_DONE[kind][2], **common)
        case "reply":
            return Step(f"Reply: {event['text']}", icon="mail", tone="read", **common)
        case "claimed":
            return Step("Taken by a worker", icon="arrow", tone="sending", **common)
    return Step(kind.capitalize(), icon=_ICONS.get(kind, "check"), tone=kind, **common)


def done_words(kind: str, event: Mapping[str, Any]) -> str:
    """Return what a recipient, or a program, did: an engagement, or its event of the timeline."""
    words = _DONE[kind][0]
    target = f" {event['url']}" if event["url"] else ""
    often = f", {event['times']} times" if event["times"] > 1 else ""
    by = f", by a program ({_words(event['reason'])})" if event["machine"] else ""
    return f"{words}{target}{often}{by}"


def _because(what: str, reason: str) -> str:
    return f"{what}, {_words(reason)}" if reason else what


def _words(reason: str) -> str:
    return reason.replace("_", " ")


def _addresses(found: Mapping[str, Any]) -> str:
    addresses = [one["address"] for one in found["deliveries"] if one["address"]]
    if not addresses:
        return ""
    more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    return f" to {addresses[0]}{more}"


def _since(before: str | None, at: str | None) -> str:
    """Return the time between two steps, such as 12 ms, 3.4 s, 5 min or 2.5 h."""
    if before is None or at is None:
        return ""
    seconds = (datetime.fromisoformat(at) - datetime.fromisoformat(before)).total_seconds()
    if seconds < 1:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
