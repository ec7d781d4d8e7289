"""Digests in the template editor: which messages are collected, and how several read as one.

The layout of a digest are fields words.<locale>.<channel>.digest.<field>; what is collected are
the fields digest.key and digest.window_seconds.
"""

from collections.abc import Mapping
from typing import Any, Final

from dashboard.message_forms import Words, text_lines
from domain.errors import FieldError, Invalid

KEY: Final = "digest.key"
WINDOW: Final = "digest.window_seconds"
_TEXT: Final = (Words("text", "Text of several", 3),)
_NOTICE: Final = (
    Words("title", "Title of several"), Words("body", "Text of several", 3),
    Words("url", "Link of several"),
)  # fmt: skip
LAYOUTS: Final[Mapping[str, tuple[Words, ...]]] = {
    "email": (
        Words("subject", "Subject of several"), Words("text", "Text of several", 4),
        Words("html", "HTML of several", 6),
    ),
    "sms": _TEXT, "whatsapp": _TEXT, "telegram": _TEXT,
    "push": _NOTICE, "webpush": _NOTICE, "inapp": _NOTICE,
}  # fmt: skip
"""The texts of each channel's digest; they may use `count` and `items`."""


def shown(locale: str, content: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's values for the layouts of a language."""
    return {
        _name(locale, channel, one): str((texts.get("digest") or {}).get(one.name) or "")
        for channel, texts in content.items()
        for one in LAYOUTS[channel]
    }


def inputs(locale: str, channel: str, fields: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the inputs of a channel's layout with their values."""
    return [
        {
            "name": (name := _name(locale, channel, one)),
            "label": one.label,
            "rows": one.rows,
            "help": None,
            "value": fields.get(name, ""),
            "code": one.name == "html",
        }
        for one in LAYOUTS[channel]
    ]


def put(channel: str, locale: str, fields: Mapping[str, str], texts: dict[str, Any]) -> None:
    """Put the layout that a form says into a channel's words, where the form shows it."""
    named = [one for one in LAYOUTS[channel] if _name(locale, channel, one) in fields]
    if not named:
        return
    before = texts.pop("digest", None)
    given = {one.name: text_lines(fields[_name(locale, channel, one)]) for one in named}
    layout = {name: value for name, value in given.items() if value.strip()}
    if layout and (texts or layout != before):  # words that are taken away go with their layout
        texts["digest"] = layout


def collecting_fields(digest: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the form's values of what is collected."""
    kept = digest or {}
    return {KEY: str(kept.get("key", "")), WINDOW: str(kept.get("window_seconds", ""))}


def collecting(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the {key, window_seconds} that a form says; raises Invalid for half of it."""
    key, window = fields.get(KEY, "").strip(), fields.get(WINDOW, "").strip()
    if not key and not window:
        return None
    if not window.isdecimal() or len(window) > 9:
        raise Invalid(errors=[FieldError(WINDOW, "must be a number of seconds such as 900")])
    return {"key": key, "window_seconds": int(window)}


def _name(locale: str, channel: str, one: Words) -> str:
    return f"words.{locale}.{channel}.digest.{one.name}"
