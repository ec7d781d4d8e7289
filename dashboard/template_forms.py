"""The editor's form and a version's words: fields are named words.<locale>.<channel>.<field>."""

import json
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from dashboard import template_digests
from dashboard.message_forms import WORDS
from dashboard.template_extras import attachments, buttons, buttons_text, shown_files
from domain.contract.template import TemplateVersionRequest
from domain.errors import FieldError, Invalid
from domain.vocabulary import Channel
from services.fields import field_errors

LABELS: Final[Mapping[str, str]] = {
    "email": "E-mail", "sms": "SMS", "push": "Mobile push", "webpush": "Web push",
    "whatsapp": "WhatsApp", "telegram": "Telegram", "inapp": "In the app",
}  # fmt: skip
_ROWS: Final = {"html": 18}
_BUTTONS: Final = "telegram.buttons"
_ELSEWHERE: Final = {Channel.EMAIL.value: {"attachments"}, Channel.TELEGRAM.value: {"buttons"}}
"""Fields that have a place of their own in the form."""
NEW: Final[Mapping[str, Any]] = {"locale": "en", "content": {}, "locales": {}, "schema": {}}


def shown_fields(words: Mapping[str, Any]) -> dict[str, str]:
    """Return the form's values for a version's words."""
    fields = {"locale": words["locale"], "schema": pretty(words["schema"])}
    for locale, content in {words["locale"]: words["content"], **words["locales"]}.items():
        for channel, texts in content.items():
            for one in WORDS[channel]:
                fields[f"words.{locale}.{channel}.{one.name}"] = str(texts.get(one.name) or "")
            if channel == Channel.TELEGRAM:
                fields[f"words.{locale}.{_BUTTONS}"] = buttons_text(texts.get("buttons"))
        fields |= template_digests.shown(locale, content)
    return fields


def document(fields: Mapping[str, str], kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return {locale, content, locales, schema}: what was kept, with what the form says instead.

    What the form does not show, such as a push notice's picture, stays. Raises Invalid for a schema
    that is no JSON object.
    """
    default = fields.get("locale", "").strip() or kept["locale"]
    before = {kept["locale"]: kept["content"], **kept["locales"]}
    languages = {
        locale: content
        for locale in languages_of(fields, kept)
        if (content := _content(locale, fields, before.get(locale, {})))
    }
    return {
        "locale": default,
        "content": languages.pop(default, {}),
        "locales": languages,
        "schema": _object("schema", fields.get("schema", "")) or {},
    }


def checked_words(given: Mapping[str, Any], note: str | None = None) -> TemplateVersionRequest:
    """Return a document as the contract's request; raises Invalid with every wrong field."""
    try:
        return TemplateVersionRequest.model_validate({**given, "note": note or None})
    except ValidationError as error:
        raise Invalid(errors=field_errors(error)) from None


def example(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the data to preview with, None for the schema's examples; raises Invalid."""
    return _object("data", fields.get("data", ""))


def languages_of(fields: Mapping[str, str], kept: Mapping[str, Any]) -> list[str]:
    """Return the languages of a form, the default first, and the one that is to be added."""
    default = fields.get("locale", "").strip() or kept["locale"]
    named = [name.split(".")[1] for name in fields if name.startswith("words.")]
    added = fields.get("language", "").strip()
    return list(dict.fromkeys([default, *named, *([added] if added else [])]))


def sections(fields: Mapping[str, str], kept: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of the form: languages with channels with fields and their values."""
    before = {kept["locale"]: kept["content"], **kept["locales"]}
    languages = languages_of(fields, kept)
    made = []
    for locale in languages:
        channels = [
            _channel(locale, channel.value, fields, before.get(locale, {})) for channel in Channel
        ]
        if not any(one["filled"] for one in channels):
            channels[0]["open"] = True
        made.append({"locale": locale, "default": locale == languages[0], "channels": channels})
    return made


def place(field: str, default: str) -> str:
    """Return the form's name of a field that an error names."""
    head, _, rest = field.partition(".")
    if head == "content" and rest:
        return f"words.{default}.{rest}"
    return f"words.{rest}" if head == "locales" and rest else field


def pretty(value: Any) -> str:
    """Return JSON for people; nothing for an empty object."""
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""


def _channel(
    locale: str, channel: str, fields: Mapping[str, str], before: Mapping[str, Any]
) -> dict[str, Any]:
    texts = [
        {
            "name": (name := f"words.{locale}.{channel}.{one.name}"),
            "label": one.label,
            "rows": _ROWS.get(one.name, one.rows) if one.rows else 0,
            "help": one.help,
            "value": fields.get(name, ""),
            "code": one.name == "html",
        }
        for one in WORDS[channel]
    ]
    if channel == Channel.TELEGRAM:
        name = f"words.{locale}.{_BUTTONS}"
        texts.append({
            "name": name, "label": "Buttons", "rows": 3, "code": False,
            "value": fields.get(name, ""), "help": "One a line: Track it -> https://example.com."
            " A line that begins with + stands beside the one before.",
        })  # fmt: skip
    several = template_digests.inputs(locale, channel, fields)
    shown = {one.name for one in WORDS[channel]} | _ELSEWHERE.get(channel, set()) | {"digest"}
    files = shown_files(locale, fields, before) if channel == Channel.EMAIL else None
    filled = any(one["value"] for one in texts)
    others = sorted(name for name in before.get(channel, {}) if name not in shown)
    return {
        "channel": channel, "label": LABELS[channel], "fields": texts, "filled": filled,
        "open": filled, "others": others, "files": files, "several": several,
        "collects": any(one["value"] for one in several),
    }  # fmt: skip


def _content(
    locale: str, fields: Mapping[str, str], before: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    made = {}
    for channel in Channel:
        texts = dict(before.get(channel, {}))
        for one in WORDS[channel]:
            given = fields.get(f"words.{locale}.{channel}.{one.name}")
            if given is None:
                continue
            texts.pop(one.name, None)
            if given.strip():
                texts[one.name] = given.replace("\r\n", "\n")
        _put_extras(channel, locale, fields, before, texts)
        template_digests.put(channel, locale, fields, texts)
        if texts:
            made[channel.value] = texts
    return made


def _object(name: str, text: str) -> dict[str, Any] | None:
    if not text.strip():
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Invalid(errors=[FieldError(name, f"is not JSON: {error}")]) from None
    if not isinstance(found, dict):
        raise Invalid(errors=[FieldError(name, 'must be an object such as {"order": "A-1"}')])
    return found


def _put_extras(
    channel: Channel,
    locale: str,
    fields: Mapping[str, str],
    before: Mapping[str, Any],
    texts: dict[str, Any],
) -> None:
    """Put what is no text into a channel's words: attachments and buttons, where there are any."""
    if channel is Channel.EMAIL:
        kept = texts.pop("attachments", None) or []
        files = attachments(locale, fields, before)
        if texts or len(files) > len(kept):  # a mail whose words are taken away goes with its files
            texts |= {"attachments": files} if files else {}
    given = fields.get(f"words.{locale}.{_BUTTONS}")
    if channel is Channel.TELEGRAM and given is not None:
        texts.pop("buttons", None)
        if rows := buttons(given):
            texts["buttons"] = rows
