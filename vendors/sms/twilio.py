"""Twilio SMS: https://www.twilio.com/docs/messaging/api/message-resource and, for callbacks,
https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
"""

from datetime import datetime
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
_VALIDITY: Final = (1, 36_000)


class Settings(twilio_api.TwilioSettings):
    """A Twilio account with a number, a sender id or a messaging service."""


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request that sends a text; raises Unfit for one that is too long."""
    text: str = message.content["text"]
    if len(text) > MOST_CHARACTERS:
        raise Unfit(
            "payload_too_large",
            f"the text has {len(text)} characters; Twilio takes {MOST_CHARACTERS}",
        )
    fields: dict[str, str] = {"Body": text}
    if settings.from_ and not settings.messaging_service_sid:
        fields["From"] = settings.from_
    if message.expires_at is not None:
        fields["ValidityPeriod"] = str(_validity(message.expires_at, moment.now))
    return twilio_api.send(settings, message.address, fields, message.callback_url)


def receipts(webhook: Webhook, settings: Any) -> Heard:  # noqa: ARG001
    """Return what a callback says."""
    return twilio_api.receipts(webhook, Channel.SMS)


def _look_up(sought: Sought, settings: Settings, moment: Moment) -> HttpRequest:  # noqa: ARG001
    return twilio_api.look_up(sought, settings)


def _validity(expires_at: datetime, now: datetime) -> int:
    """Return how many seconds Twilio may keep a message in its queue."""
    least, most = _VALIDITY
    return min(max(int((expires_at - now).total_seconds()), least), most)


KIND: Final = http_kind(
    name="twilio",
    title="Twilio SMS",
    channels=[Channel.SMS],
    settings=Settings,
    api=HttpApi(request, twilio_api.outcome, look_up=LookUp(_look_up, twilio_api.found)),
    capabilities=Capabilities(receipts=True, replies=True, scheduled=True),
    webhooks=Webhooks(twilio_api.verify, receipts),
)
