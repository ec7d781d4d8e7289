"""Any server of one's own as a vendor, for every channel: a message is one signed call to its URL.

Both directions are Standard Webhooks: https://www.standardwebhooks.com. What the server answers and
what it tells later is described in docs/vendors/webhook.md.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final

from pydantic import Field, field_validator

from domain.http import HttpRequest, HttpResponse, Webhook
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.report import Heard, Reply, Report
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from vendors import standard_webhooks
from vendors.calls import objects, read_json, time_of, word
from vendors.contract import Capabilities, Checking, Webhooks
from vendors.http_api import HttpApi, HttpSettings, Moment
from vendors.http_outcomes import (
    Unreadable,
    accepted,
    outcome_of,
    outcome_of_status,
    retry_after,
)
from vendors.http_outcomes import read_json as read_answer
from vendors.over_http import http_kind
from vendors.standard_webhooks import WebhookSecret

_REJECTED, _THROTTLED = OutcomeKind.REJECTED, OutcomeKind.THROTTLED
_TRANSIENT = OutcomeKind.TRANSIENT

REFUSALS: Final[dict[tuple[str, ...], tuple[OutcomeKind, Scope]]] = {
    ("invalid_address", "unreachable", "unregistered", "opted_out", "suppressed", "blocked",
     "landline"): (_REJECTED, Scope.RECIPIENT),
    ("mailbox_full", "handset_off"): (_TRANSIENT, Scope.RECIPIENT),
    ("rate_recipient",): (_THROTTLED, Scope.RECIPIENT),
    ("payload_too_large", "invalid_payload", "template_missing", "template_params",
     "content_filtered", "window_closed", "ttl_invalid"): (_REJECTED, Scope.MESSAGE),
    ("auth_failed", "forbidden", "suspended", "no_credit", "sender_not_registered",
     "quota_exhausted", "config_missing", "not_allowed_in_region"): (_REJECTED, Scope.ACCOUNT),
    ("rate_account", "rate_sender"): (_THROTTLED, Scope.ACCOUNT),
    ("vendor_unavailable",): (_TRANSIENT, Scope.ACCOUNT),
}  # fmt: skip
"""The `reason` that an answer with a status from 400 to 499 may give → outcome."""

_BY_REASON: Final = {reason: meaning for many, meaning in REFUSALS.items() for reason in many}
_GONE: Final = 410
_UNSUBSCRIBED: Final = "unsubscribed"
_FAILURES: Final = frozenset({ReceiptKind.FAILED, ReceiptKind.BOUNCED})


class Settings(HttpSettings):
    """A server of one's own: `base_url` is called as it stands."""

    base_url: str = Field(description="URL that messages are posted to", max_length=500)
    secret: WebhookSecret = Field(description="Secret (whsec_…) that signs calls both ways")

    @field_validator("base_url")
    @classmethod
    def _is_a_url(cls, value: str) -> str:
        checked = super()._is_a_url(value)
        return f"{checked}/" if value.endswith("/") else checked


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    """Return the call that hands a message over; its id is the attempt's, also when repeated."""
    document = {
        "attempt_id": message.attempt_id,
        "notification": message.notification_id,
        "channel": message.channel,
        "address": message.address,
        "content": dict(message.content),
        "target": dict(message.target),
        "expires_at": message.expires_at and message.expires_at.isoformat(),
    }
    body = json.dumps(document).encode()
    signed = standard_webhooks.headers(
        settings.secret.get_secret_value(), message.attempt_id, int(moment.now.timestamp()), body
    )
    return HttpRequest(
        "POST", settings.base_url, {"Content-Type": "application/json", **signed}, body
    )


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means: any 2xx takes the message, with the `id` of its JSON if any."""
    if 200 <= response.status < 300:
        if id := word(_member(response, "id")):
            return accepted(id, response)
        return Outcome(OutcomeKind.ACCEPTED, vendor_code=str(response.status))
    if not 400 <= response.status < 500:
        return outcome_of_status(response)
    reason, detail = word(_member(response, "reason")), word(_member(response, "detail"))
    code = str(response.status)
    if reason in _BY_REASON:
        meaning = (*_BY_REASON[reason], reason)
        wait = retry_after(response.headers)
        return outcome_of(meaning, code=code, detail=detail, retry_after=wait)
    if response.status == _GONE:
        return outcome_of((_REJECTED, Scope.ACCOUNT, "config_missing"), code=code, detail=detail)
    return outcome_of_status(response, detail)


def verify(webhook: Webhook, settings: Settings, checking: Checking) -> None:
    """Check the signature and its time; raises ReceiptForged."""
    secret = settings.secret.get_secret_value()
    standard_webhooks.verify(secret, webhook.headers, webhook.body, checking.now)


def receipts(webhook: Webhook, settings: Any) -> Heard:  # noqa: ARG001
    """Return what a call tells: one {attempt_id, kind, …} or {sender, to, text}, or a list."""
    document = read_json(webhook.body)
    call, at = webhook.headers["webhook-id"], time_of(webhook.headers["webhook-timestamp"])
    reports: list[Report] = []
    replies: list[Reply] = []
    for number, told in enumerate(objects(document if isinstance(document, list) else [document])):
        key = f"{call}:{number}"
        if word(told.get("attempt_id")):
            reports.append(_report(told, key, at))
        elif word(told.get("sender")):
            replies.append(_reply(told, key, at))
        else:
            raise ValueError("an entry names neither attempt_id nor sender")
    return Heard(tuple(reports), tuple(replies))


def _report(told: dict[str, Any], key: str, at: datetime) -> Report:
    word_of_kind, reason = word(told.get("kind")), word(told.get("reason"))
    kind = ReceiptKind(word_of_kind) if word_of_kind in set(ReceiptKind) else None
    return Report(
        kind, word(told["attempt_id"]), key, _at(told, at),
        reason=reason if reason in _BY_REASON else "",
        hard=told.get("hard") is True and kind in _FAILURES,
        unsubscribes=word_of_kind == _UNSUBSCRIBED, vendor_code=reason, raw=told,
    )  # fmt: skip


def _reply(told: dict[str, Any], key: str, at: datetime) -> Reply:
    channel = Channel(word(told.get("channel")) or Channel.SMS)
    return Reply(
        channel, word(told["sender"]), word(told.get("to")), word(told.get("text")), key,
        _at(told, at), raw=told,
    )  # fmt: skip


def _at(told: dict[str, Any], usual: datetime) -> datetime:
    """Return the entry's own time (RFC 3339); the call's where it tells none."""
    if told.get("at") is None:
        return usual
    found = datetime.fromisoformat(word(told["at"]))
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _member(response: HttpResponse, name: str) -> Any:
    """Return a member of an answer's JSON object; nothing where there is none."""
    try:
        return read_answer(response).get(name)
    except Unreadable:
        return None


KIND: Final = http_kind(
    name="webhook",
    title="Webhook",
    channels=list(Channel),
    settings=Settings,
    api=HttpApi(request, outcome),
    capabilities=Capabilities(receipts=True, idempotency=True, replies=True),
    webhooks=Webhooks(verify, receipts),
)
