"""The words of a message, channel by channel, as templates and requests carry them."""

import base64
import binascii
from operator import not_
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from domain.contract.base import Json, Line, Request, Text, WrongField
from domain.vocabulary import Channel

MOST_TTL = 28 * 24 * 3600
"""Seconds for which push services keep a notice at most (FCM; APNs has 30 days)."""


def _base64(value: str) -> str:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64 (RFC 4648 §4)") from None
    return value


class Attachment(Request):
    """A file that travels with an e-mail."""

    filename: Annotated[Line, Field(min_length=1, max_length=255)]
    content_type: Annotated[
        Line, Field(max_length=127, pattern=r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$")
    ] = "application/octet-stream"
    base64: Annotated[str, AfterValidator(_base64)]


class EmailDigest(Request):
    """How several e-mails read as one; its words have `items` and `count`."""

    subject: Annotated[Line, Field(min_length=1, max_length=998)]
    html: Text | None = None
    text: Text | None = None

    @model_validator(mode="after")
    def _has_a_body(self) -> "EmailDigest":
        if self.html is None and self.text is None:
            raise WrongField("text", "needs html, text or both")
        return self


class TextDigest(Request):
    """How several texts read as one."""

    text: Annotated[Text, Field(min_length=1, max_length=16_384)]


class NoticeDigest(Request):
    """How several notices read as one."""

    title: Annotated[Text, Field(min_length=1, max_length=500)]
    body: Annotated[Text, Field(max_length=4000)] = ""
    url: Annotated[Line, Field(max_length=2000)] | None = None


class EmailContent(Request):
    """An e-mail; html may be MJML; the text part is made from it when it is absent."""

    subject: Annotated[Line, Field(min_length=1, max_length=998)]
    html: Text | None = None
    text: Text | None = None
    from_: Annotated[Line | None, Field(alias="from", max_length=320)] = None
    reply_to: Annotated[Line, Field(max_length=320)] | None = None
    attachments: Annotated[list[Attachment], Field(max_length=20)] | None = None
    digest: EmailDigest | None = None

    @model_validator(mode="after")
    def _has_a_body(self) -> "EmailContent":
        if self.html is None and self.text is None:
            raise WrongField("text", "needs html, text or both")
        return self


class SmsContent(Request):
    """A text message; `fold` writes typographic signs in the GSM alphabet, to need fewer parts."""

    text: Annotated[Text, Field(min_length=1, max_length=1600)]
    fold: Annotated[bool, Field(exclude_if=not_)] = False
    digest: TextDigest | None = None


class NoticeContent(Request):
    """A notice in the app's own inbox."""

    title: Annotated[Text, Field(min_length=1, max_length=500)]
    body: Annotated[Text, Field(max_length=4000)] = ""
    url: Annotated[Line, Field(max_length=2000)] | None = None
    data: Json | None = None
    digest: NoticeDigest | None = None


class PushContent(NoticeContent):
    """A notice on a phone or in a browser; `ttl` is in seconds, 0 means now or never."""

    image: Annotated[Line, Field(max_length=2000)] | None = None
    badge: Annotated[int, Field(ge=0, le=99_999)] | None = None
    sound: Annotated[Line, Field(min_length=1, max_length=200)] | None = None
    collapse_key: Annotated[Line, Field(min_length=1, max_length=64)] | None = None
    ttl: Annotated[int, Field(ge=0, le=MOST_TTL)] | None = None


class WhatsAppContent(Request):
    """Session text, or a template that WhatsApp approved with its language and parameters."""

    text: Annotated[Text, Field(min_length=1, max_length=4096)] | None = None
    template: Annotated[Line, Field(min_length=1, max_length=512)] | None = None
    language: Annotated[Line, Field(min_length=2, max_length=35)] | None = None
    parameters: Json | None = None
    digest: TextDigest | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "WhatsAppContent":
        if (self.text is None) == (self.template is None):
            raise WrongField("text", "needs either text or template, not both")
        return self


class TelegramButton(Request):
    """A button that opens an address."""

    text: Annotated[Line, Field(min_length=1, max_length=128)]
    url: Annotated[Line, Field(min_length=1, max_length=2000)]


def _rows(value: Any) -> Any:
    """Take a button that stands alone as a row of its own."""
    if isinstance(value, list):
        return [[one] if isinstance(one, dict | TelegramButton) else one for one in value]
    return value


ButtonRow = Annotated[list[TelegramButton], Field(min_length=1, max_length=8)]


class TelegramContent(Request):
    """A Telegram message; buttons are rows of {text, url}.

    What a reader sees may have 4,096 characters; `text` has the marks of formatting besides.
    """

    text: Annotated[Text, Field(min_length=1, max_length=16_384)]
    parse_mode: Literal["MarkdownV2", "HTML"] | None = None
    buttons: Annotated[list[ButtonRow], BeforeValidator(_rows), Field(max_length=100)] | None = None
    digest: TextDigest | None = None


class Content(Request):
    """What to say, for each channel that may be used."""

    email: EmailContent | None = None
    sms: SmsContent | None = None
    push: PushContent | None = None
    webpush: PushContent | None = None
    whatsapp: WhatsAppContent | None = None
    telegram: TelegramContent | None = None
    inapp: NoticeContent | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "Content":
        if not self.channels():
            raise ValueError("needs content for at least one channel")
        return self

    def channels(self) -> list[Channel]:
        """Return the channels that have content, in the order of the contract."""
        return [channel for channel in Channel if getattr(self, channel.value) is not None]
