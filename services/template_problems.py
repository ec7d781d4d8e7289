"""What an author should know of a template, though it can be sent: severity, place and reason."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from channels import localization
from domain.errors import FieldError
from domain.template import TemplateVersion
from domain.vocabulary import Channel
from services import template_checks

VISIBLE: Final = {
    "mobile": {"email.subject": 45, "push.title": 40, "push.body": 130},
    "phone": {"email.subject": 45, "push.title": 40, "push.body": 130},
    "watch": {"email.subject": 30, "push.title": 25, "push.body": 60},
    "desktop": {"email.subject": 70, "webpush.title": 60, "webpush.body": 120},
    "ios": {"email.subject": 45, "push.title": 40, "push.body": 150},
    "android": {"email.subject": 45, "push.title": 50, "push.body": 130},
}
"""Characters that are shown before a text is cut, by device; the vendors' guides give ranges."""


def errors(found: Sequence[FieldError], channel: Channel | None = None) -> list[dict[str, Any]]:
    """Return field errors as problems."""
    return [problem("error", channel, error.field, error.message) for error in found]


def undeclared(version: TemplateVersion) -> list[dict[str, Any]]:
    """Return each variable that the words use and the schema does not declare.

    It is an error where the schema lists the data, a warning where it leaves room for more.
    """
    severity = "warning" if template_checks.is_open(version.schema) else "error"
    message = "is used by the words, not declared in the schema"
    return [
        problem(severity, None, f"data.{name}", message)
        for name in template_checks.undeclared(version)
    ]


def unknown_locale(version: TemplateVersion, locale: str | None) -> list[dict[str, Any]]:
    """Return a warning when a locale is asked for that has no words of its own."""
    if locale is None or _is_known(version, locale):
        return []
    if not localization.is_known(locale):
        return [warning("locale", f"is no language that CLDR knows; {version.locale} is used")]
    message = f"has no words of its own; those in {version.locale} are used"
    return [problem("warning", None, "locale", message)]


def warnings(
    channel: Channel, words: Mapping[str, Any], device: str | None
) -> list[dict[str, Any]]:
    """Return what an author should know of rendered words, besides what channels find."""
    found: list[dict[str, Any]] = []
    if channel is Channel.EMAIL and not words.get("text"):
        message = "is missing; it is made from html for readers that show no html"
        found.append(problem("warning", Channel.EMAIL, "content.email.text", message))
    return found + _cut(channel, words, device)


def _cut(channel: Channel, words: Mapping[str, Any], device: str | None) -> list[dict[str, Any]]:
    found = []
    for place, room in VISIBLE.get(device or "mobile", {}).items():
        name, _, field = place.partition(".")
        text = words.get(field) or ""
        if name == channel and len(text) > room:
            message = f"may be cut after about {room} characters; it has {len(text)}"
            found.append(problem("warning", channel, f"content.{place}", message))
    return found


def _is_known(version: TemplateVersion, locale: str) -> bool:
    wanted = locale.replace("_", "-").lower()
    language = wanted.partition("-")[0]
    names = {name.replace("_", "-").lower() for name in (version.locale, *version.locales)}
    return wanted in names or language in names


def warning(field: str, message: str) -> dict[str, Any]:
    """Return a warning of no channel in particular."""
    return problem("warning", None, field, message)


def problem(severity: str, channel: Channel | None, field: str, message: str) -> dict[str, Any]:
    """Return one problem as the API shows it."""
    return {
        "severity": severity,
        "channel": channel.value if channel else None,
        "field": field,
        "message": message,
    }
