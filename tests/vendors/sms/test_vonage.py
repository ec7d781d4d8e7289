"""Vonage SMS: what is asked, what each status means, and its segments."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest
from pydantic import ValidationError

from domain.http import HttpRequest, HttpResponse
from domain.message import ContentMessage
from domain.outcome import Outcome
from domain.vocabulary import Channel, OutcomeKind, Scope
from fakes.http_server import FakeHttp
from fakes.vonage import FakeVonage
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.http_api import Moment
from vendors.http_outcomes import Unreadable
from vendors.sms.vonage import KIND, REFUSALS, Settings, outcome, request
from vendors.vonage_signature import sign

NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
GIVEN: dict[str, Any] = {
    "api_key": "abcd1234",
    "api_secret": "fake-secret",
    "signature_secret": "fake-signature-secret-of-32-letters",
    "from": "Acme",
}
CALLBACK = "https://t.example.com/v1/receipts/acc_1"


def a_text(text: str = "Grüße & more", encoding: str = "gsm7", **given: Any) -> ContentMessage:
    usual: dict[str, Any] = {"callback_url": f"{CALLBACK}?attempt=att_1"}
    content = {"text": text, "encoding": encoding, "segments": 1}
    return ContentMessage(
        "att_1", "ntf_1", Channel.SMS, "+447700900000", content, **{**usual, **given}
    )


def asked(message: ContentMessage, **given: Any) -> HttpRequest:
    return request(message, Settings.model_validate({**GIVEN, **given}), Moment(NOW))


def form(message: ContentMessage, **given: Any) -> dict[str, str]:
    body = asked(message, **given).body.decode()
    fields = parse_qs(body, strict_parsing=True, keep_blank_values=True)
    return {name: value for name, [value] in fields.items()}


def test_the_request_is_a_form_with_our_attempt_in_it() -> None:
    found = asked(a_text())
    assert (found.method, found.url) == ("POST", "https://rest.nexmo.com/sms/json")
    assert found.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form(a_text()) == {
        "api_key": "abcd1234",
        "api_secret": "fake-secret",
        "from": "Acme",
        "to": "447700900000",
        "text": "Grüße & more",
        "type": "text",
        "client-ref": "att_1",
        "status-report-req": "1",
        "callback": CALLBACK,
    }


def test_a_number_as_sender_has_no_plus() -> None:
    assert form(a_text(), **{"from": "+447700900001"})["from"] == "447700900001"


def test_a_text_outside_the_alphabet_is_unicode() -> None:
    assert form(a_text("Привет", "ucs2"))["type"] == "unicode"


@pytest.mark.parametrize("callback", ["", f"https://t.example.com/{'x' * 80}?attempt=att_1"])
def test_a_callback_that_vonage_would_refuse_is_left_to_the_dashboard(callback: str) -> None:
    assert "callback" not in form(a_text(callback_url=callback))
    longest = f"https://t.example.com/{'x' * 78}"
    assert form(a_text(callback_url=f"{longest}?attempt=att_1"))["callback"] == longest
    assert len(longest) == 100


@pytest.mark.parametrize(
    ("left", "milliseconds"),
    [
        (timedelta(minutes=5), "300000"),
        (timedelta(seconds=3), "20000"),
        (-timedelta(hours=3), "20000"),
        (timedelta(days=30), "604800000"),
    ],
)
def test_a_message_that_expires_says_for_how_long_it_is_good(
    left: timedelta, milliseconds: str
) -> None:
    assert form(a_text(expires_at=NOW + left))["ttl"] == milliseconds
    assert "ttl" not in form(a_text())


def test_a_signed_request_holds_no_secret() -> None:
    fields = form(a_text("a=b&c"), sign_requests=True)
    assert "api_secret" not in fields
    assert fields["timestamp"] == str(int(NOW.timestamp()))
    assert fields["sig"] == sign(fields, "fake-signature-secret-of-32-letters", "sha256")


VECTOR = {
    "from": "Acme", "text": "a=b&c", "to": "447700900000", "api_key": "abcd1234",
    "timestamp": "1700000000",
}  # fmt: skip


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("sha256", "e9de959c1d9618dd92abf047722124ca66e270506a09a3ef6ced5664378f431c"),
        ("md5", "a404072236d0f80e2c1e7da1f3e9eef3"),
        ("sha1", "63d637494112aa8941b43adc73c9c3580db2472a"),
        ("md5hash", "b36702a39d0f41462b507e9306ece8f8"),
    ],
)
def test_the_signatures_of_vonages_own_client(method: Any, signature: str) -> None:
    assert sign(VECTOR, "my-signature-secret", method) == signature
    assert sign({**VECTOR, "sig": "x"}, "my-signature-secret", method) == signature
    reverse = dict(reversed(VECTOR.items()))
    assert sign(reverse, "my-signature-secret", method) == signature


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"api_secret": None}, "needs api_secret, or sign_requests"),
        ({"sign_requests": True, "signature_secret": None}, "needs signature_secret"),
        ({"signature_method": "sha3"}, "'md5hash', 'md5', 'sha1', 'sha256' or 'sha512'"),
        ({"from": "a\nb"}, "one line"),
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Settings.model_validate({**GIVEN, **given})


def an_answer(
    *statuses: Any, words: str = "Words", status: int = 200, headers: dict[str, str] | None = None
) -> HttpResponse:
    messages: list[dict[str, Any]] = [
        {"status": one, "message-id": f"id-{number}"} if one == "0" else
        {"status": one, "error-text": words}
        for number, one in enumerate(statuses)
    ]  # fmt: skip
    document = {"message-count": str(len(messages)), "messages": messages}
    return HttpResponse(status, headers or {}, json.dumps(document).encode())


def told(found: Outcome) -> tuple[Any, ...]:
    return found.kind, found.scope, found.reason


@pytest.mark.parametrize(
    ("code", "meaning"),
    [(code, meaning) for codes, meaning in REFUSALS.items() for code in codes],
)
def test_every_status(code: int, meaning: tuple[Any, ...]) -> None:
    for given in (str(code), code):
        for http in (200, 400, 401, 429):
            found = outcome(an_answer(given, status=http))
            assert told(found) == meaning
            assert (found.vendor_code, found.detail) == (str(code), "Words")
    found = outcome(an_answer(str(code), str(code), str(code)))
    assert (told(found), found.vendor_code) == (meaning, str(code))


def test_no_status_stands_in_the_table_twice() -> None:
    codes = [code for row in REFUSALS for code in row]
    assert len(codes) == len(set(codes))
    assert 0 not in codes


@pytest.mark.parametrize("code", ["77", "-1", "what", ""])
def test_a_status_of_tomorrow_stops_only_this_message(code: str) -> None:
    found = outcome(an_answer(code))
    assert told(found) == (OutcomeKind.REJECTED, Scope.MESSAGE, "invalid_payload")


def test_all_segments_accepted_is_one_message_with_all_their_ids() -> None:
    found = outcome(an_answer("0", "0", "0"))
    assert (found.kind, found.vendor_id) == (OutcomeKind.ACCEPTED, "id-0,id-1,id-2")
    assert outcome(an_answer("0")).vendor_id == "id-0"


@pytest.mark.parametrize(
    ("statuses", "code"), [(("0", "1"), "0,1"), (("9", "0"), "9,0"), (("0", "0", "5"), "0,5")]
)
def test_mixed_segments_leave_doubt(statuses: Sequence[str], code: str) -> None:
    found = outcome(an_answer(*statuses))
    assert told(found) == (OutcomeKind.UNKNOWN, Scope.MESSAGE, "vendor_error_after_body")
    assert (found.vendor_code, found.vendor_id) == (code, "")


def test_segments_refused_for_several_reasons_go_by_the_first_unless_there_is_doubt() -> None:
    found = outcome(an_answer("9", "1"))
    assert told(found) == (OutcomeKind.REJECTED, Scope.ACCOUNT, "no_credit")
    assert outcome(an_answer("9", "5")).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Invalid to param", "invalid_address"),
        ("Invalid value for parameter: to", "invalid_address"),
        ("The value of 'to' is invalid", "invalid_address"),
        ("Invalid from param", "invalid_payload"),
        ("Unable to read ttl param", "invalid_payload"),
        ("", "invalid_payload"),
    ],
)
def test_an_invalid_parameter_that_is_the_number_is_the_recipients_affair(
    words: str, reason: str
) -> None:
    found = outcome(an_answer("3", words=words))
    assert found.reason == reason
    assert (found.scope is Scope.RECIPIENT) == (reason == "invalid_address")


@pytest.mark.parametrize(
    ("headers", "wait"), [({}, 1.0), ({"retry-after": "0"}, 1.0), ({"retry-after": "30"}, 30.0)]
)
def test_too_fast_means_to_wait_a_second_at_least(headers: dict[str, str], wait: float) -> None:
    assert outcome(an_answer("1", headers=headers)).retry_after == wait
    assert outcome(an_answer("2", headers=headers)).retry_after is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed")),
        (404, (OutcomeKind.REJECTED, Scope.ACCOUNT, "config_missing")),
        (429, (OutcomeKind.THROTTLED, Scope.ACCOUNT, "rate_account")),
        (500, (OutcomeKind.UNKNOWN, Scope.MESSAGE, "vendor_error_after_body")),
        (503, (OutcomeKind.TRANSIENT, Scope.ACCOUNT, "vendor_unavailable")),
    ],
)
@pytest.mark.parametrize("body", [b"<html>", b"{}", b"", b'{"title": "x"}'])
def test_an_answer_without_messages_is_judged_by_its_http_status(
    status: int, expected: tuple[Any, ...], body: bytes
) -> None:
    assert told(outcome(HttpResponse(status, {}, body))) == expected


def test_a_server_error_is_no_answer_whatever_it_holds() -> None:
    assert outcome(an_answer("0", status=502)).kind is OutcomeKind.UNKNOWN
    assert outcome(an_answer("2", status=502)).kind is OutcomeKind.UNKNOWN


@pytest.mark.parametrize(
    "body",
    [b'{"messages": []}', b'{"messages": [{"status": "0"}]}', b'{"messages": [{}]}',
     b'{"messages": ["0"]}', b'{"messages": {"status": "0"}}', b'{"messages": 7}'],
)  # fmt: skip
def test_an_answer_of_the_wrong_shape_is_unreadable(body: bytes) -> None:
    with pytest.raises((Unreadable, KeyError, TypeError)):
        outcome(HttpResponse(200, {}, body))


async def sent(message: ContentMessage, **given: Any) -> tuple[FakeVonage, Outcome]:
    fake = FakeVonage()
    async with FakeHttp(fake) as server:
        account = KIND.open({**GIVEN, "base_url": server.url("vonage"), **given}, parts_for())
        found = await account.send(message, deadline=soon())
        await account.close()
    return fake, found


async def test_a_signed_request_is_taken() -> None:
    fake, found = await sent(a_text("a=b&c"), sign_requests=True, api_secret=None)
    assert (found.kind, fake.taken[0].tag) == (OutcomeKind.ACCEPTED, "att_1")


async def test_a_wrong_signature_is_the_accounts_affair() -> None:
    _, found = await sent(a_text(), sign_requests=True, signature_secret="wrong")
    assert told(found) == (OutcomeKind.REJECTED, Scope.ACCOUNT, "auth_failed")
    assert found.vendor_code == "14"


@pytest.mark.parametrize(
    ("text", "encoding", "count"), [("a" * 161, "gsm7", 2), ("ж" * 135, "ucs2", 3)]
)
async def test_a_long_text_has_an_id_for_each_segment(text: str, encoding: str, count: int) -> None:
    fake, found = await sent(a_text(text, encoding))
    assert len(found.vendor_id.split(",")) == count
    assert found.vendor_id.startswith(fake.taken[0].id)


async def test_a_number_that_is_none_is_refused_for_the_recipient() -> None:
    message = ContentMessage(
        "att_1", "ntf_1", Channel.SMS, "+44x", {"text": "Hi", "encoding": "gsm7", "segments": 1}
    )
    _, found = await sent(message)
    assert told(found) == (OutcomeKind.REJECTED, Scope.RECIPIENT, "invalid_address")
