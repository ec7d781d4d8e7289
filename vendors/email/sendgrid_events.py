"""Events of SendGrid's signed webhook: an ECDSA signature over the time and the body.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import AfterValidator

from domain.http import Webhook
from domain.report import Heard, ReceiptForged, Report
from domain.vocabulary import ReceiptKind
from vendors.calls import objects, read_json, time_of, word
from vendors.contract import Checking

STATUSES: Final = {
    "processed": ReceiptKind.SENT,
    "delivered": ReceiptKind.DELIVERED,
    "bounce": ReceiptKind.BOUNCED,
    "dropped": ReceiptKind.FAILED,
    "open": ReceiptKind.OPENED,
    "click": ReceiptKind.CLICKED,
    "spamreport": ReceiptKind.COMPLAINED,
}
"""Event → receipt; `deferred`, unsubscriptions and unknown words are notes."""

DROPPED: Final = (
    ("Bounced Address", "invalid_address"),
    ("Invalid", "invalid_address"),
    ("Unsubscribed Address", "opted_out"),
    ("Spam Reporting Address", "opted_out"),
    ("Spam Content", "content_filtered"),
)
"""Beginnings of a reason of `dropped` → reason."""

HARD: Final = frozenset({"invalid_address"})
TOLERANCE: Final = 72 * 3600
"""Seconds: repetitions go on for about a day; older calls are refused."""

_UNSUBSCRIBES: Final = frozenset({"unsubscribe", "group_unsubscribe"})


def verify(webhook: Webhook, settings: Any, checking: Checking) -> None:
    """Check the signature over timestamp and body; raises ReceiptForged."""
    if not settings.verification_key:
        raise ReceiptForged("the account has no verification_key to check calls with")
    prefix = "x-twilio-email-event-webhook-"
    at = webhook.headers.get(f"{prefix}timestamp", "")
    given = webhook.headers.get(f"{prefix}signature", "")
    try:
        signature = base64.b64decode(given, validate=True)
        _key(settings.verification_key).verify(
            signature, at.encode() + webhook.body, ec.ECDSA(SHA256())
        )
    except (InvalidSignature, binascii.Error, ValueError):
        raise ReceiptForged("the signature does not fit key, timestamp and body") from None
    if not at.isdecimal() or abs(checking.now.timestamp() - int(at[:12])) > TOLERANCE:
        raise ReceiptForged("the call was signed more than 72 hours ago")


def receipts(webhook: Webhook, settings: Any) -> Heard:  # noqa: ARG001
    """Return what the events of a call say; those of mail that others sent are left out."""
    events = objects(read_json(webhook.body))
    return Heard(tuple(_report(one) for one in events if word(one.get("attempt"))))


def _report(event: Mapping[str, Any]) -> Report:
    told, reason = word(event.get("event")), ""
    kind = STATUSES.get(told)
    hard = False
    if told == "bounce":
        hard = event.get("type") != "blocked"
        reason = "invalid_address" if hard else "blocked"
    elif told == "dropped":
        words = word(event.get("reason"))
        reason = next((ours for theirs, ours in DROPPED if words.startswith(theirs)), "blocked")
        hard = reason in HARD
    return Report(
        kind,
        word(event.get("attempt")),
        word(event.get("sg_event_id")) or f"{told}:{word(event.get('timestamp'))}",
        time_of(event.get("timestamp")),
        address=word(event.get("email")),
        reason=reason,
        hard=hard,
        unsubscribes=told in _UNSUBSCRIBES,
        machine=event.get("sg_machine_open") is True,
        url=word(event.get("url")),
        vendor_code=word(event.get("status")),
        raw=dict(event),
    )


def _key(text: str) -> ec.EllipticCurvePublicKey:
    key = load_der_public_key(base64.b64decode(text, validate=True))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise ValueError("the key is of another kind")
    return key


def _check_key(value: str) -> str:
    try:
        if value:
            _key(value)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a public key as SendGrid shows it (base64)") from None
    return value


PublicKey = Annotated[str, AfterValidator(_check_key)]
