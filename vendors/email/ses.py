"""Amazon SES v2, one mail or fifty in a call; answers and events stand in files of their own.

https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html and
https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendBulkEmail.html
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from domain.http import HttpRequest, Webhook
from domain.message import ContentMessage
from domain.report import Heard
from domain.vocabulary import Channel, Scope
from vendors import sns_envelope
from vendors.aws_api import endpoint, signed, skewed
from vendors.contract import Capabilities, Webhooks
from vendors.email.mailboxes import ascii_address, ascii_mailbox, sender_of, with_name
from vendors.email.ses_answers import outcome, outcomes
from vendors.email.ses_events import TAG, read_event
from vendors.fields import Line
from vendors.http_api import Batch, HttpApi, Moment, Unfit
from vendors.over_http import http_kind
from vendors.sns_envelope import TopicSettings

MOST_OCTETS: Final = 40 * 1024 * 1024
MOST_HEADERS: Final = 15
MOST_HEADER_CHARACTERS: Final = 995
MOST_BULK: Final = 50
MOST_BULK_DATA: Final = 262_144
MOST_BULK_OCTETS: Final = 1_000_000
_BULK_FRAME: Final = 5_000
_PARTS: Final = ("subject", "text", "html")


class Settings(TopicSettings):
    """An account of SES; events come by the topic that the configuration set publishes to."""

    from_: Line = Field("", alias="from", description="Sender of mail that names none")
    configuration_set: Line = Field(
        "", description="Configuration set; it publishes events to a topic"
    )


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request that sends a mail; raises Unfit for one that SES would not take."""
    content = message.content
    _check_size(content)
    simple: dict[str, Any] = {
        "Subject": _part(content["subject"]),
        "Body": {name.capitalize(): _part(content[name]) for name in _present(content)[1:]},
    }
    if headers := _headers(content):
        simple["Headers"] = headers
    if content.get("attachments"):
        simple["Attachments"] = [_attachment(one) for one in content["attachments"]]
    document = {
        **_shared(content, settings),
        "Destination": _destination(message),
        "Content": {"Simple": simple},
        "EmailTags": _tags(message),
    }
    return _post("outbound-emails", document, settings, moment)


