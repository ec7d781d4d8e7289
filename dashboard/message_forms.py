"""Forms and the contract: a form's fields are named as the contract names them."""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError

from domain.errors import FieldError, Invalid, Problem
from domain.timezones import known_timezones
from services.fields import field_errors
from services.merging import difference

M = TypeVar("M", bound=BaseModel)

TEMPLATE: Final = "template"
"""What is said comes from a template, rather than from the form."""


@dataclass(frozen=True, slots=True)
class Words:
    """One text of a channel: a line where `rows` is 0, else a box of so many rows."""

    name: str
    label: str
    rows: int = 0
    help: str | None = None


_NOTICE: Final = (
    Words("title", "Title"),
    Words("body", "Text", 4),
    Words("url", "Link", 0, "Opened when the notice is tapped. May be left empty."),
)
WORDS: Final[Mapping[str, tuple[Words, ...]]] = {
    "email": (
        Words("subject", "Subject"),
        Words("text", "Text", 8, "Made from the HTML where only that is given."),
        Words("html", "HTML", 4, "May be left empty."),
        Words("reply_to", "Reply to", 0, "May be left empty."),
    ),
    "sms": (Words("text", "Text", 4),),
    "push": _NOTICE,
    "webpush": _NOTICE,
    "whatsapp": (Words("text", "Text", 6),),
    "telegram": (Words("text", "Text", 6),),
    "inapp": _NOTICE,
}
"""The texts that the form offers for each channel; the API knows more, such as attachments."""


def request_document(fields: Mapping[str, str]) -> dict[str, Any]:
    """Return the API's document of a compose form; raises Invalid for what cannot be read."""
    errors: list[FieldError] = []
    say = fields.get("say", "email")
    document: dict[str, Any] = {"recipient": recipient(fields.get("recipient", ""), say)}
    if say == TEMPLATE:
        document["template"] = fields.get("template", "")
    else:
        document["content"] = {say: words(fields, say)}
    document |= {
        "data": json_object("data", fields, errors),
        "category": fields.get("category") or None,
        "priority": fields.get("priority") or None,
        "send_at": moment("send_at", fields, errors),
        "expires_at": moment("expires_at", fields, errors),
    }
    if errors:
        raise Invalid(errors=errors)
    return {name: value for name, value in document.items() if value}


def patch_document(
    fields: Mapping[str, str], content: Mapping[str, Any] | None, shown: Mapping[str, str]
) -> dict[str, Any]:
    """Return the merge patch of a change form: only what differs from what was `shown`."""
    errors: list[FieldError] = []
    patch: dict[str, Any] = {}
    for name in ("send_at", "expires_at"):
        if fields.get(name, "") != shown[name] or fields.get("zone") != shown["zone"]:
            patch[name] = moment(name, fields, errors)
    if fields.get("priority") != shown["priority"]:
        patch["priority"] = fields.get("priority")
    if text_lines(fields.get("data", "")) != text_lines(shown["data"]):
        given, kept = json_object("data", fields, errors), json.loads(shown["data"] or "{}")
        patch["data"] = difference(kept, given or {})
    changed = {
        channel: {name: value or None for name, value in texts.items()}
        for channel in content or {}
        if (texts := _changed(fields, shown, channel))
    }
    if changed:
        patch["content"] = changed
    if errors:
        raise Invalid(errors=errors)
    return patch


def checked(model: type[M], document: Mapping[str, Any]) -> M:
    """Return a document as the contract's model has it; raises Invalid with every wrong field."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise Invalid(errors=field_errors(error)) from None


def recipient(given: str, say: str) -> Any:
    """Return whom a line names: a profile's id, an address of the channel, or an external id."""
    line = given.strip()
    if line.startswith("prf_"):
        return line
    if say in ("telegram", "push") and "@" not in line:
        return {"push": [line]} if say == "push" else {"telegram": line}
    if line.startswith("+"):
        return {"whatsapp" if say == "whatsapp" else "phone": line}
    return {"email": line} if "@" in line or not line else {"external_id": line}


