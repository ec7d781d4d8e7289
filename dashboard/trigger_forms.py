"""The form of a trigger: which event starts which notification, as inputs or all of it as JSON."""

import json
from collections.abc import Mapping
from typing import Any, Final

from dashboard.message_forms import TEMPLATE, WORDS, json_object, words
from domain.errors import FieldError, Invalid

AS_JSON: Final = "json"
"""The whole notification as JSON: what the inputs cannot say, such as several channels."""
SAYS: Final = [
    (TEMPLATE, "A template"), *((name, f"Words by {name}") for name in WORDS),
    (AS_JSON, "All of it as JSON"),
]  # fmt: skip
TO: Final = [
    ("email", "an e-mail address"), ("phone", "a phone number"),
    ("external_id", "a profile by your own id"), ("profile", "a profile by its id"),
]  # fmt: skip
KNOWN: Final = (
    "name", "event_type", "filter", "to", "recipient", "say", "template", "data", "category",
    "notification", "delay_seconds", "cancel_type", "cancel_match",
)  # fmt: skip
_PLACES: Final = {
    "notification.recipient": "recipient", "notification.template": "template",
    "notification.data": "data", "notification.category": "category",
    "cancel_on.type": "cancel_type", "cancel_on.match": "cancel_match",
}  # fmt: skip


def document(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the API's document of a form; raises Invalid for what cannot be read."""
    errors: list[FieldError] = []
    made: dict[str, Any] = {
        "name": fields.get("name", "").strip(),
        "event_type": fields.get("event_type", "").strip(),
        "filter": json_object("filter", fields, errors) or {},
        "delay_seconds": fields.get("delay_seconds", "").strip() or 0,
        "cancel_on": None,
    }
    if fields.get("cancel_type", "").strip():
        match = json_object("cancel_match", fields, errors)
        made["cancel_on"] = {"type": fields["cancel_type"].strip(), "match": match or {}}
    made["notification"] = _notification(fields, errors)
    if errors:
        raise Invalid(errors=errors)
    return made


def fields_of(it: Mapping[str, Any]) -> dict[str, str]:
    """Return a kept trigger as its form has it."""
    cancel = it["cancel_on"] or {}
    return {
        "name": it["name"],
        "event_type": it["event_type"],
        "filter": _text(it["filter"]),
        "delay_seconds": str(it["delay_seconds"] or ""),
        "cancel_type": cancel.get("type", ""),
        "cancel_match": _text(cancel.get("match")),
        "version": str(it["version"]),
        **_said(it["notification"]),
    }


def placed(problem: Invalid) -> Invalid:
    """Return a problem with the names of the form's inputs in place of the contract's."""
    return Invalid(errors=[FieldError(_place(one.field), one.message) for one in problem.errors])


def _place(field: str) -> str:
    for ours, input in _PLACES.items():
        if field == ours or field.startswith((f"{ours}.", f"{ours}[")):
            return input
    return field.removeprefix("notification.")


def _notification(fields: Mapping[str, str], errors: list[FieldError]) -> Any:
    say = fields.get("say", TEMPLATE)
    if say == AS_JSON:
        return json_object("notification", fields, errors) or {}
    to, line = fields.get("to", "email"), fields.get("recipient", "").strip()
    made: dict[str, Any] = {"recipient": line if to == "profile" else {to: line}}
    if say in WORDS:
        made["content"] = {say: words(fields, say)}
    else:
        made["template"] = fields.get("template", "")
    made["data"] = json_object("data", fields, errors)
    made["category"] = fields.get("category") or None
    return {name: value for name, value in made.items() if value is not None}


def _said(notification: Mapping[str, Any]) -> dict[str, str]:
    """Return a notification as inputs say it; as JSON where they cannot."""
    whole = {"say": AS_JSON, "notification": _text(notification)}
    recipient, content = notification.get("recipient"), notification.get("content") or {}
    if set(notification) - {"recipient", "template", "content", "data", "category"}:
        return whole
    if isinstance(recipient, str):
        to = {"to": "profile", "recipient": recipient}
    elif isinstance(recipient, Mapping) and len(recipient) == 1:
        [(kind, line)] = recipient.items()
        if kind not in dict(TO) or not isinstance(line, str):
            return whole
        to = {"to": kind, "recipient": line}
    else:
        return whole
    usual = {
        **to,
        "data": _text(notification.get("data")),
        "category": notification.get("category") or "",
    }
    if notification.get("template"):
        return {**usual, "say": TEMPLATE, "template": notification["template"]}
    if len(content) != 1:
        return whole
    [(channel, texts)] = content.items()
    known = {one.name for one in WORDS.get(channel, ())}
    if set(texts) - known or not all(isinstance(value, str) for value in texts.values()):
        return whole
    said = {f"content.{channel}.{name}": value for name, value in texts.items()}
    return {**usual, "say": channel, **said}


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""
