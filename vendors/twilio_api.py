"""What Twilio's SMS and WhatsApp share: one API, one table of errors, one signature.

Send: https://www.twilio.com/docs/messaging/api/message-resource
Errors: https://www.twilio.com/docs/api/errors
Callbacks and their signature: https://www.twilio.com/docs/usage/security
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from pydantic import Field, model_validator

from domain.http import HttpRequest, HttpResponse, Webhook
from domain.outcome import Outcome
from domain.report import Heard, ReceiptForged, Reply, Report
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from vendors.contract import Absent, Checking, Sought
from vendors.fields import Line, Secret
from vendors.form_signature import FORM, fields_of, is_form, sign
from vendors.http_api import HttpSettings
from vendors.http_outcomes import (
    Unreadable,
    accepted,
    outcome_of,
    outcome_of_status,
    read_json,
    retry_after,
)

STATUSES: Final = {
    "accepted": None,
    "scheduled": None,
    "queued": None,
    "sending": None,
    "sent": ReceiptKind.SENT,
    "delivered": ReceiptKind.DELIVERED,
    "read": ReceiptKind.READ,
    "undelivered": ReceiptKind.FAILED,
    "failed": ReceiptKind.FAILED,
    "canceled": ReceiptKind.FAILED,
}
"""MessageStatus → receipt; None is a note. An unknown word is a note, too."""

_REJECTED, _THROTTLED = OutcomeKind.REJECTED, OutcomeKind.THROTTLED
_TRANSIENT, _UNKNOWN = OutcomeKind.TRANSIENT, OutcomeKind.UNKNOWN

REFUSALS: Final[dict[tuple[int, ...], tuple[OutcomeKind, Scope, str]]] = {
    (20003, 20008): (_REJECTED, Scope.ACCOUNT, "auth_failed"),
    (20404, 21609, 63007, 63010, 63020, 63025, 63062): (_REJECTED, Scope.ACCOUNT, "config_missing"),
    (20429, 63017, 63018): (_THROTTLED, Scope.ACCOUNT, "rate_account"),
    (21611, 30001): (_THROTTLED, Scope.ACCOUNT, "rate_sender"),
    (63038, 60728): (_REJECTED, Scope.ACCOUNT, "quota_exhausted"),
    (21211, 21217, 21407, 21612, 63003, 63024): (_REJECTED, Scope.RECIPIENT, "invalid_address"),
    (21614,): (_REJECTED, Scope.RECIPIENT, "landline"),
    (21610,): (_REJECTED, Scope.RECIPIENT, "opted_out"),
    (63014, 30004): (_REJECTED, Scope.RECIPIENT, "blocked"),
    (63032, 63049): (_REJECTED, Scope.RECIPIENT, "withheld"),
    (21408, 21215): (_REJECTED, Scope.ACCOUNT, "not_allowed_in_region"),
    (21606, 21603, 21212, 21659, 21660, 21703, 21704, 21705, 30034, 30032, 30042): (
        _REJECTED, Scope.ACCOUNT, "sender_not_registered",
    ),
    (30002, 63051): (_REJECTED, Scope.ACCOUNT, "suspended"),
    (30003,): (_REJECTED, Scope.RECIPIENT, "unreachable"),
    (30005,): (_REJECTED, Scope.RECIPIENT, "invalid_address"),
    (30006,): (_REJECTED, Scope.RECIPIENT, "landline"),
    (30007, 63005, 63013): (_REJECTED, Scope.MESSAGE, "content_filtered"),
    (21617, 63022): (_REJECTED, Scope.MESSAGE, "payload_too_large"),
    (21602, 21621, 35114, 35115, 35116, 35117, 35118, 35125): (
        _REJECTED, Scope.MESSAGE, "invalid_payload",
    ),
    (63016,): (_REJECTED, Scope.MESSAGE, "window_closed"),
    (63027,): (_REJECTED, Scope.MESSAGE, "template_missing"),
    (63028, 63029, 63030): (_REJECTED, Scope.MESSAGE, "template_params"),
    (30036,): (_REJECTED, Scope.MESSAGE, "expired"),
    (30410, 63012, 63021): (_UNKNOWN, Scope.MESSAGE, "vendor_error_after_body"),
}  # fmt: skip
"""Twilio's code → outcome; the same codes stand in answers and in callbacks."""

_BY_CODE: Final = {code: meaning for codes, meaning in REFUSALS.items() for code in codes}
HARD: Final = frozenset({"invalid_address", "landline", "opted_out", "blocked"})
"""Reasons of a failure that make an address unusable for good."""

