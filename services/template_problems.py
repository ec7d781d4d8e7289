"""What an author should know of a template, though it can be sent: severity, place and reason."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain.errors import FieldError
from domain.template import TemplateVersion
from domain.vocabulary import Channel
from services import template_checks

# What is shown before a text is cut, in characters; the vendors' guides give ranges.
_VISIBLE: Final = {
    "mobile": {"email.subject": 45, "push.title": 40, "push.body": 130},
    "desktop": {"email.subject": 70, "webpush.title": 60, "webpush.body": 120},
    "ios": {"email.subject": 45, "push.title": 40, "push.body": 150},
    "android": {"email.subject": 45, "push.title": 50, "push.body": 130},
}


def errors(found: Sequence[FieldError], channel: Channel | None = None) -> list[dict[str, Any]]:
    """Return field errors as problems."""
    return [_problem("error", channel, error.field, error.message) for error in found]


def undeclared(version: TemplateVersion) -> list[dict[str, Any]]:
    """Return a warning for each variable that the words use and the schema does not declare."""
    return [
        _problem(
            "warning", None, f"data.{name}", "is used by the words, not declared in the schema"
        )
        for name in template_checks.undeclared(version)
    ]


def unknown_locale(version: TemplateVersion, locale: str | None) -> list[dict[str, Any]]:
    """Return a warning when a locale is asked for that has no words of its own."""
    if locale is None or _is_known(version, locale):
        return []
    message = f"has no words of its own; those in {version.locale} are used"
    return [_problem("warning", None, "locale", message)]


def warnings(
    channel: Channel, words: Mapping[str, Any], device: str | None
) -> list[dict[str, Any]]:
    """Return what an author should know of rendered words, besides what channels find."""
    found: list[dict[str, Any]] = []
    if channel is Channel.EMAIL and not words.get("text"):
        message = "is missing; it is made from html for readers that show no html"
        found.append(_problem("warning", Channel.EMAIL, "content.email.text", message))
    return found + _cut(channel, words, device)


def _cut(channel: Channel, words: Mapping[str, Any], device: str | None) -> list[dict[str, Any]]:
    found = []
    for place, room in _VISIBLE.get(device or "mobile", {}).items():
        name, _, field = place.partition(".")
        text = words.get(field) or ""
        if name == channel and len(text) > room:
            message = f"may be cut after about {room} characters; it has {len(text)}"
            found.append(_problem("warning", channel, f"content.{place}", message))
    return found


def _is_known(version: TemplateVersion, locale: str) -> bool:
    wanted = locale.replace("_", "-").lower()
    language = wanted.partition("-")[0]
    names = {name.replace("_", "-").lower() for name in (version.locale, *version.locales)}
    return wanted in names or language in names


def _problem(severity: str, channel: Channel | None, field: str, message: str) -> dict[str, Any]:
    return {
        "severity": severity,
        "channel": channel.value if channel else None,
        "field": field,
        "message": message,
    }
