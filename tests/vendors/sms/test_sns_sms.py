"""Texts by SNS: what is asked, and what its answers mean."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from pydantic import ValidationError

from domain.http import HttpResponse
from domain.message import ContentMessage
from domain.vocabulary import CategoryClass, Channel
from fakes.http_server import FakeHttp
from fakes.sns import FakeSnsSms
from tests.fixtures.aws import KEY, in_xml, told
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors import sns_api
from vendors.aws_api import Meaning
from vendors.http_api import Moment
from vendors.sms.sns import KIND, REFUSALS, Settings, outcome, request

NOW = Moment(datetime(2026, 1, 2, tzinfo=UTC))
TABLE = {**sns_api.REFUSALS, **REFUSALS}


def text(words: str = "Grüße & more", class_: CategoryClass = CategoryClass.OTP) -> ContentMessage:
    content = {"text": words, "encoding": "gsm7", "segments": 1}
    return ContentMessage("att_1", "ntf_1", Channel.SMS, "+14155550100", content, class_=class_)


def sent(message: ContentMessage, **settings: Any) -> dict[str, str]:
    """Return the form that is posted."""
    made = request(message, Settings(**KEY, **settings), NOW)
    assert made.url == "https://sns.us-east-1.amazonaws.com/"
    return dict(parse_qsl(made.body.decode(), strict_parsing=True))


def test_a_text_has_all_that_was_set() -> None:
    settings = {"from": "Tocsin", "max_price": "0.50", "entity_id": "1", "template_id": "2"}
    form = sent(text(), **settings)
    entries = {
        form.pop(f"MessageAttributes.entry.{n}.Name"): (
            form.pop(f"MessageAttributes.entry.{n}.Value.DataType"),
            form.pop(f"MessageAttributes.entry.{n}.Value.StringValue"),
        )
        for n in range(1, 6)
    }
    assert entries == {
        "AWS.SNS.SMS.SMSType": ("String", "Transactional"),
        "AWS.SNS.SMS.SenderID": ("String", "Tocsin"),
        "AWS.SNS.SMS.MaxPrice": ("Number", "0.50"),
        "AWS.MM.SMS.EntityId": ("String", "1"),
        "AWS.MM.SMS.TemplateId": ("String", "2"),
    }
    assert form == {
        "Action": "Publish", "Version": "2010-03-31", "PhoneNumber": "+14155550100",
        "Message": "Grüße & more",
    }  # fmt: skip


def test_a_number_is_an_origination_number() -> None:
    form = sent(text(), **{"from": "+12065550152"})
    assert form["MessageAttributes.entry.2.Name"] == "AWS.MM.SMS.OriginationNumber"


@pytest.mark.parametrize("class_", list(CategoryClass))
def test_only_what_somebody_waits_for_is_transactional(class_: CategoryClass) -> None:
    expected = {"otp": "Transactional", "transactional": "Transactional"}
    form = sent(text(class_=class_))
    assert form["MessageAttributes.entry.1.Value.StringValue"] == expected.get(
        class_, "Promotional"
    )


def test_a_price_is_a_number() -> None:
    with pytest.raises(ValidationError, match="max_price"):
        Settings(**KEY, max_price="a lot")


async def test_words_and_attributes_arrive() -> None:
    fake = FakeSnsSms()
    async with FakeHttp(fake) as server:
        account = KIND.open({**KEY, "base_url": server.url("sns_sms"), "from": "Shop"}, parts_for())
        await account.send(text("100 % + Grüße\n& =?"), deadline=soon())
        await account.close()
    [taken] = fake.taken
    assert taken.fields["Message"] == "100 % + Grüße\n& =?"
    assert taken.fields["attributes"]["AWS.SNS.SMS.SenderID"] == "Shop"


@pytest.mark.parametrize(
    ("code", "meaning"), [(code, meaning) for codes, meaning in TABLE.items() for code in codes]
)
def test_every_listed_code(code: str, meaning: Meaning) -> None:
    found = outcome(in_xml(code, "words"))
    assert (found.kind, found.scope, found.reason) == meaning
    assert (found.vendor_code, found.detail) == (code, "words")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (in_xml("InvalidParameter", "Invalid parameter: PhoneNumber Reason: +1 is not valid"),
         ("rejected", "recipient", "invalid_address")),
        (in_xml("ParameterValueInvalid", "Phone number is wrong"),
         ("rejected", "recipient", "invalid_address")),
        (in_xml("Throttled", "Rate exceeded", 429), ("throttled", "account", "rate_account")),
        (in_xml("Throttling", "Rate exceeded"), ("throttled", "account", "rate_account")),
        (in_xml("SignatureDoesNotMatch", "", 403), ("rejected", "account", "auth_failed")),
        (in_xml("InternalError", "", 500), ("unknown", "message", "vendor_error_after_body")),
        (in_xml("ServiceUnavailable", "", 503), ("transient", "account", "vendor_unavailable")),
        (in_xml("CodeOfTomorrow", ""), ("rejected", "message", "invalid_payload")),
        (HttpResponse(400, {}, b""), ("rejected", "message", "invalid_payload")),
    ],
)  # fmt: skip
def test_codes_and_words(response: HttpResponse, expected: tuple[str, str, str]) -> None:
    assert told(outcome(response)) == expected
