"""Twilio SendGrid v3: mails of a call differ in what their personalizations put in.

https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send and, for events,
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import Field

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import Channel, OutcomeKind, Scope
from vendors.contract import Capabilities, Webhooks
from vendors.email.mailboxes import mailbox_of, recipient_of, sender_of
from vendors.email.sendgrid_events import PublicKey, receipts, verify
from vendors.fields import Line, Secret
from vendors.http_api import Batch, HttpApi, HttpSettings, Moment, Unfit
from vendors.http_outcomes import (
    Unreadable,
    accepted,
    outcome_of,
    outcome_of_status,
    read_json,
    retry_after,
)
from vendors.over_http import http_kind

MOST_OCTETS: Final = 30 * 1024 * 1024
MOST_TOGETHER: Final = 1000
MOST_SUBSTITUTED: Final = 10_000
"""Octets of substitutions in a personalization; a longer mail goes alone."""
_PARTS: Final = (("text", "text/plain"), ("html", "text/html"))
_REJECTED: Final = OutcomeKind.REJECTED


class Settings(HttpSettings):
    """A key that may send mail, and the key that events are signed with."""

    base_url: str = Field(
        "https://api.sendgrid.com", description="Where the API is; EU: https://api.eu.sendgrid.com"
    )
    api_key: Secret = Field(description="API key (SG.…) that may send mail")
    from_: Line = Field("", alias="from", description="Sender of mail that names none")
    verification_key: PublicKey = Field(
        "", description="Public key of the signed event webhook; without it no event is believed"
    )


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:  # noqa: ARG001
    """Return the request that sends one mail; raises Unfit for one that is too large."""
    content = message.content
    document = {
        **_shared(content, settings),
        "personalizations": [_personalization(message)],
        "subject": content["subject"],
        "content": [
            {"type": kind, "value": content[name]} for name, kind in _PARTS if content.get(name)
        ],
    }
    asked = _post(document, settings)
    if len(asked.body) > MOST_OCTETS:
        raise Unfit(
            "payload_too_large",
            f"the mail has {len(asked.body):,} octets; SendGrid takes {MOST_OCTETS:,}",
        )
    return asked


def bulk(messages: Sequence[ContentMessage], settings: Settings, moment: Moment) -> HttpRequest:  # noqa: ARG001
    """Return the request for mails that `divide` put together; each is substituted whole."""
    first = messages[0].content
    document = {
        **_shared(first, settings),
        "personalizations": [
            {
                **_personalization(one),
                "subject": one.content["subject"],
                "substitutions": {f"-{name}-": one.content[name] for name in _present(one)},
            }
            for one in messages
        ],
        "content": [
            {"type": kind, "value": f"-{name}-"} for name, kind in _PARTS if first.get(name)
        ],
    }
    return _post(document, settings)


def fits(message: ContentMessage) -> bool:
    """Whether a mail can be one of many: short, no attachments, an address that is one."""
    if message.content.get("attachments"):
        return False
    try:
        recipient_of(message)
    except Unfit:
        return False
    octets = sum(len(message.content[name].encode()) for name in _present(message))
    # A mail that holds our own marks would be substituted where it must not be.
    marked = any(f"-{name}-" in message.content[part] for part in _present(message)
                 for name, _ in _PARTS)  # fmt: skip
    return octets < MOST_SUBSTITUTED and not marked


def divide(messages: Sequence[ContentMessage]) -> Sequence[Sequence[ContentMessage]]:
    """Return the mails of each call: one sender, the same parts, an address once in each."""
    calls: dict[tuple[Any, ...], list[list[ContentMessage]]] = {}
    for message in messages:
        content = message.content
        alike = (content.get("from"), content.get("reply_to"), _present(message))
        listed = calls.setdefault(alike, [])
        free = next((call for call in listed if _room(call, message)), None)
        if free is None:
            listed.append([message])
        else:
            free.append(message)
    return [call for listed in calls.values() for call in listed]


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means; the id of a success stands in a header."""
    if response.status in (200, 202):
        return accepted(response.headers.get("x-message-id", ""), response)
    if response.status == 429:
        return outcome_of(
            (OutcomeKind.THROTTLED, Scope.ACCOUNT, "rate_account"), code="429",
            retry_after=retry_after(response.headers),
        )  # fmt: skip
    if response.status >= 500:
        return outcome_of_status(response)
    fields, words = _errors(response)
    code = str(response.status)
    if "Maximum credits exceeded" in words:
        return outcome_of((_REJECTED, Scope.ACCOUNT, "no_credit"), code=code, detail=words)
    if response.status == 403:
        about_sender = "from" in fields or "verified Sender Identity" in words
        reason = "sender_not_registered" if about_sender else "forbidden"
        return outcome_of((_REJECTED, Scope.ACCOUNT, reason), code=code, detail=words)
    if any(one.startswith("personalizations") and one.endswith("email") for one in fields):
        return outcome_of((_REJECTED, Scope.RECIPIENT, "invalid_address"), code=code, detail=words)
    return outcome_of_status(response, words)


def outcomes(messages: Sequence[ContentMessage], response: HttpResponse) -> Sequence[Outcome]:
    """Return the one answer for each mail of a call: it takes all of them or none."""
    return [outcome(response)] * len(messages)


def _errors(response: HttpResponse) -> tuple[list[str], str]:
    errors = read_json(response).get("errors")
    if not isinstance(errors, list) or not all(isinstance(one, dict) for one in errors):
        raise Unreadable("the answer names no errors")
    fields = [str(one.get("field") or "") for one in errors]
    return fields, "; ".join(str(one.get("message") or "") for one in errors)


def _shared(content: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    shared: dict[str, Any] = {"from": _mailbox(sender_of(content, settings.from_), "from")}
    if reply_to := content.get("reply_to"):
        shared["reply_to"] = _mailbox(reply_to, "reply_to")
    if files := content.get("attachments"):
        shared["attachments"] = [
            {"content": one["base64"], "type": one["content_type"], "filename": one["filename"]}
            for one in files
        ]
    return shared


def _personalization(message: ContentMessage) -> dict[str, Any]:
    to = {"email": recipient_of(message)}
    if message.name:
        to["name"] = message.name
    one: dict[str, Any] = {"to": [to], "custom_args": {"attempt": message.attempt_id}}
    if headers := message.content.get("headers"):
        one["headers"] = dict(headers)
    return one


def _mailbox(value: str, field: str) -> dict[str, str]:
    name, address = mailbox_of(value, field)
    return {"email": address, "name": name} if name else {"email": address}


def _present(message: ContentMessage) -> tuple[str, ...]:
    return tuple(name for name, _ in _PARTS if message.content.get(name))


def _room(call: Sequence[ContentMessage], message: ContentMessage) -> bool:
    addresses = {one.address.lower() for one in call}
    return len(call) < MOST_TOGETHER and message.address.lower() not in addresses


def _post(document: Any, settings: Settings) -> HttpRequest:
    headers = {
        "Authorization": f"Bearer {settings.api_key.get_secret_value()}",
        "Content-Type": "application/json",
    }
    body = json.dumps(document).encode()
    return HttpRequest("POST", f"{settings.base_url}/v3/mail/send", headers, body)


KIND: Final = http_kind(
    name="sendgrid",
    title="SendGrid",
    channels=[Channel.EMAIL],
    settings=Settings,
    api=HttpApi(
        request, outcome, batch=Batch(MOST_TOGETHER, bulk, outcomes, fits=fits, divide=divide)
    ),
    capabilities=Capabilities(batch=MOST_TOGETHER, receipts=True, scheduled=True),
    webhooks=Webhooks(verify, receipts),
)