_STOP: Final = "STOP"
_START: Final = "START"
_AROUND: Final = timedelta(seconds=90)
_PAGE: Final = 200
"""Messages of one look-up: with 1,600 characters each still a small answer."""


class TwilioSettings(HttpSettings):
    """An account of Twilio: `from` is a number or sender id, or a messaging service instead."""

    base_url: str = Field("https://api.twilio.com", description="Where the API is")
    account_sid: Line = Field(description="Account SID (AC…)", min_length=1)
    auth_token: Secret = Field(description="Auth token; it also signs callbacks")
    api_key: Line = Field("", description="API key (SK…) to sign in with instead of the token")
    api_secret: Secret | None = Field(None, description="Secret of the API key")
    from_: Line = Field("", alias="from", description="Sender: a number or a sender id")
    messaging_service_sid: Line = Field("", description="Messaging service (MG…) instead of from")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.from_ and not self.messaging_service_sid:
            raise ValueError("needs from or messaging_service_sid")
        if bool(self.api_key) != (self.api_secret is not None):
            raise ValueError("needs api_key and api_secret together, or neither")
        return self


def send(
    settings: TwilioSettings, to: str, fields: Mapping[str, str], callback_url: str
) -> HttpRequest:
    """Return the request that makes a message."""
    form = {"To": to, **fields}
    if settings.messaging_service_sid:
        form["MessagingServiceSid"] = settings.messaging_service_sid
    if callback_url:
        form["StatusCallback"] = callback_url
    return HttpRequest(
        "POST",
        f"{_messages(settings)}.json",
        {
            "Authorization": _basic(settings),
            "Content-Type": FORM,
            "Accept": "application/json",
        },
        urlencode(form).encode(),
    )


def outcome(response: HttpResponse) -> Outcome:
    """Return what an answer to `send` means; Twilio's own code says more than the status.

    Raises Unreadable for a good status without a message.
    """
    if 200 <= response.status < 300:
        document = read_json(response)
        code, words = _code(document.get("error_code")), document.get("error_message")
        sid = document.get("sid")
        if code not in _BY_CODE:
            return accepted(sid if isinstance(sid, str) else "", response)
        return outcome_of(_BY_CODE[code], code=str(code), detail=str(words or ""))
    try:
        document = read_json(response)
    except Unreadable:
        return outcome_of_status(response)
    code, words = _code(document.get("code")), str(document.get("message") or "")
    if code in _BY_CODE:
        wait = retry_after(response.headers)
        return outcome_of(_BY_CODE[code], code=str(code), detail=words, retry_after=wait)
    found = outcome_of_status(response, words)
    return replace(found, vendor_code=str(code)) if code else found


def verify(webhook: Webhook, settings: TwilioSettings, checking: Checking) -> None:  # noqa: ARG001
    """Check X-Twilio-Signature: HMAC-SHA1 of the URL and the sorted fields, or of the URL with
    bodySHA256 for another body. There is no time in it: repeats are told by their event key.
    """
    given = webhook.headers.get("x-twilio-signature", "")
    token = settings.auth_token.get_secret_value()
    signed = any(
        hmac.compare_digest(given.encode(), sign(url, fields_of(webhook), token).encode())
        for url in _spellings(webhook.url)
    )
    if not signed:
        raise ReceiptForged("X-Twilio-Signature does not fit the auth token, the URL and the body")
    digest = _query(webhook).get("bodySHA256")
    if digest is None and webhook.body and not is_form(webhook):
        raise ReceiptForged("the body is no form, and the URL holds no bodySHA256 to sign it by")
    body_digest = hashlib.sha256(webhook.body).hexdigest()
    if digest is not None and not hmac.compare_digest(digest.encode(), body_digest.encode()):
        raise ReceiptForged("the body is not the one whose SHA-256 was signed")


def receipts(webhook: Webhook, channel: Channel) -> Heard:
    """Return what a callback says: of a message of ours, or what somebody wrote.

    Raises Unreadable when it names no message.
    """
    form = _query(webhook) if webhook.method == "GET" else dict(fields_of(webhook))
    sid = form.get("MessageSid") or form.get("SmsSid")
    if not sid or "To" not in form:
        raise Unreadable("the callback names no message, or nobody that it is for")
    status = form.get("MessageStatus") or form.get("SmsStatus") or ""
    now = datetime.now(UTC)
    if status in ("received", "receiving") or ("Body" in form and "MessageStatus" not in form):
        choice = form.get("OptOutType", "").upper()
        reply = Reply(
            channel, _bare(form.get("From", "")), _bare(form["To"]), form.get("Body", ""), sid, now,
            unsubscribes=choice == _STOP, resubscribes=choice == _START, answered=bool(choice),
            raw=form,
        )  # fmt: skip
        return Heard(replies=(reply,), answer=_NO_REPLY)
    attempt = _query(webhook).get("attempt", "")
    return Heard(reports=(_report(attempt, sid, status, form.get("ErrorCode"), form, now),))


