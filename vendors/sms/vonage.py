"""Vonage SMS: https://developer.vonage.com/en/api/sms, its codes
https://developer.vonage.com/en/api-errors/sms, and its delivery receipts
https://developer.vonage.com/en/messaging/sms/guides/delivery-receipts
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self
from urllib.parse import urlencode, urlsplit

from pydantic import Field, model_validator

from domain.http import HttpRequest, HttpResponse, Webhook
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.report import Heard, Reply, Report
from domain.sms_segments import UCS2
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from vendors.calls import time_in_words, with_plus
from vendors.contract import Capabilities, Checking, Webhooks
from vendors.fields import Line, Secret
from vendors.http_api import HttpApi, HttpSettings, Moment
from vendors.http_outcomes import (
    Unreadable,
    accepted,
    json_object,
    outcome_of,
    outcome_of_status,
    read_json,
    retry_after,
)
from vendors.over_http import http_kind
from vendors.vonage_signature import Method, parameters, sign
from vendors.vonage_signature import verify as verify_signature

STATUSES: Final = {
    "accepted": ReceiptKind.SENT,
    "buffered": ReceiptKind.SENT,
    "submitted": ReceiptKind.SENT,
    "delivered": ReceiptKind.DELIVERED,
    "read": ReceiptKind.READ,
    "expired": ReceiptKind.FAILED,
    "failed": ReceiptKind.FAILED,
    "rejected": ReceiptKind.FAILED,
    "undeliverable": ReceiptKind.FAILED,
    "unknown": ReceiptKind.FAILED,
}
"""Status of a delivery receipt, of the SMS API and of the Messages API; another word is a note."""

ERRORS: Final[dict[tuple[int, ...], tuple[str, bool]]] = {
    (1, 5, 7, 8, 11, 12, 15, 99): ("unreachable", False),
    (2,): ("handset_off", False),
    (3,): ("invalid_address", True),
    (4,): ("blocked", True),
    (6, 13): ("content_filtered", False),
    (9,): ("opted_out", True),
    (10,): ("invalid_payload", False),
    (14,): ("blocked", False),
}
"""err-code of a receipt → reason, and whether it is for good. Any but 0 is a failure."""

_REJECTED, _THROTTLED, _UNKNOWN = OutcomeKind.REJECTED, OutcomeKind.THROTTLED, OutcomeKind.UNKNOWN

REFUSALS: Final[dict[tuple[int, ...], tuple[OutcomeKind, Scope, str]]] = {
    (1, 10): (_THROTTLED, Scope.ACCOUNT, "rate_account"),
    (2, 3): (_REJECTED, Scope.MESSAGE, "invalid_payload"),
    (4, 14, 32): (_REJECTED, Scope.ACCOUNT, "auth_failed"),
    (5,): (_UNKNOWN, Scope.MESSAGE, "vendor_error_after_body"),
    (6, 33): (_REJECTED, Scope.RECIPIENT, "invalid_address"),
    (7,): (_REJECTED, Scope.RECIPIENT, "blocked"),
    (8,): (_REJECTED, Scope.ACCOUNT, "suspended"),
    (9,): (_REJECTED, Scope.ACCOUNT, "no_credit"),
    (11,): (_REJECTED, Scope.ACCOUNT, "forbidden"),
    (12,): (_REJECTED, Scope.MESSAGE, "payload_too_large"),
    (15,): (_REJECTED, Scope.ACCOUNT, "sender_not_registered"),
    (22, 23, 29): (_REJECTED, Scope.ACCOUNT, "config_missing"),
}
"""Status of a message (or of one of its segments) in the answer → outcome; 0 is accepted."""

_MEANINGS: Final = {code: meaning for codes, meaning in REFUSALS.items() for code in codes}
_REASONS: Final = {code: reason for codes, reason in ERRORS.items() for code in codes}
_BAD_NUMBER: Final = (_REJECTED, Scope.RECIPIENT, "invalid_address")
_UNLISTED: Final = (_REJECTED, Scope.MESSAGE, "invalid_payload")
_NAMES_TO: Final = re.compile(r"\bto param|param(eter)?s?:? *to\b|[\"'`]to[\"'`]", re.IGNORECASE)
_LEAST_WAIT: Final = 1.0
_LONGEST_CALLBACK: Final = 100
_TTL_MILLISECONDS: Final = (20_000, 604_800_000)


class Settings(HttpSettings):
    """A Vonage account that sends by key and secret, or by key and signature."""

    base_url: str = Field("https://rest.nexmo.com", description="Where the SMS API is")
    api_key: Line = Field(description="API key", min_length=1)
    api_secret: Secret | None = Field(None, description="API secret; not needed to sign requests")
    signature_secret: Secret | None = Field(
        None, description="Signature secret: receipts and replies are believed only with it"
    )
    signature_method: Method = Field("sha256", description="As the dashboard has it")
    sign_requests: bool = Field(False, description="Sign requests instead of giving the secret")
    from_: Line = Field(alias="from", description="Sender: a number or up to 11 letters")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.sign_requests and self.signature_secret is None:
            raise ValueError("needs signature_secret to sign requests")
        if not self.sign_requests and self.api_secret is None:
            raise ValueError("needs api_secret, or sign_requests with a signature_secret")
        return self


def request(message: ContentMessage, settings: Settings, moment: Moment) -> HttpRequest:
    """Return the request that sends a text; client-ref carries the attempt's id."""
    form = {
        "api_key": settings.api_key,
        "from": settings.from_.removeprefix("+"),
        "to": message.address.removeprefix("+"),
        "text": message.content["text"],
        "type": "unicode" if message.content["encoding"] == UCS2 else "text",
        "client-ref": message.attempt_id,
        "status-report-req": "1",
    }
    callback = urlsplit(message.callback_url)._replace(query="").geturl()
    if 0 < len(callback) <= _LONGEST_CALLBACK:
        form["callback"] = callback
    if message.expires_at is not None:
        form["ttl"] = str(_ttl(message.expires_at, moment.now))
    return HttpRequest(
        "POST",
        f"{settings.base_url}/sms/json",
        {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
        urlencode(_signed_in(form, settings, moment)).encode(),
    )


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer means: it is 200 for errors too, and tells of each segment.

    Raises Unreadable.
    """
    try:
        parts = read_json(response)["messages"] if response.status < 500 else None
    except (Unreadable, KeyError):
        parts = None
    if parts is None:
        return outcome_of_status(response)
    statuses = [_number(part["status"]) for part in parts]
    if not statuses:
        raise Unreadable("the answer is about no message")
    if not any(statuses):
        return accepted(",".join(str(part["message-id"]) for part in parts), response)
    codes, words = ",".join(map(str, dict.fromkeys(statuses))), _words(parts)
    if 0 in statuses:  # some of it is on its way, and must not be sent again
        return outcome_of(_MEANINGS[5], code=codes, detail=words)
    meaning = _meaning(statuses, words)
    wait = None
    if meaning[0] is _THROTTLED:
        wait = max(retry_after(response.headers) or 0.0, _LEAST_WAIT)
    return outcome_of(meaning, code=codes, detail=words, retry_after=wait)


def verify(webhook: Webhook, settings: Settings, checking: Checking) -> None:
    """Check that a call is signed with the account's signature secret."""
    secret = settings.signature_secret
    verify_signature(
        webhook,
        secret.get_secret_value() if secret else "",
        settings.signature_method,
        checking.now,
    )


def receipts(webhook: Webhook, settings: Any) -> Heard:  # noqa: ARG001
    """Return what a call says; each part of a long message has a receipt of its own.

    Raises Unreadable for a call that names no message.
    """
    given = parameters(webhook)
    if "message_uuid" in given:
        return _of_messages_api(json_object(webhook.body))
    id = given.get("messageId", "")
    if not id:
        raise Unreadable("the call names no message")
    at = time_in_words(given.get("message-timestamp", "")) or time_in_words(
        given.get("timestamp", "")
    )
    them = with_plus(given.get("msisdn", ""))
    if "status" not in given:
        return _wrote(id, them, given.get("to", ""), given.get("text", ""), at, given)
    status, code = given["status"], _number(given.get("err-code"))
    kind = STATUSES.get(status)
    if code > 0 and kind is not ReceiptKind.DELIVERED:
        kind = ReceiptKind.FAILED
    attempt = given.get("client-ref", "")
    return _told(kind, attempt, f"{id}:{status}", at, them, status, str(code or ""), given)


def _of_messages_api(given: Mapping[str, Any]) -> Heard:
    """Return what a call in the form of the Messages API says: its numbers change places."""
    id, at = str(given["message_uuid"]), time_in_words(str(given.get("timestamp", "")))
    sender, to = str(given.get("from", "")), str(given.get("to", ""))
    if "status" not in given:
        return _wrote(id, with_plus(sender), to, str(given.get("text") or ""), at, given)
    status, error = str(given["status"]), given.get("error")
    code = str(error.get("title", "")) if isinstance(error, Mapping) else ""
    attempt = str(given.get("client_ref") or "")
    return _told(
        STATUSES.get(status), attempt, f"{id}:{status}", at, with_plus(to), status, code, given
    )


def _told(
    kind: ReceiptKind | None, attempt: str, key: str, at: datetime | None, address: str,
    status: str, code: str, raw: Mapping[str, Any],
) -> Heard:  # fmt: skip
    reason, hard = "", False
    if kind is ReceiptKind.FAILED:
        usual = "expired" if status == "expired" else "unreachable"
        reason, hard = _REASONS.get(_number(code), (usual, False))
    return Heard(
        reports=(
            Report(
                kind, attempt, key, at or datetime.now(UTC), address=address, reason=reason,
                hard=hard, vendor_code=code, raw=dict(raw),
            ),
        )
    )  # fmt: skip


def _wrote(
    id: str, sender: str, to: str, text: str, at: datetime | None, raw: Mapping[str, Any]
) -> Heard:
    at = at or datetime.now(UTC)
    return Heard(replies=(Reply(Channel.SMS, sender, with_plus(to), text, id, at, raw=dict(raw)),))


def _signed_in(form: dict[str, str], settings: Settings, moment: Moment) -> dict[str, str]:
    """Return a form with the secret, or with a signature: Vonage refuses both together."""
    if not settings.sign_requests:
        secret = settings.api_secret.get_secret_value() if settings.api_secret else ""
        return {**form, "api_secret": secret}
    form = {**form, "timestamp": str(int(moment.now.timestamp()))}
    key = settings.signature_secret.get_secret_value() if settings.signature_secret else ""
    return {**form, "sig": sign(form, key, settings.signature_method)}


def _ttl(expires_at: datetime, now: datetime) -> int:
    """Return how many milliseconds Vonage may try to deliver a message."""
    least, most = _TTL_MILLISECONDS
    return min(max(int((expires_at - now).total_seconds() * 1000), least), most)


def _meaning(statuses: Sequence[int], words: str) -> tuple[OutcomeKind, Scope, str]:
    """Return the row for segments of which none was accepted: doubt first, else the first one's."""
    if 5 in statuses:
        return _MEANINGS[5]
    if statuses[0] == 3 and _NAMES_TO.search(words):
        return _BAD_NUMBER
    return _MEANINGS.get(statuses[0], _UNLISTED)


def _words(parts: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(
        dict.fromkeys(str(part["error-text"]) for part in parts if "error-text" in part)
    )


def _number(given: Any) -> int:
    """Return a code, which Vonage writes as text; -1 for one that is no number, 0 for none."""
    text = str(given if given is not None else "0")
    return int(text) if len(text) <= 9 and text.isdecimal() else -1


KIND: Final = http_kind(
    name="vonage",
    title="Vonage SMS",
    channels=[Channel.SMS],
    settings=Settings,
    api=HttpApi(request, outcome),
    capabilities=Capabilities(receipts=True, replies=True),
    webhooks=Webhooks(verify, receipts),
)
