"""Twilio SMS: what is asked, what its codes mean, and what is found by a look-up."""

import base64
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.report import Report
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind, Scope
from fakes.http_server import FakeHttp
from fakes.http_vendor import Answer
from fakes.twilio import FakeTwilio
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import Absent, Sought
from vendors.http_api import Moment, Unfit
from vendors.http_outcomes import Unreadable
from vendors.sms.twilio import KIND, Settings, request
from vendors.twilio_api import REFUSALS, found, outcome

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
GIVEN: dict[str, Any] = {
    "account_sid": "AC00000000000000000000000000000001",
    "auth_token": "fake-token",
    "from": "+14155550199",
}


def settings(**given: Any) -> Settings:
    return Settings.model_validate({**GIVEN, **given})


def a_text(text: str = "Grüße & more", **given: Any) -> ContentMessage:
    usual: dict[str, Any] = {"callback_url": "https://t.example.com/r/acc_1?attempt=att_1"}
    content = {"text": text, "encoding": "gsm7", "segments": 1}
    return ContentMessage(
        "att_1", "ntf_1", Channel.SMS, "+14155550100", content, **{**usual, **given}
    )


def asked(message: ContentMessage | None = None, **given: Any) -> HttpRequest:
    return request(message or a_text(), settings(**given), Moment(NOW))


def form(given: HttpRequest) -> dict[str, str]:
    fields = parse_qs(given.body.decode(), strict_parsing=True, keep_blank_values=True)
    return {name: value for name, [value] in fields.items()}


def test_the_request_is_a_form_to_the_account() -> None:
    found = asked()
    assert found.method == "POST"
    assert found.url == (
        "https://api.twilio.com/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json"
    )
    assert found.headers["Content-Type"] == "application/x-www-form-urlencoded"
    pair = base64.b64decode(found.headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "AC00000000000000000000000000000001:fake-token"
    assert form(found) == {
        "To": "+14155550100",
        "From": "+14155550199",
        "Body": "Grüße & more",
        "StatusCallback": "https://t.example.com/r/acc_1?attempt=att_1",
    }


def test_an_api_key_signs_in_instead_of_the_token() -> None:
    found = asked(api_key="SK1", api_secret="word")
    pair = base64.b64decode(found.headers["Authorization"].removeprefix("Basic ")).decode()
    assert pair == "SK1:word"
    assert "/Accounts/AC00000000000000000000000000000001/" in found.url


def test_a_messaging_service_chooses_the_sender() -> None:
    for sender in ("", "+14155550199"):
        fields = form(asked(None, **{"messaging_service_sid": "MG1", "from": sender}))
        assert fields["MessagingServiceSid"] == "MG1"
        assert "From" not in fields


@pytest.mark.parametrize(
    ("left", "seconds"),
    [
        (timedelta(seconds=90.9), "90"),
        (timedelta(hours=10), "36000"),
        (timedelta(days=3), "36000"),
        (timedelta(0), "1"),
        (-timedelta(hours=1), "1"),
    ],
)
def test_a_message_that_expires_says_for_how_long_it_is_good(left: timedelta, seconds: str) -> None:
    assert form(asked(a_text(expires_at=NOW + left)))["ValidityPeriod"] == seconds
    assert "ValidityPeriod" not in form(asked())


def test_no_callback_is_asked_for_where_there_is_no_address_for_it() -> None:
    assert "StatusCallback" not in form(asked(a_text(callback_url="")))


def test_a_text_of_1600_characters_is_the_longest() -> None:
    assert len(form(asked(a_text("ж" * 1600)))["Body"]) == 1600
    with pytest.raises(Unfit, match="1601") as unfit:
        asked(a_text("a" * 1601))
    assert (unfit.value.reason, unfit.value.scope) == ("payload_too_large", Scope.MESSAGE)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"from": ""}, "needs from or messaging_service_sid"),
        ({"api_key": "SK1"}, "needs api_key and api_secret together"),
        ({"api_secret": "word"}, "needs api_key and api_secret together"),
        ({"account_sid": ""}, "at least 1 character"),
        ({"from": "+1\r\nX: y"}, "must be one line"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings(**given)


def an_error(status: int, code: Any, **headers: str) -> HttpResponse:
    document = {"code": code, "message": "Words", "more_info": "https://…", "status": status}
    return HttpResponse(status, headers, Answer.of_json(status, document).body)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [(code, meaning) for codes, meaning in REFUSALS.items() for code in codes],
)
def test_every_code_means_the_same_in_every_answer(code: int, meaning: tuple[Any, ...]) -> None:
    for answer in (
        an_error(400, code),
        an_error(400, str(code)),
        an_error(500, code),
        HttpResponse(201, {}, Answer.of_json(201, {"sid": "SM1", "error_code": code}).body),
        HttpResponse(201, {}, Answer.of_json(201, {"sid": "SM1", "error_code": str(code)}).body),
    ):
        found = outcome(answer)
        assert (found.kind, found.scope, found.reason) == meaning
        assert found.vendor_code == str(code)
        assert found.vendor_id == ""