def look_up(sought: Sought, settings: TwilioSettings, prefix: str = "") -> HttpRequest:
    """Return the request for a message: by its SID, else the newest to this address.

    There is no DateSent in it, since a message that is still queued may have none.
    """
    headers = {"Authorization": _basic(settings), "Accept": "application/json"}
    if sought.vendor_id:
        sid = quote(sought.vendor_id, safe="")
        return HttpRequest("GET", f"{_messages(settings)}/{sid}.json", headers)
    query = f"To={quote(prefix + sought.address, safe='')}&PageSize={_PAGE}"
    return HttpRequest("GET", f"{_messages(settings)}.json?{query}", headers)


def found(response: HttpResponse, sought: Sought) -> Report | Absent | None:
    """Return what a look-up found; None when more than one message could be the one, or when
    the page may not reach back far enough. Raises Unreadable, KeyError and the like.
    """
    if response.status != 200:
        return None
    document = read_json(response)
    if sought.vendor_id:
        return _known(document, sought)
    listed = document["messages"]
    apart = [_made_at(one) - sought.attempted_at for one in listed]
    if document.get("next_page_uri") and all(span >= -_AROUND for span in apart):
        return None
    near = [one for one, span in zip(listed, apart, strict=True) if abs(span) <= _AROUND]
    if not near:
        return Absent()
    return _known(near[0], sought) if len(near) == 1 else None


_NO_REPLY: Final = HttpResponse(
    200, {"content-type": "text/xml"}, b'<?xml version="1.0" encoding="UTF-8"?><Response/>'
)


def _report(
    attempt: str, sid: str, status: str, error: Any, raw: Mapping[str, Any], at: datetime
) -> Report:
    code = _code(error)
    outcome_kind, _, reason = _BY_CODE.get(code, (_REJECTED, None, "unreachable" if code else ""))
    kind = STATUSES.get(status)
    failed = kind is ReceiptKind.FAILED
    if failed and outcome_kind is _UNKNOWN:
        kind = None  # it may have arrived, and so it must not be made up for
    return Report(
        kind, attempt, f"{sid}:{status}", at,
        address=_bare(str(raw.get("To") or raw.get("to") or "")),
        reason=reason if failed else "", hard=failed and reason in HARD,
        vendor_code=str(code or ""),
        raw={name: value for name, value in raw.items() if name.lower() != "body"},
    )  # fmt: skip


def _known(message: Mapping[str, Any], sought: Sought) -> Report:
    """Return that Twilio has a message, whatever became of it."""
    report = _report(
        sought.attempt_id, message["sid"], message["status"], message.get("error_code"), message,
        datetime.now(UTC),
    )  # fmt: skip
    return report if report.kind else replace(report, kind=ReceiptKind.SENT, reason="")


def _made_at(message: Mapping[str, Any]) -> datetime:
    return parsedate_to_datetime(message["date_created"])


def _code(given: Any) -> int:
    """Return an error code, which answers hold as a number and callbacks as text; 0 for none."""
    text = str(given or "")
    return int(text) if len(text) <= 9 and text.isdecimal() else 0


def _query(webhook: Webhook) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(webhook.url).query, keep_blank_values=True))


def _spellings(url: str) -> list[str]:
    """Return a URL as it is, without a port, and with the usual one: Twilio signs any of them."""
    parts = urlsplit(url)
    bare = parts.netloc
    if parts.port is not None:
        bare = bare.rpartition(":")[0]
    usual = 443 if parts.scheme == "https" else 80
    netlocs = dict.fromkeys((parts.netloc, bare, f"{bare}:{usual}"))
    return [url.replace(f"//{parts.netloc}", f"//{netloc}", 1) for netloc in netlocs]


def _bare(address: str) -> str:
    return address.removeprefix("whatsapp:")


def _messages(settings: TwilioSettings) -> str:
    return f"{settings.base_url}/2010-04-01/Accounts/{settings.account_sid}/Messages"


def _basic(settings: TwilioSettings) -> str:
    user, secret = settings.account_sid, settings.auth_token
    if settings.api_key and settings.api_secret is not None:
        user, secret = settings.api_key, settings.api_secret
    pair = f"{user}:{secret.get_secret_value()}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"