def words(fields: Mapping[str, str], channel: str) -> dict[str, str]:
    """Return the texts of a channel that were filled in, with line breaks as texts have them."""
    given = ((one.name, fields.get(f"content.{channel}.{one.name}", "")) for one in WORDS[channel])
    return {name: text_lines(value) for name, value in given if value.strip()}


def form_errors(problem: Problem, known: set[str]) -> tuple[dict[str, str], list[str]]:
    """Return the errors by form field, and those that belong to none of the `known` fields."""
    placed: dict[str, str] = {}
    others: list[str] = []
    for one in problem.errors:
        place = _place(one.field, known)
        if place is None:
            others.append(f"{one.field}: {one.message}")
        else:
            said = _said(one, place)
            placed.setdefault(place, f"{said[:1].upper()}{said[1:]}".rstrip(".") + ".")
    if not problem.errors:
        others.append(problem.detail)
    return placed, others


def seen_version(fields: Mapping[str, str]) -> int:
    """Return the version that a form was made for; 0, which none has, when it does not say."""
    version = fields.get("version", "")
    return int(version) if version.isdecimal() and len(version) < 10 else 0


def local_time(stamp: str | None, zone: str = "UTC") -> str:
    """Return an RFC 3339 time as a datetime-local field has it, in a zone."""
    if stamp is None:
        return ""
    return datetime.fromisoformat(stamp).astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def text_lines(text: str) -> str:
    """Return text with the line breaks of texts, not of forms (CRLF, HTML §4.10.21.8)."""
    return text.replace("\r\n", "\n")


def json_object(name: str, fields: Mapping[str, str], errors: list[FieldError]) -> Any:
    """Return the JSON object of an input, None where it is empty; what is wrong joins `errors`."""
    text = fields.get(name, "").strip()
    if not text:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        errors.append(FieldError(name, f"is not JSON: {error}"))
        return None
    if not isinstance(document, dict):
        errors.append(FieldError(name, 'must be an object such as {"order": "A-1001"}'))
        return None
    return document


def curl(origin: str, document: Mapping[str, Any]) -> str:
    """Return the line that asks for the same by the API."""
    body = json.dumps(document, indent=2, ensure_ascii=False)
    return (
        f"curl -X POST {origin}/v1/notifications \\\n"
        '  -H "Authorization: Bearer $TOCSIN_API_KEY" \\\n'
        '  -H "Content-Type: application/json" \\\n'
        f"  -d {shlex.quote(body)}"
    )


def _changed(fields: Mapping[str, str], shown: Mapping[str, str], channel: str) -> dict[str, str]:
    names = (f"content.{channel}.{one.name}" for one in WORDS[channel])
    return {
        name.rpartition(".")[2]: text_lines(fields[name])
        for name in names
        if name in fields and text_lines(fields[name]) != text_lines(shown.get(name, ""))
    }


def _place(field: str, known: set[str]) -> str | None:
    if field in known:
        return field
    for name in sorted(known, key=len, reverse=True):
        if field.startswith((f"{name}.", f"{name}[")):
            return name
    return None


def _said(one: FieldError, place: str) -> str:
    """Return what is wrong; of a list in one input also which of its values, counted from 1."""
    if place in (one.field, "recipient"):
        return one.message
    number = re.fullmatch(r"\[(\d+)\]", one.field.removeprefix(place))
    return f"No. {int(number[1]) + 1} {one.message}" if number else f"{one.field} {one.message}"


def moment(name: str, fields: Mapping[str, str], errors: list[FieldError]) -> str | None:
    """Return a date and time of the form's zone as an RFC 3339 time."""
    text, zone = fields.get(name, "").strip(), fields.get("zone", "").strip() or "UTC"
    if not text:
        return None
    if zone not in known_timezones():
        errors.append(FieldError("zone", "is not an IANA time zone such as Europe/Paris"))
        return None
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError):
        errors.append(FieldError(name, "is not a date and time such as 2030-01-31T09:00"))
        return None