def test_no_code_stands_in_the_table_twice() -> None:
    codes = [code for row in REFUSALS for code in row]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize(
    ("status", "code", "expected", "told"),
    [
        (400, 21999, (OutcomeKind.REJECTED, Scope.MESSAGE, "invalid_payload"), "21999"),
        (401, 20003, (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed"), "20003"),
        (401, None, (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed"), "401"),
        (403, 20001, (OutcomeKind.REJECTED, Scope.ACCOUNT, "forbidden"), "20001"),
        (404, 20001, (OutcomeKind.REJECTED, Scope.ACCOUNT, "config_missing"), "20001"),
        (429, 20429, (OutcomeKind.THROTTLED, Scope.ACCOUNT, "rate_account"), "20429"),
        (429, None, (OutcomeKind.THROTTLED, Scope.ACCOUNT, "rate_account"), "429"),
        (500, 20500, (OutcomeKind.UNKNOWN, Scope.MESSAGE, "vendor_error_after_body"), "20500"),
        (503, 20503, (OutcomeKind.TRANSIENT, Scope.ACCOUNT, "vendor_unavailable"), "20503"),
        (503, 20429, (OutcomeKind.THROTTLED, Scope.ACCOUNT, "rate_account"), "20429"),
        (504, "no code", (OutcomeKind.UNKNOWN, Scope.MESSAGE, "vendor_error_after_body"), "504"),
        (400, [1], (OutcomeKind.REJECTED, Scope.MESSAGE, "invalid_payload"), "400"),
    ],
)
def test_other_codes_are_judged_by_the_status(
    status: int, code: Any, expected: tuple[Any, ...], told: str
) -> None:
    found = outcome(an_error(status, code))
    assert (found.kind, found.scope, found.reason) == expected
    assert (found.vendor_code, found.detail) == (told, "Words")


def test_a_throttled_message_waits_as_long_as_twilio_says() -> None:
    found = outcome(an_error(429, 20429, **{"retry-after": "4"}))
    assert found.retry_after == 4


@pytest.mark.parametrize("status", [400, 403, 429, 500, 502, 503])
@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"\xff", b'"x"'])
def test_an_error_that_cannot_be_read_is_judged_by_its_status(status: int, body: bytes) -> None:
    found = outcome(HttpResponse(status, {}, body))
    assert found.kind is not OutcomeKind.ACCEPTED
    assert found.vendor_code == str(status)


def test_a_message_of_many_segments_is_one_message() -> None:
    document = {"sid": "SM1", "status": "queued", "error_code": None, "num_segments": "7"}
    found = outcome(HttpResponse(201, {}, Answer.of_json(201, document).body))
    assert (found.kind, found.vendor_id) == (OutcomeKind.ACCEPTED, "SM1")


@pytest.mark.parametrize("document", [{}, {"sid": None}, {"sid": ""}, {"sid": 7}, {"sid": ["SM1"]}])
def test_a_good_status_without_a_message_is_unreadable(document: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        outcome(HttpResponse(201, {}, Answer.of_json(201, document).body))


SOUGHT = Sought("att_1", "", Channel.SMS, "+14155550100", NOW)


def listed(*seconds: float, more: bool = False, **given: Any) -> HttpResponse:
    """Return a list of messages that were made so many seconds after the attempt."""
    messages = [
        {
            "sid": f"SM{number}", "status": "delivered", "error_code": None, "body": "secret words",
            "to": "+14155550100", "date_sent": None,
            "date_created": format_datetime(NOW + timedelta(seconds=one)), **given,
        }
        for number, one in enumerate(seconds)
    ]  # fmt: skip
    document = {"messages": messages, "next_page_uri": "/next" if more else None}
    return HttpResponse(200, {}, Answer.of_json(200, document).body)


def test_one_message_of_that_minute_is_the_one() -> None:
    report = found(listed(-3600, 2, 7200), SOUGHT)
    assert isinstance(report, Report)
    assert (report.kind, report.attempt_id, report.event_key) == (
        ReceiptKind.DELIVERED, "att_1", "SM1:delivered",
    )  # fmt: skip
    assert report.address == "+14155550100"
    assert "secret words" not in repr(report.raw)


@pytest.mark.parametrize(
    ("seconds", "more"),
    [((), False), ((-91, 91), False), ((-86_400,), False), ((-91,), True), ((100, -100), True)],
)
def test_no_message_of_that_minute_means_that_there_is_none(
    seconds: Sequence[float], more: bool
) -> None:
    assert found(listed(*seconds, more=more), SOUGHT) == Absent()


@pytest.mark.parametrize(
    ("seconds", "more"),
    [((1, 2), False), ((-90, 90), False), ((5,), True), ((500,), True), ((), True)],
)
def test_nobody_can_tell_when_two_are_near_or_the_page_ends_too_soon(
    seconds: Sequence[float], more: bool
) -> None:
    assert found(listed(*seconds, more=more), SOUGHT) is None


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        ("queued", None, (ReceiptKind.SENT, "", False)),
        ("accepted", None, (ReceiptKind.SENT, "", False)),
        ("a word of tomorrow", None, (ReceiptKind.SENT, "", False)),
        ("read", None, (ReceiptKind.READ, "", False)),
        ("undelivered", 30003, (ReceiptKind.FAILED, "unreachable", False)),
        ("failed", 30006, (ReceiptKind.FAILED, "landline", True)),
        ("failed", 30410, (ReceiptKind.SENT, "", False)),
        ("canceled", None, (ReceiptKind.FAILED, "", False)),
    ],
)
def test_what_is_found_is_reported_as_it_is(
    status: str, code: int | None, expected: tuple[Any, ...]
) -> None:
    report = found(listed(0, status=status, error_code=code), SOUGHT)
    assert isinstance(report, Report)
    assert (report.kind, report.reason, report.hard) == expected


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_a_look_up_that_is_refused_tells_nothing(status: int) -> None:
    assert found(an_error(status, 20404), SOUGHT) is None


@asynccontextmanager
async def opened(**given: Any) -> AsyncIterator[tuple[FakeTwilio, Any]]:
    fake = FakeTwilio()
    async with FakeHttp(fake) as server:
        account = KIND.open({**GIVEN, "base_url": server.url("twilio"), **given}, parts_for())
        yield fake, account
        await account.close()


async def test_a_message_is_looked_up_by_its_sid_or_by_its_address() -> None:
    async with opened() as (fake, account):
        sent = await account.send(a_text(), deadline=soon())
        by_sid = replace(SOUGHT, vendor_id=sent.vendor_id)
        report = await account.look_up(by_sid, deadline=soon())
        assert (report.kind, report.event_key) == (ReceiptKind.SENT, f"{sent.vendor_id}:queued")
        now = replace(SOUGHT, attempted_at=datetime.now(UTC))
        assert (await account.look_up(now, deadline=soon())).event_key == report.event_key
        assert [one.path.rpartition("/Messages")[2] for one in fake.asked[1:]] == [
            f"/{sent.vendor_id}.json", ".json",
        ]  # fmt: skip
        assert fake.asked[-1].query == "To=%2B14155550100&PageSize=200"

        elsewhere = replace(now, address="+14155550111")
        assert await account.look_up(elsewhere, deadline=soon()) == Absent()
        await account.send(a_text(), deadline=soon())
        assert await account.look_up(now, deadline=soon()) is None
        unknown = replace(SOUGHT, vendor_id="SM1/../x")
        assert await account.look_up(unknown, deadline=soon()) is None


async def test_an_api_key_sends_and_asks() -> None:
    key, secret = FakeTwilio.api_key
    async with opened(api_key=key, api_secret=secret, auth_token="other") as (fake, account):
        assert (await account.send(a_text(), deadline=soon())).kind is OutcomeKind.ACCEPTED
    async with opened(api_key=key, api_secret="wrong") as (fake, account):
        assert (await account.send(a_text(), deadline=soon())).reason == "auth_failed"
        assert fake.taken == []