def bulk(messages: Sequence[ContentMessage], settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request for mails that `divide` put together: a template of nothing but the
    parts, which each entry gives whole. SES puts them in as they are; it escapes nothing.
    """
    content = messages[0].content
    template = {name.capitalize(): f"{{{{{name}}}}}" for name in _present(content)}
    document = {
        **_shared(content, settings),
        "DefaultContent": {"Template": {"TemplateContent": template, "TemplateData": "{}"}},
        "BulkEmailEntries": [_entry(one) for one in messages],
    }
    return _post("outbound-bulk-emails", document, settings, moment)


def fits(message: ContentMessage) -> bool:
    """Whether a mail can be one of a bulk call: nothing wrong, not large, no attachments."""
    if message.content.get("attachments") or len(_data(message.content)) > MOST_BULK_DATA:
        return False
    try:
        return _octets(message) <= MOST_BULK_OCTETS - _BULK_FRAME
    except Unfit:
        return False


def divide(messages: Sequence[ContentMessage]) -> Sequence[Sequence[ContentMessage]]:
    """Return the mails of each call: one sender, the same parts, at most 50 and a megabyte."""
    calls: list[list[ContentMessage]] = []
    latest: dict[tuple[Any, ...], tuple[list[ContentMessage], int]] = {}
    for message in messages:
        content = message.content
        alike = (content.get("from"), content.get("reply_to"), _present(content))
        call, octets = latest.get(alike, ([], MOST_BULK_OCTETS))
        octets += _octets(message)
        if octets > MOST_BULK_OCTETS - _BULK_FRAME or len(call) == MOST_BULK:
            call, octets = [], _octets(message)
            calls.append(call)
        call.append(message)
        latest[alike] = (call, octets)
    return calls


def receipts(webhook: Webhook, settings: Any) -> Heard:  # noqa: ARG001
    """Return what a verified call of SNS says of our mails."""
    return sns_envelope.hear(webhook, read_event)


def _post(path: str, document: Any, settings: Settings, moment: Moment) -> HttpRequest:
    asked = HttpRequest(
        "POST",
        f"{endpoint(settings, 'email')}/v2/email/{path}",
        {"Content-Type": "application/json"},
        json.dumps(document).encode(),
    )
    return signed(asked, settings, "ses", moment)


def _shared(content: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what all mails of a call have in common."""
    sender = _mailbox(sender_of(content, settings.from_), "from")
    shared: dict[str, Any] = {"FromEmailAddress": sender}
    if reply_to := content.get("reply_to"):
        shared["ReplyToAddresses"] = [_mailbox(reply_to, "reply_to")]
    if settings.configuration_set:
        shared["ConfigurationSetName"] = settings.configuration_set
    return shared


def _mailbox(value: str, field: str) -> str:
    try:
        return ascii_mailbox(value)
    except ValueError as error:
        raise Unfit("invalid_payload", f"{field}: {error}") from None


def _destination(message: ContentMessage) -> dict[str, Any]:
    try:
        address = ascii_address(message.address)
    except ValueError as error:
        raise Unfit("invalid_address", f"SES takes ASCII only: {error}", Scope.RECIPIENT) from None
    return {"ToAddresses": [with_name(message.name, address)]}


def _tags(message: ContentMessage) -> list[dict[str, str]]:
    return [{"Name": TAG, "Value": message.attempt_id}]


def _entry(message: ContentMessage) -> dict[str, Any]:
    """Return a mail as one of a bulk call."""
    data = {"ReplacementTemplateData": _data(message.content)}
    entry: dict[str, Any] = {
        "Destination": _destination(message),
        "ReplacementTags": _tags(message),
        "ReplacementEmailContent": {"ReplacementTemplate": data},
    }
    if headers := _headers(message.content):
        entry["ReplacementHeaders"] = headers
    return entry


def _octets(message: ContentMessage) -> int:
    return len(json.dumps(_entry(message))) + len(", ")


def _data(content: Mapping[str, Any]) -> str:
    return json.dumps({name: content[name] for name in _present(content)}, ensure_ascii=False)


def _present(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Return which parts a mail has: the subject, and text, html or both."""
    return tuple(name for name in _PARTS if name == "subject" or content.get(name))


def _part(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


def _headers(content: Mapping[str, Any]) -> list[dict[str, str]]:
    headers: Mapping[str, str] = content.get("headers") or {}
    if len(headers) > MOST_HEADERS:
        raise Unfit(
            "invalid_payload", f"the mail has {len(headers)} headers; SES takes {MOST_HEADERS}"
        )
    for name, value in headers.items():
        plain = value.isascii() and value.isprintable()
        if not plain or not 0 < len(value) <= MOST_HEADER_CHARACTERS:
            raise Unfit(
                "invalid_payload",
                f"the header {name} has {len(value)} characters; SES takes 1 to "
                f"{MOST_HEADER_CHARACTERS} of printable ASCII",
            )
    return [{"Name": name, "Value": value} for name, value in headers.items()]


def _attachment(attachment: Mapping[str, Any]) -> dict[str, str]:
    return {
        "RawContent": attachment["base64"],
        "FileName": attachment["filename"],
        "ContentType": attachment.get("content_type") or "application/octet-stream",
        "ContentDisposition": "ATTACHMENT",
        "ContentTransferEncoding": "BASE64",
    }


def _check_size(content: Mapping[str, Any]) -> None:
    octets = sum(len(content[name].encode()) for name in _present(content))
    octets += sum(len(one["base64"]) for one in content.get("attachments") or ())
    if octets > MOST_OCTETS:
        raise Unfit(
            "payload_too_large", f"the mail has {octets:,} octets; SES takes {MOST_OCTETS:,}"
        )


KIND: Final = http_kind(
    name="ses",
    title="Amazon SES",
    channels=[Channel.EMAIL],
    settings=Settings,
    api=HttpApi(
        request,
        outcome,
        batch=Batch(MOST_BULK, bulk, outcomes, fits, divide),
        skewed=skewed,
    ),
    capabilities=Capabilities(batch=MOST_BULK, receipts=True),
    webhooks=Webhooks(sns_envelope.verify, receipts, sns_envelope.needs),
)
