"""Events of Mandrill's webhook, up to a thousand as JSON in one field of a signed form.

https://mandrill.zendesk.com/hc/en-us/articles/205583307-Message-Event-Webhook-Format and, for
the signature, `vendors/form_signature.py`. It covers the URL exactly as it was entered and holds
no time: a repeated call is known by the keys of its events.
"""

import hmac
from collections.abc import Mapping
from typing import Any, Final

from domain.http import Webhook
from domain.report import Heard, ReceiptForged, Report
from domain.vocabulary import ReceiptKind
from vendors.calls import objects, part, read_json, time_of, word
from vendors.contract import Checking
from vendors.email.mandrill_rejections import REJECTIONS
from vendors.form_signature import fields_of, sign

STATUSES: Final = {
    "send": ReceiptKind.SENT,
    "delivered": ReceiptKind.DELIVERED,
    "hard_bounce": ReceiptKind.BOUNCED,
    "soft_bounce": ReceiptKind.BOUNCED,
    "reject": ReceiptKind.FAILED,
    "open": ReceiptKind.OPENED,
    "click": ReceiptKind.CLICKED,
    "spam": ReceiptKind.COMPLAINED,
}
"""Event → receipt; `deferral`, `unsub` and unknown words are notes."""

BOUNCES: Final = {
    "bad_mailbox": "invalid_address",
    "invalid_domain": "invalid_address",
    "mailbox_full": "mailbox_full",
}
"""bounce_description → reason; another one is invalid_address if hard, unreachable if soft."""

HARD: Final = frozenset({"invalid_address", "opted_out"})
"""Reasons of a rejection that make an address unusable for good."""

TAG: Final = "attempt"
"""The name, in a mail's metadata, of the attempt's id."""

_UNSUBSCRIBES: Final = "unsub"
_ROBOT: Final = "robot"


def verify(webhook: Webhook, settings: Any, checking: Checking) -> None:  # noqa: ARG001
    """Check X-Mandrill-Signature against URL, form and the webhook's key; raises ReceiptForged."""
    if settings.webhook_key is None:
        raise ReceiptForged("the account has no webhook_key to check calls by")
    wanted = sign(webhook.url, fields_of(webhook), settings.webhook_key.get_secret_value())
    given = webhook.headers.get("x-mandrill-signature", "")
    if not hmac.compare_digest(given.encode(), wanted.encode()):
        raise ReceiptForged(
            "X-Mandrill-Signature does not fit the webhook_key, the URL and the form"
        )


def receipts(webhook: Webhook, settings: Any) -> Heard:  # noqa: ARG001
    """Return what the events of a call say; those of mail that others sent, and what tells of
    lists or of incoming mail, are left out. Raises KeyError or ValueError for an unreadable call.
    """
    events = objects(read_json(dict(fields_of(webhook))["mandrill_events"]))
    return Heard(tuple(_report(one) for one in events if _attempt(one)))


def _report(event: Mapping[str, Any]) -> Report:
    told, message = word(event.get("event")), part(event, "msg")
    reason, hard, code = _why(told, message)
    return Report(
        STATUSES.get(told),
        _attempt(event),
        _key(told, event, message),
        time_of(event.get("ts")),
        address=word(message.get("email")),
        reason=reason,
        hard=hard,
        unsubscribes=told == _UNSUBSCRIBES,
        machine=word(part(event, "user_agent_parsed").get("type")).lower() == _ROBOT,
        url=word(event.get("url")),
        vendor_code=code,
        raw=dict(event),
    )


def _why(told: str, message: Mapping[str, Any]) -> tuple[str, bool, str]:
    """Return (reason, whether it is for good, Mandrill's word for it) of what went wrong."""
    if told in ("hard_bounce", "soft_bounce"):
        code, hard = word(message.get("bounce_description")), told == "hard_bounce"
        return BOUNCES.get(code, "invalid_address" if hard else "unreachable"), hard, code
    if told == "reject":
        code = word(part(message, "reject").get("reason"))
        reason = REJECTIONS[code][2] if code in REJECTIONS else "suppressed"
        return reason, reason in HARD, code
    return "", False, ""


def _key(told: str, event: Mapping[str, Any], message: Mapping[str, Any]) -> str:
    """Return what tells an event from others: Mandrill gives the mail's id, and events none."""
    id = word(event.get("_id")) or word(message.get("_id"))
    return ":".join((told, id, word(event.get("ts")), word(event.get("url"))))


def _attempt(event: Mapping[str, Any]) -> str:
    return word(part(part(event, "msg"), "metadata").get(TAG))
