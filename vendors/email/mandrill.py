"""Mailchimp Transactional (Mandrill): one mail a call.

https://mailchimp.com/developer/transactional/api/messages/send-new-message/ and the statuses of
its OpenAPI, https://github.com/mailchimp/mailchimp-client-lib-codegen

A call can name many recipients, but it has one subject, one body and one set of headers; what
differs would have to be merge tags. Our mails are rendered one by one, and have headers of their
own: List-Unsubscribe names the recipient (RFC 8058), and nothing says that tags reach it. Besides,
a call for more than ten is only queued, so that its refusals come by webhook and not as answers.
So each mail is a call of its own, in which tags are not evaluated.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import Field

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import CategoryClass, Channel, OutcomeKind, Scope
from vendors.calls import word
from vendors.contract import Capabilities, Webhooks
from vendors.email.mailboxes import mailbox_of, recipient_of, sender_of, with_name
from vendors.email.mandrill_events import TAG, receipts, verify
from vendors.email.mandrill_rejections import REJECTIONS, UNLISTED
from vendors.fields import Line, Secret
from vendors.http_api import HttpApi, HttpSettings, Moment
from vendors.http_outcomes import (
    Unreadable,
    accepted,
    outcome_of,
    outcome_of_status,
    read_json,
    read_json_list,
    retry_after,
)
from vendors.over_http import http_kind

TAKEN: Final = frozenset({"sent", "queued", "scheduled"})
"""Statuses with which Mandrill has the mail; `rejected` and `invalid` have a reason."""

HELD: Final[Mapping[str, str]] = {
    "sending-paused": "suspended",
    "sending-suspended": "suspended",
    "account-suspended": "suspended",
    "free-trial-sends-exhausted": "quota_exhausted",
    "monthly-limit-reached": "quota_exhausted",
}
"""queued_reason that ails the account → reason. The others pass: attachments, backlogs, hours."""

_REJECTED: Final = OutcomeKind.REJECTED

REFUSALS: Final[Mapping[str, tuple[OutcomeKind, Scope, str]]] = {
    "Invalid_Key": (_REJECTED, Scope.ACCOUNT, "auth_failed"),
    "PaymentRequired": (_REJECTED, Scope.ACCOUNT, "no_credit"),
    "Unknown_Subaccount": (_REJECTED, Scope.ACCOUNT, "config_missing"),
    "ValidationError": (_REJECTED, Scope.MESSAGE, "invalid_payload"),
    "RequestLimitExceeded": (OutcomeKind.THROTTLED, Scope.ACCOUNT, "rate_account"),
    "ServiceUnavailable": (OutcomeKind.TRANSIENT, Scope.ACCOUNT, "vendor_unavailable"),
    "GeneralError": (OutcomeKind.UNKNOWN, Scope.MESSAGE, "vendor_error_after_body"),
}
"""Name of an error → outcome. The HTTP status is no guide: it was 500 for all of them once."""


class Settings(HttpSettings):
    """A key that may send mail, and the key that its webhook is signed with."""

    base_url: str = Field(
        "https://mandrillapp.com/api/1.0", description="Where the API is, with its version"
    )
    api_key: Secret = Field(description="API key that may send mail")
    from_: Line = Field("", alias="from", description="Sender of mail that names none")
    webhook_key: Secret | None = Field(
        None, description="Key of the webhook; without it no event is believed"
    )
    subaccount: Line = Field("", description="Subaccount that mails are sent by")


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:  # noqa: ARG001
    """Return the request that sends a mail; raises Unfit for one without usable addresses."""
    document = {
        "key": settings.api_key.get_secret_value(),
        "message": {**_body(message.content, settings), **_envelope(message), "merge": False},
        "async": False,
    }
    return HttpRequest(
        "POST",
        f"{settings.base_url}/messages/send",
        {"Content-Type": "application/json", "Accept": "application/json"},
        json.dumps(document).encode(),
    )


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means: a list with one result, or an error by its name.

    Raises Unreadable.
    """
    if response.status != 200:
        return _error(response)
    results = read_json_list(response)
    if len(results) != 1:
        raise Unreadable("the answer is not about one recipient")
    result: dict[str, Any] = results[0]
    status = word(result.get("status"))
    if status in TAKEN:
        return _taken(result, response)
    if status not in ("rejected", "invalid"):
        raise Unreadable("the answer does not say what became of the mail")
    why = word(result.get("reject_reason")) or status
    return outcome_of(REJECTIONS.get(why, UNLISTED), code=why)


def _taken(result: Mapping[str, Any], response: HttpResponse) -> Outcome:
    taken = accepted(word(result.get("_id")), response)
    why = word(result.get("queued_reason"))
    if why not in HELD:
        return taken
    return replace(taken, reason=HELD[why], scope=Scope.ACCOUNT, vendor_code=why)


def _error(response: HttpResponse) -> Outcome:
    try:
        document = read_json(response)
    except Unreadable:
        return outcome_of_status(response)
    name, words = word(document.get("name")), word(document.get("message"))
    if name not in REFUSALS:
        found = outcome_of_status(response, words)
        return replace(found, vendor_code=name or found.vendor_code)
    kind, scope, reason = REFUSALS[name]
    asked = kind in (OutcomeKind.THROTTLED, OutcomeKind.TRANSIENT)
    wait = retry_after(response.headers) if asked else None
    return outcome_of((kind, scope, reason), code=name, detail=words, retry_after=wait)


def _body(content: Mapping[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what the mail says, and who says it."""
    name, address = mailbox_of(sender_of(content, settings.from_), "from")
    body = {
        "subject": content["subject"],
        "text": content.get("text"),
        "html": content.get("html"),
        "from_email": address,
        "from_name": name,
        "headers": _headers(content),
        "subaccount": settings.subaccount,
        "attachments": [
            {"type": one["content_type"], "name": one["filename"], "content": one["base64"]}
            for one in content.get("attachments") or ()
        ],
    }
    return {name: value for name, value in body.items() if value}


def _headers(content: Mapping[str, Any]) -> dict[str, str]:
    headers = dict(content.get("headers") or {})
    if reply_to := content.get("reply_to"):
        headers["Reply-To"] = with_name(*mailbox_of(reply_to, "reply_to"))
    return headers


def _envelope(message: ContentMessage) -> dict[str, Any]:
    """Return whom a mail is for and how it is treated. A one-time password goes before others,
    and is not kept where people may read it.
    """
    to = {"email": recipient_of(message), "type": "to"}
    if message.name:
        to["name"] = message.name
    secret = message.class_ is CategoryClass.OTP
    treated = {"important": True, "view_content_link": False} if secret else {}
    return {"to": [to], "metadata": {TAG: message.attempt_id}, **treated}


KIND: Final = http_kind(
    name="mandrill",
    title="Mailchimp Transactional",
    channels=[Channel.EMAIL],
    settings=Settings,
    api=HttpApi(request, outcome),
    capabilities=Capabilities(receipts=True, scheduled=True),
    webhooks=Webhooks(verify, receipts),
)
