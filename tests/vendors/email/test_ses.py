"""Single mails by SES: what is sent, what is refused before, and what answers mean."""

import base64
import json
from datetime import UTC, datetime
from email.header import decode_header, make_header
from typing import Any

import pytest

from domain.http import HttpResponse
from domain.message import ContentMessage
from domain.vocabulary import Channel, Scope
from fakes.http_server import FakeHttp
from fakes.ses import FakeSes
from tests.fixtures.aws import KEY, told, typed
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.aws_api import Meaning
from vendors.email.ses import KIND, MOST_OCTETS, Settings, request
from vendors.email.ses_answers import REFUSALS, WORDS, outcome
from vendors.http_api import Moment, Unfit

CONTENT = {"subject": "Grüße", "text": "Hello", "html": "<p>Hello</p>", "from": "a@example.com"}
NOW = Moment(datetime(2026, 1, 2, tzinfo=UTC))


def mail(address: str = "sam@example.org", name: str = "", **content: Any) -> ContentMessage:
    return ContentMessage(
        "att_1", "ntf_1", Channel.EMAIL, address, {**CONTENT, **content}, name=name
    )


def sent(message: ContentMessage, **settings: Any) -> dict[str, Any]:
    """Return the document that is posted."""
    made = request(message, Settings(**KEY, **settings), NOW)
    assert made.url == "https://email.us-east-1.amazonaws.com/v2/email/outbound-emails"
    return dict(json.loads(made.body))


def unfit(message: ContentMessage, **settings: Any) -> tuple[str, Scope, str]:
    with pytest.raises(Unfit) as refused:
        sent(message, **settings)
    return refused.value.reason, refused.value.scope, refused.value.detail


def test_a_mail_has_all_that_was_given() -> None:
    attachment = {"filename": "a.txt", "content_type": "text/plain", "base64": "aGk="}
    headers = {"List-Unsubscribe": "<https://e.com/u/1>", "List-Unsubscribe-Post": "x"}
    message = mail(reply_to="Help <help@example.com>", attachments=[attachment], headers=headers)
    assert sent(message, configuration_set="tocsin") == {
        "FromEmailAddress": "a@example.com",
        "Destination": {"ToAddresses": ["sam@example.org"]},
        "ReplyToAddresses": ["Help <help@example.com>"],
        "ConfigurationSetName": "tocsin",
        "EmailTags": [{"Name": "tocsin_attempt", "Value": "att_1"}],
        "Content": {
            "Simple": {
                "Subject": {"Data": "Grüße", "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": "Hello", "Charset": "UTF-8"},
                    "Html": {"Data": "<p>Hello</p>", "Charset": "UTF-8"},
                },
                "Headers": [
                    {"Name": "List-Unsubscribe", "Value": "<https://e.com/u/1>"},
                    {"Name": "List-Unsubscribe-Post", "Value": "x"},
                ],
                "Attachments": [
                    {
                        "RawContent": "aGk=", "FileName": "a.txt", "ContentType": "text/plain",
                        "ContentDisposition": "ATTACHMENT",
                        "ContentTransferEncoding": "BASE64",
                    }
                ],
            }
        },
    }  # fmt: skip


def test_the_accounts_sender_is_used_where_the_mail_names_none() -> None:
    assert sent(mail(**{"from": ""}), **{"from": "b@example.com"})["FromEmailAddress"] == (
        "b@example.com"
    )
    assert unfit(mail(**{"from": ""}))[:2] == ("config_missing", Scope.ACCOUNT)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("Shop <a@example.com>", "Shop <a@example.com>"),
        ('"Shop, Inc." <a@example.com>', '"Shop, Inc." <a@example.com>'),
        ("a@müller.example", "a@xn--mller-kva.example"),
        ("Müller <a@müller.example>", "=?utf-8?q?M=C3=BCller?= <a@xn--mller-kva.example>"),
    ],
)
def test_senders_are_written_in_ascii(given: str, written: str) -> None:
    assert sent(mail(**{"from": given}))["FromEmailAddress"] == written
    assert sent(mail(reply_to=given))["ReplyToAddresses"] == [written]


@pytest.mark.parametrize(
    "given",
    ["nobody", "a@example.com, b@example.com", "a b@example.com", "Shop, Inc. <a@example.com>",
     "jörg@example.com", "a@example.com\r\nBcc: b@example.com"],
)  # fmt: skip
def test_what_is_not_one_sender_is_refused_before(given: str) -> None:
    assert unfit(mail(**{"from": given}))[0] == "invalid_payload"
    assert unfit(mail(reply_to=given))[2].startswith("reply_to: ")


@pytest.mark.parametrize(
    ("address", "name", "written"),
    [
        ("sam@example.org", "Sam", "Sam <sam@example.org>"),
        ("sam@example.org", "Sam\r\nBcc: eve@example.org", '"Sam Bcc: eve@example.org" <sam@'
         "example.org>"),
        ("sam@bücher.example", "Jörg", "=?utf-8?b?SsO2cmc=?= <sam@xn--bcher-kva.example>"),
    ],
)  # fmt: skip
def test_recipients_are_written_in_ascii(address: str, name: str, written: str) -> None:
    assert sent(mail(address, name))["Destination"]["ToAddresses"] == [written]


