"""Texts by End User Messaging: requests, exceptions by their reason, events and replies."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from domain.http import HttpResponse
from domain.message import ContentMessage
from domain.report import Heard
from domain.vocabulary import CategoryClass, Channel, ReceiptKind
from fakes import sns_signer
from fakes.aws_sms import FakeAwsSms
from tests.fixtures.aws import KEY, in_json, told, webhook
from vendors.aws_api import Meaning
from vendors.http_api import Moment
from vendors.sms.aws_sms import EVENTS, REFUSALS, STOPS, Settings, outcome, receipts, request

NOW = Moment(datetime(2026, 1, 2, tzinfo=UTC))
URL = "https://tocsin.example.com/v1/receipts/acc_1"


def text(**given: Any) -> ContentMessage:
    content = {"text": "Grüße", "encoding": "gsm7", "segments": 1}
    return ContentMessage("att_1", "ntf_1", Channel.SMS, "+14155550100", content, **given)


def sent(message: ContentMessage, **settings: Any) -> dict[str, Any]:
    """Return the document that is posted."""
    made = request(message, Settings(**KEY, **settings), NOW)
    assert made.url == "https://sms-voice.us-east-1.amazonaws.com/"
    assert made.headers["X-Amz-Target"] == "PinpointSMSVoiceV2.SendTextMessage"
    return dict(json.loads(made.body))


def test_a_text_has_all_that_was_set() -> None:
    settings = {
        "from": "+12065550152", "configuration_set": "tocsin", "max_price": "0.50",
        "entity_id": "1", "template_id": "2",
    }  # fmt: skip
    assert sent(text(), **settings) == {
        "DestinationPhoneNumber": "+14155550100", "MessageBody": "Grüße",
        "MessageType": "TRANSACTIONAL", "Context": {"tocsin_attempt": "att_1"},
        "OriginationIdentity": "+12065550152", "ConfigurationSetName": "tocsin",
        "MaxPrice": "0.50",
        "DestinationCountryParameters": {"IN_ENTITY_ID": "1", "IN_TEMPLATE_ID": "2"},
    }  # fmt: skip


def test_what_is_not_set_is_not_sent() -> None:
    assert set(sent(text())) == {
        "DestinationPhoneNumber", "MessageBody", "MessageType", "Context",
    }  # fmt: skip


@pytest.mark.parametrize("class_", list(CategoryClass))
def test_only_what_somebody_waits_for_is_transactional(class_: CategoryClass) -> None:
    expected = {"otp": "TRANSACTIONAL", "transactional": "TRANSACTIONAL"}
    assert sent(text(class_=class_))["MessageType"] == expected.get(class_, "PROMOTIONAL")


@pytest.mark.parametrize(("seconds", "ttl"), [(90, 90), (1, 5), (-9, 5), (999_999, 259_200)])
def test_an_expiry_becomes_a_time_to_live(seconds: int, ttl: int) -> None:
    assert sent(text(expires_at=NOW.now + timedelta(seconds=seconds)))["TimeToLive"] == ttl


BY_REASON = [(code, meaning) for codes, meaning in REFUSALS.items() for code in codes]


@pytest.mark.parametrize(("reason", "meaning"), [one for one in BY_REASON if one[0].isupper()])
def test_every_listed_reason(reason: str, meaning: Meaning) -> None:
    found = outcome(in_json("ConflictException", "words", Reason=reason))
    assert (found.kind, found.scope, found.reason) == meaning


@pytest.mark.parametrize(("code", "meaning"), [one for one in BY_REASON if not one[0].isupper()])
def test_every_listed_exception_with_a_reason_of_tomorrow(code: str, meaning: Meaning) -> None:
    found = outcome(in_json(code, "words", Reason="REASON_OF_TOMORROW"))
    assert (found.kind, found.scope, found.reason) == meaning


@pytest.mark.parametrize("reason", ["FIELD_VALIDATION_FAILED", "CANNOT_PARSE", "INVALID_PARAMETER"])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ([{"Name": "DestinationPhoneNumber", "Message": "bad"}],
         ("rejected", "recipient", "invalid_address")),
        ([{"Name": "MessageBody"}, {"Name": "DestinationPhoneNumber"}],
         ("rejected", "recipient", "invalid_address")),
        ([{"Name": "MessageBody"}], ("rejected", "message", "invalid_payload")),
        (None, ("rejected", "message", "invalid_payload")),
        ([1, {}], ("rejected", "message", "invalid_payload")),
    ],
)  # fmt: skip
def test_a_wrong_field_may_be_the_number(
    reason: str, fields: Any, expected: tuple[str, str, str]
) -> None:
    found = outcome(in_json("ValidationException", "words", Reason=reason, Fields=fields))
    assert told(found) == expected


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (in_json("ThrottlingException", "x"), ("throttled", "account", "rate_account")),
        (in_json("AccessDeniedException", "no policy"), ("rejected", "account", "auth_failed")),
        (in_json("InternalServerException", "x", 500),
         ("unknown", "message", "vendor_error_after_body")),
        (in_json("ExceptionOfTomorrow", "x"), ("rejected", "message", "invalid_payload")),
        (HttpResponse(400, {}, b"{"), ("rejected", "message", "invalid_payload")),
    ],
)  # fmt: skip
def test_other_answers(response: HttpResponse, expected: tuple[str, str, str]) -> None:
    assert told(outcome(response)) == expected


def heard(document: Any) -> Heard:
    call = sns_signer.notification(document, url=URL, changed={"MessageId": "sns-1"})
    return receipts(webhook(call), None)


@pytest.mark.parametrize(("word", "expected"), EVENTS.items())
def test_every_event(word: str, expected: tuple[ReceiptKind | None, str, bool]) -> None:
    [report] = heard(
        {
            "eventType": word, "eventTimestamp": 1767323100500, "messageId": "m-1",
            "destinationPhoneNumber": "+14155550100", "messageStatus": "STATUS",
            "context": {"tocsin_attempt": "att_1"},
        }
    ).reports  # fmt: skip
    assert (report.kind, report.reason, report.hard) == expected
    assert (report.attempt_id, report.event_key) == ("att_1", f"m-1:{word}")
    assert (report.address, report.vendor_code) == ("+14155550100", "STATUS")
    assert report.at == datetime(2026, 1, 2, 3, 5, 0, 500_000, tzinfo=UTC)


def test_an_event_of_tomorrow_is_a_note() -> None:
    [report] = heard({"eventType": "TEXT_OF_TOMORROW"}).reports
    assert (report.kind, report.attempt_id, report.event_key) == (None, "", "sns-1")


@pytest.mark.parametrize(
    "document",
    [{"eventType": "TEXT_SENT", "context": [1]}, {"inboundMessageId": "1"},
     {"eventType": "TEXT_SENT", "eventTimestamp": 10**30}],
)  # fmt: skip
def test_an_event_of_another_shape_is_a_value_error(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not what AWS documents|out of range"):
        heard(document)


def test_what_somebody_wrote_is_a_reply() -> None:
    call = FakeAwsSms().reply("+14155550100", "+12065550152", "Is it open?", url=URL)
    found = receipts(webhook(call), None)
    [reply] = found.replies
    assert found.reports == ()
    assert (reply.channel, reply.sender, reply.to) == (
        Channel.SMS, "+14155550100", "+12065550152",
    )  # fmt: skip
    assert (reply.text, reply.unsubscribes) == ("Is it open?", False)
    assert reply.event_key == json.loads(json.loads(call.body)["Message"])["inboundMessageId"]


@pytest.mark.parametrize("word", [*sorted(STOPS), "Stop ", "stop"])
def test_a_keyword_unsubscribes(word: str) -> None:
    call = FakeAwsSms().reply("+14155550100", "+12065550152", word, url=URL)
    [reply] = receipts(webhook(call), None).replies
    assert reply.unsubscribes
