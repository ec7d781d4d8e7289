"""What Amazon SES tells of a mail afterwards, as the events in a call of SNS.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from domain.report import Heard, Report
from domain.vocabulary import ReceiptKind

TAG: Final = "tocsin_attempt"
"""The tag of a mail that carries the attempt's id."""

EVENTS: Final[Mapping[str, tuple[ReceiptKind | None, str, str]]] = {
    "Send": (ReceiptKind.SENT, "send", ""),
    "Delivery": (ReceiptKind.DELIVERED, "delivery", ""),
    "DeliveryDelay": (None, "deliveryDelay", "delayedRecipients"),
    "Bounce": (ReceiptKind.BOUNCED, "bounce", "bouncedRecipients"),
    "Complaint": (ReceiptKind.COMPLAINED, "complaint", "complainedRecipients"),
    "Reject": (ReceiptKind.FAILED, "reject", ""),
    "Rendering Failure": (ReceiptKind.FAILED, "failure", ""),
    "Open": (ReceiptKind.OPENED, "open", ""),
    "Click": (ReceiptKind.CLICKED, "click", ""),
    "Subscription": (None, "subscription", ""),
}
"""eventType → receipt (None is a note), the name of its details, and of the recipients in them."""

HARD_BOUNCES: Final[Mapping[str, str]] = {
    "General": "invalid_address",
    "NoEmail": "invalid_address",
    "Suppressed": "suppressed",
    "OnAccountSuppressionList": "suppressed",
}
"""bounceSubType of a permanent bounce → reason; another one is invalid_address."""

SOFT_BOUNCES: Final[Mapping[str, str]] = {
    "MailboxFull": "mailbox_full",
    "MessageTooLarge": "payload_too_large",
    "ContentRejected": "content_filtered",
    "AttachmentRejected": "content_filtered",
}
"""bounceSubType of a transient or undetermined bounce → reason; another one is unreachable."""

_REASONS: Final[Mapping[str, str]] = {
    "Reject": "content_filtered",
    "Rendering Failure": "template_params",
}
_NO_COMPLAINT: Final = "not-spam"
_CONTENT: Final = frozenset({"headers", "commonHeaders"})


@dataclass(frozen=True, slots=True)
class _Told:
    """What one event says of its recipient."""

    kind: ReceiptKind | None
    reason: str = ""
    hard: bool = False
    unsubscribes: bool = False
    code: str = ""


def read_event(event: Mapping[str, Any], sns_id: str, published_at: datetime) -> Heard:
    """Return an event as a report for each recipient that it names; unknown ones are notes."""
    word = str(event.get("eventType") or event.get("notificationType") or "")
    kind, details_name, recipients_name = EVENTS.get(word, (None, "", ""))
    mail: Mapping[str, Any] = event.get("mail") or {}
    details: Mapping[str, Any] = event.get(details_name) or {}
    told = _told(word, kind, details)
    tags: Mapping[str, Any] = mail.get("tags") or {}
    attempt_id = str(next(iter(tags.get(TAG) or ()), ""))
    recipients = details.get(recipients_name) or mail.get("destination") or [""]
    return Heard(
        tuple(
            Report(
                told.kind, attempt_id, key, _time(details, published_at), address=address,
                reason=told.reason, hard=told.hard, unsubscribes=told.unsubscribes,
                url=str(details.get("link") or ""),
                vendor_code=code or told.code, raw=_without_content(event, mail),
            )
            for key, address, code in _each(recipients, sns_id)
        )
    )  # fmt: skip


def _told(word: str, kind: ReceiptKind | None, details: Mapping[str, Any]) -> _Told:
    if word == "Bounce":
        subtype = str(details.get("bounceSubType") or "")
        code = f"{details.get('bounceType')}/{subtype}"
        if details.get("bounceType") == "Permanent":
            reason = HARD_BOUNCES.get(subtype, "invalid_address")
            return _Told(kind, reason, hard=True, code=code)
        return _Told(kind, SOFT_BOUNCES.get(subtype, "unreachable"), code=code)
    if word == "Complaint":
        feedback = str(details.get("complaintFeedbackType") or "")
        return _Told(None if feedback == _NO_COMPLAINT else kind, code=feedback)
    if word == "Subscription":
        return _Told(kind, unsubscribes=_unsubscribes(details.get("newTopicPreferences") or {}))
    return _Told(kind, _REASONS.get(word, ""))


def _unsubscribes(preferences: Mapping[str, Any]) -> bool:
    topics = preferences.get("topicSubscriptionStatus") or ()
    return preferences.get("unsubscribeAll") is True or any(
        one.get("subscriptionStatus") == "OptOut" for one in topics
    )


def _each(recipients: Any, sns_id: str) -> Iterator[tuple[str, str, str]]:
    """Give key, address and diagnosis of each recipient: they are addresses, or objects."""
    for number, one in enumerate(recipients):
        key = sns_id if len(recipients) == 1 else f"{sns_id}:{number}"
        if isinstance(one, str):
            yield key, one, ""
        else:
            code = str(one.get("diagnosticCode") or one.get("status") or "")
            yield key, str(one["emailAddress"]), code


def _time(details: Mapping[str, Any], otherwise: datetime) -> datetime:
    """Return when it happened, as far as the event says so."""
    try:
        moment = datetime.fromisoformat(str(details.get("timestamp")))
    except ValueError:
        return otherwise
    return moment if moment.tzinfo else otherwise


def _without_content(event: Mapping[str, Any], mail: Mapping[str, Any]) -> Mapping[str, Any]:
    kept = {name: value for name, value in mail.items() if name not in _CONTENT}
    return {**event, "mail": kept}
