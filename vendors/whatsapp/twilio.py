"""Twilio WhatsApp: https://www.twilio.com/docs/whatsapp/api and, for templates,
https://www.twilio.com/docs/content/send-templates-created-with-the-content-template-builder
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from domain.http import HttpRequest, Webhook
from domain.message import ContentMessage
from domain.report import Heard
from domain.vocabulary import Channel
from vendors import twilio_api
from vendors.contract import Capabilities, Sought, Webhooks
from vendors.http_api import HttpApi, LookUp, Moment, Unfit
from vendors.over_http import http_kind

MOST_CHARACTERS: Final = 1600
_PREFIX: Final = "whatsapp:"
_CONTENT_SID: Final = "HX"


class Settings(twilio_api.TwilioSettings):
    """A Twilio account with a WhatsApp sender or a messaging service."""


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:  # noqa: ARG001
    """Return the request that sends a template or, within 24 hours of their last, a text.

    Raises Unfit for a text that is too long, and for a template that Twilio cannot know.
    """
    content = message.content
    fields = _template(content) if content.get("template") else _text(content["text"])
    if settings.from_ and not settings.messaging_service_sid:
        fields["From"] = _PREFIX + settings.from_.removeprefix(_PREFIX)
    return twilio_api.send(settings, _PREFIX + message.address, fields, message.callback_url)


def receipts(webhook: Webhook, settings: Any) -> Heard:  # noqa: ARG001
    """Return what a callback says."""
    return twilio_api.receipts(webhook, Channel.WHATSAPP)


def _text(text: str) -> dict[str, str]:
    if len(text) > MOST_CHARACTERS:
        raise Unfit(
            "payload_too_large",
            f"the text has {len(text)} characters; Twilio takes {MOST_CHARACTERS}",
        )
    return {"Body": text}


def _template(content: Mapping[str, Any]) -> dict[str, str]:
    """Return a template with its values; each language of it has a SID of its own at Twilio."""
    sid: str = content["template"]
    if not sid.startswith(_CONTENT_SID):
        raise Unfit(
            "template_missing", "Twilio knows a template by its content SID (HX…), not by a name"
        )
    given = content.get("parameters") or {}
    named = given if isinstance(given, Mapping) else dict(enumerate(given, start=1))
    if not named:
        return {"ContentSid": sid}
    values = {str(name): _plain(value) for name, value in named.items()}
    return {"ContentSid": sid, "ContentVariables": json.dumps(values, ensure_ascii=False)}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _look_up(sought: Sought, settings: Settings, moment: Moment) -> HttpRequest:  # noqa: ARG001
    return twilio_api.look_up(sought, settings, _PREFIX)


KIND: Final = http_kind(
    name="twilio_whatsapp",
    title="Twilio WhatsApp",
    channels=[Channel.WHATSAPP],
    settings=Settings,
    api=HttpApi(request, twilio_api.outcome, look_up=LookUp(_look_up, twilio_api.found)),
    capabilities=Capabilities(receipts=True, replies=True, scheduled=True),
    webhooks=Webhooks(twilio_api.verify, receipts),
)
