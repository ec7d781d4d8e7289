"""Calls of the WhatsApp Cloud API: its setup, statuses of messages, words and wishes of users.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
and …/webhooks/reference/user_preferences
"""

import hmac
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from domain.http import HttpResponse, Webhook
from domain.report import Heard, ReceiptForged, Reply, Report
from domain.vocabulary import Channel, ReceiptKind
from vendors.calls import objects, part, read_json, time_of, word
from vendors.contract import Checking
from vendors.whatsapp.cloud_answers import BY_CODE

STATUSES: Final = {
    "sent": ReceiptKind.SENT,
    "delivered": ReceiptKind.DELIVERED,
    "read": ReceiptKind.READ,
    "played": ReceiptKind.READ,
    "failed": ReceiptKind.FAILED,
}
"""The status of a message → receipt. An unknown word is a note."""

HARD: Final = frozenset({"invalid_address"})
"""Reasons of a failure that make an address unusable for good."""

_OPTED_OUT: Final = "opted_out"
_MOST_CHALLENGE: Final = 500


def verify(webhook: Webhook, settings: Any, checking: Checking) -> None:  # noqa: ARG001
    """Check X-Hub-Signature-256 of a call, or the verify token of the setup's GET.

    The signature is HMAC-SHA256 of the body with the app secret. There is no time in it: repeats
    are told by their event key. Raises ReceiptForged.
    """
    if webhook.method == "GET":
        _verify_setup(webhook, settings)
        return
    if settings.app_secret is None:
        raise ReceiptForged("the account has no app_secret to check calls with")
    key = settings.app_secret.get_secret_value().encode()
    expected = f"sha256={hmac.digest(key, webhook.body, 'sha256').hex()}"
    given = webhook.headers.get("x-hub-signature-256", "")
    if not hmac.compare_digest(given.encode(), expected.encode()):
        raise ReceiptForged("X-Hub-Signature-256 does not fit the app secret and the body")


def receipts(webhook: Webhook, settings: Any) -> Heard:  # noqa: ARG001
    """Return what a call says; the answer to the setup's GET is its challenge."""
    if webhook.method == "GET":
        challenge = _query(webhook).get("hub.challenge", "")[:_MOST_CHALLENGE]
        return Heard(answer=HttpResponse(200, {"content-type": "text/plain"}, challenge.encode()))
    document = read_json(webhook.body)
    if not isinstance(document, dict):
        raise ValueError("the call is not an object")
    reports: list[Report] = []
    replies: list[Reply] = []
    for value in _values(document):
        reports += _reports(value)
        replies += [*_messages(value), *_preferences(value)]
    return Heard(tuple(reports), tuple(replies))


def _verify_setup(webhook: Webhook, settings: Any) -> None:
    query = _query(webhook)
    if settings.verify_token is None or query.get("hub.mode") != "subscribe":
        raise ReceiptForged("the account has no verify_token, or the call is no setup")
    expected = settings.verify_token.get_secret_value()
    if not hmac.compare_digest(query.get("hub.verify_token", "").encode(), expected.encode()):
        raise ReceiptForged("hub.verify_token is not the verify_token of the account")


def _values(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for entry in objects(document.get("entry")):
        for change in objects(entry.get("changes")):
            yield part(change, "value")


def _reports(value: dict[str, Any]) -> Iterator[Report]:
    """Give the statuses of messages of ours: others were sent through the number by others."""
    for status in objects(value.get("statuses")):
        attempt = word(status.get("biz_opaque_callback_data"))
        if attempt:
            yield _report(status, attempt)


def _report(status: dict[str, Any], attempt: str) -> Report:
    id, told = word(status.get("id")), word(status.get("status"))
    kind = STATUSES.get(told)
    code = _error_code(status)
    reason = ""
    if kind is ReceiptKind.FAILED:
        reason = BY_CODE[code][2] if code in BY_CODE else "unreachable"
    return Report(
        kind, attempt, f"{id}:{told}", time_of(status.get("timestamp")),
        address=_address(status.get("recipient_id") or status.get("recipient_user_id")),
        reason=reason, hard=reason in HARD, unsubscribes=reason == _OPTED_OUT,
        vendor_code=str(code or ""), raw=status,
    )  # fmt: skip


def _error_code(status: dict[str, Any]) -> int:
    for error in objects(status.get("errors")):
        code = error.get("code")
        if isinstance(code, int):
            return code
    return 0


def _messages(value: dict[str, Any]) -> Iterator[Reply]:
    for message in objects(value.get("messages")):
        if text := _words(message):
            yield Reply(
                Channel.WHATSAPP, _address(message.get("from") or message.get("from_user_id")),
                _ours(value), text, word(message.get("id")), time_of(message.get("timestamp")),
                raw=message,
            )  # fmt: skip


def _words(message: dict[str, Any]) -> str:
    """Return what somebody wrote, or which button or row they chose; nothing for the rest."""
    kind = word(message.get("type"))
    body = part(message, kind)
    chosen = part(body, word(body.get("type")))
    words = (body.get("body"), body.get("text"), body.get("caption"), chosen.get("title"))
    return next((word(one) for one in words if word(one)), "")


def _preferences(value: dict[str, Any]) -> Iterator[Reply]:
    """Give who wants no marketing any more, or wants it again."""
    for preference in objects(value.get("user_preferences")):
        wish, time = word(preference.get("value")), preference.get("timestamp")
        if wish in ("stop", "resume"):
            sender = _address(preference.get("wa_id") or preference.get("user_id"))
            yield Reply(
                Channel.WHATSAPP, sender, _ours(value), "", f"{sender}:{wish}:{word(time)}",
                time_of(time), unsubscribes=wish == "stop", resubscribes=wish == "resume",
                raw=preference,
            )  # fmt: skip


def _ours(value: dict[str, Any]) -> str:
    metadata = part(value, "metadata")
    number = "".join(char for char in word(metadata.get("display_phone_number")) if char.isalnum())
    return _address(number) or word(metadata.get("phone_number_id"))


def _address(value: Any) -> str:
    """Return a phone number with its plus, as ours are written; other ids as they are."""
    id = word(value)
    return f"+{id}" if id.isascii() and id.isdecimal() else id


def _query(webhook: Webhook) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(webhook.url).query))