def test_long_names_are_encoded_in_words_that_decode_to_them() -> None:
    name = "Überaus lange Straßennamen & 北京市 " * 6
    [written] = sent(mail(name=name))["Destination"]["ToAddresses"]
    *words, address = written.split(" ")
    assert address == "<sam@example.org>"
    assert len(words) > 3
    assert max(map(len, words)) <= 75
    assert str(make_header(decode_header(" ".join(words)))) == name.strip()


@pytest.mark.parametrize("address", ["jörg@example.org", "nobody", "a@", "@b", f"a@{'ü' * 300}.de"])
def test_recipients_that_ses_cannot_take_are_refused_before(address: str) -> None:
    assert unfit(mail(address))[:2] == ("invalid_address", Scope.RECIPIENT)


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({f"X-{n}": "a" for n in range(16)}, "16 headers"),
        ({"X-Long": "a" * 996}, "996 characters"),
        ({"X-Empty": ""}, "0 characters"),
        ({"X-Line": "a\r\nb"}, "4 characters"),
        ({"X-Word": "Grüße"}, "5 characters"),
    ],
)
def test_headers_over_the_limits_are_refused_before(headers: dict[str, str], words: str) -> None:
    reason, _, detail = unfit(mail(headers=headers))
    assert reason == "invalid_payload"
    assert words in detail


def test_a_mail_that_is_too_large_is_refused_before() -> None:
    reason, scope, detail = unfit(mail(text="a" * (MOST_OCTETS + 1)))
    assert (reason, scope) == ("payload_too_large", Scope.MESSAGE)
    assert f"{MOST_OCTETS:,}" in detail
    large = {"filename": "a", "base64": base64.b64encode(b"a" * MOST_OCTETS).decode()}
    assert unfit(mail(attachments=[large]))[0] == "payload_too_large"


async def test_parts_and_attachments_arrive() -> None:
    fake = FakeSes()
    attachment = {"filename": "a.bin", "base64": base64.b64encode(bytes(range(256))).decode()}
    async with FakeHttp(fake) as server:
        account = KIND.open({**KEY, "base_url": server.url("ses")}, parts_for())
        await account.send(mail(attachments=[attachment], html=""), deadline=soon())
        await account.close()
    [taken] = fake.taken
    assert {name: taken.fields.get(name) for name in ("Subject", "Text", "Html")} == {
        "Subject": "Grüße", "Text": "Hello", "Html": None,
    }  # fmt: skip
    [came] = taken.asked.json()["Content"]["Simple"]["Attachments"]
    assert base64.b64decode(came["RawContent"]) == bytes(range(256))


@pytest.mark.parametrize(
    ("code", "meaning"), [(code, meaning) for codes, meaning in REFUSALS.items() for code in codes]
)
def test_every_listed_exception(code: str, meaning: Meaning) -> None:
    found = outcome(typed(code, "words"))
    assert (found.kind, found.scope, found.reason) == meaning
    assert (found.vendor_code, found.detail) == (code, "words")


@pytest.mark.parametrize(
    ("code", "part", "meaning"), [(codes[0], part, meaning) for codes, part, meaning in WORDS]
)
def test_every_listed_word(code: str, part: str, meaning: Meaning) -> None:
    found = outcome(typed(code, f"Before {part.title()} after"))
    assert (found.kind, found.scope, found.reason) == meaning


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (typed("TooManyRequestsException", "Maximum sending rate exceeded.", 429),
         ("throttled", "account", "rate_account")),
        (typed("TooManyRequestsException", "Daily message quota exceeded.", 429),
         ("rejected", "account", "quota_exhausted")),
        (typed("MessageRejected", "Email address is not verified. The following identities"),
         ("rejected", "account", "sender_not_registered")),
        (typed("MessageRejected", "Illegal address"),
         ("rejected", "message", "content_filtered")),
        (typed("BadRequestException", "Illegal address"),
         ("rejected", "recipient", "invalid_address")),
        (typed("NotFoundException", "Configuration set <x> does not exist.", 404),
         ("rejected", "account", "config_missing")),
        (typed("ExceptionOfTomorrow", "x"), ("rejected", "message", "invalid_payload")),
        (typed("ServiceUnavailable", "x", 503), ("transient", "account", "vendor_unavailable")),
        (typed("MessageRejected", "x", 500), ("unknown", "message", "vendor_error_after_body")),
        (HttpResponse(403, {}, b"<html>"), ("rejected", "account", "forbidden")),
    ],
)  # fmt: skip
def test_words_decide_between_meanings_of_one_exception(
    response: HttpResponse, expected: tuple[str, str, str]
) -> None:
    assert told(outcome(response)) == expected
