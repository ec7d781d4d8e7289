"""What SES tells afterwards, event by event."""

from datetime import UTC, datetime
from typing import Any

import pytest

from domain.report import Report
from domain.vocabulary import ReceiptKind
from fakes import sns_signer
from tests.fixtures.aws import webhook
from vendors.email.ses import receipts
from vendors.email.ses_events import HARD_BOUNCES, SOFT_BOUNCES

MAIL = {
    "timestamp": "2026-01-02T03:04:05.678Z", "messageId": "0100-1", "source": "a@example.com",
    "destination": ["sam@example.org"], "tags": {"tocsin_attempt": ["att_1"]},
    "headers": [{"name": "Subject", "value": "Your secret"}],
    "commonHeaders": {"subject": "Your secret"},
}  # fmt: skip
URL = "https://tocsin.example.com/v1/receipts/acc_1"


def heard(word: str, name: str = "", *, key: str = "eventType", **details: Any) -> list[Report]:
    """Return the reports of an event whose details stand under `name`."""
    document: dict[str, Any] = {key: word, "mail": MAIL}
    if name:
        document[name] = details
    call = sns_signer.notification(document, url=URL, changed={"MessageId": "sns-1"})
    return list(receipts(webhook(call), None).reports)


def bounce(kind: str, subtype: str, **recipient: str) -> Report:
    bounced = [{"emailAddress": "sam@example.org", **recipient}]
    [report] = heard(
        "Bounce", "bounce", bounceType=kind, bounceSubType=subtype, bouncedRecipients=bounced,
        timestamp="2026-01-02T03:05:00.000Z",
    )  # fmt: skip
    return report


@pytest.mark.parametrize(("subtype", "reason"), HARD_BOUNCES.items())
def test_permanent_bounces_are_hard(subtype: str, reason: str) -> None:
    report = bounce("Permanent", subtype)
    assert (report.kind, report.hard, report.reason) == (ReceiptKind.BOUNCED, True, reason)
    assert report.vendor_code == f"Permanent/{subtype}"


@pytest.mark.parametrize(("subtype", "reason"), [*SOFT_BOUNCES.items(), ("General", "unreachable")])
@pytest.mark.parametrize("kind", ["Transient", "Undetermined", "WordOfTomorrow"])
def test_other_bounces_are_soft(kind: str, subtype: str, reason: str) -> None:
    report = bounce(kind, subtype)
    assert (report.kind, report.hard, report.reason) == (ReceiptKind.BOUNCED, False, reason)


def test_a_bounce_of_tomorrow_is_as_its_type() -> None:
    assert bounce("Permanent", "SubtypeOfTomorrow").reason == "invalid_address"


def test_a_report_says_whose_when_and_why() -> None:
    report = bounce("Permanent", "General", diagnosticCode="smtp; 550 5.1.1 user unknown")
    assert report.attempt_id == "att_1"
    assert report.event_key == "sns-1"
    assert report.address == "sam@example.org"
    assert report.at == datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
    assert report.vendor_code == "smtp; 550 5.1.1 user unknown"


@pytest.mark.parametrize("feedback", ["abuse", "fraud", "virus", "other", "auth-failure", ""])
def test_complaints(feedback: str) -> None:
    recipients = [{"emailAddress": "sam@example.org"}]
    [report] = heard(
        "Complaint", "complaint", complainedRecipients=recipients, complaintFeedbackType=feedback
    )
    assert (report.kind, report.vendor_code) == (ReceiptKind.COMPLAINED, feedback)


def test_who_says_that_it_is_no_spam_does_not_complain() -> None:
    recipients = [{"emailAddress": "sam@example.org"}]
    [report] = heard(
        "Complaint", "complaint", complainedRecipients=recipients,
        complaintFeedbackType="not-spam",
    )  # fmt: skip
    assert report.kind is None


@pytest.mark.parametrize(
    ("word", "name", "kind", "reason"),
    [
        ("Send", "send", ReceiptKind.SENT, ""),
        ("Delivery", "delivery", ReceiptKind.DELIVERED, ""),
        ("DeliveryDelay", "deliveryDelay", None, ""),
        ("Reject", "reject", ReceiptKind.FAILED, "content_filtered"),
        ("Rendering Failure", "failure", ReceiptKind.FAILED, "template_params"),
        ("Open", "open", ReceiptKind.OPENED, ""),
        ("Click", "click", ReceiptKind.CLICKED, ""),
        ("WordOfTomorrow", "wordOfTomorrow", None, ""),
    ],
)
@pytest.mark.parametrize("key", ["eventType", "notificationType"])
def test_other_events(
    key: str, word: str, name: str, kind: ReceiptKind | None, reason: str
) -> None:
    [report] = heard(word, name, key=key, ipAddress="192.0.2.1")
    assert (report.kind, report.reason, report.hard) == (kind, reason, False)
    assert report.address == "sam@example.org"


@pytest.mark.parametrize(
    ("preferences", "unsubscribes"),
    [
        ({"unsubscribeAll": True}, True),
        ({"unsubscribeAll": False}, False),
        ({"topicSubscriptionStatus": [{"topicName": "a", "subscriptionStatus": "OptOut"}]}, True),
        ({"topicSubscriptionStatus": [{"topicName": "a", "subscriptionStatus": "OptIn"}]}, False),
    ],
)
def test_a_subscription_may_end(preferences: dict[str, Any], unsubscribes: bool) -> None:
    [report] = heard("Subscription", "subscription", newTopicPreferences=preferences)
    assert (report.kind, report.unsubscribes) == (None, unsubscribes)


def test_several_recipients_are_told_apart() -> None:
    bounced = [{"emailAddress": f"sam{n}@example.org"} for n in range(2)]
    reports = heard("Bounce", "bounce", bounceType="Permanent", bouncedRecipients=bounced)
    assert [(one.address, one.event_key) for one in reports] == [
        ("sam0@example.org", "sns-1:0"), ("sam1@example.org", "sns-1:1"),
    ]  # fmt: skip


def test_what_the_mail_said_is_not_kept() -> None:
    assert "Your secret" not in repr(heard("Delivery", "delivery"))


def test_a_mail_without_our_tag_names_no_attempt() -> None:
    call = sns_signer.notification({"eventType": "Send", "mail": {"tags": {}}}, url=URL)
    [report] = receipts(webhook(call), None).reports
    assert (report.attempt_id, report.kind) == ("", ReceiptKind.SENT)


@pytest.mark.parametrize(
    "document",
    [
        {"eventType": "Send", "mail": 1}, {"eventType": "Bounce", "bounce": [1], "mail": MAIL},
        {"eventType": "Bounce", "bounce": {"bouncedRecipients": [{}]}, "mail": MAIL},
        {"eventType": "Complaint", "complaint": {"complainedRecipients": 3}, "mail": MAIL},
    ],
)  # fmt: skip
def test_an_event_of_another_shape_is_a_value_error(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="not what AWS documents"):
        receipts(webhook(sns_signer.notification(document, url=URL)), None)
