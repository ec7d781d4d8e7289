"""Twilio's callbacks on both channels: whom they are believed from, and what they say."""

import hashlib
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from domain.http import Webhook
from domain.report import Heard, ReceiptForged, Report
from domain.vocabulary import Channel, OutcomeKind, ReceiptKind
from fakes.http_vendor import Call
from fakes.twilio import FakeTwilio, FakeTwilioWhatsApp
from vendors.contract import Checking
from vendors.form_signature import sign
from vendors.sms.twilio import KIND as SMS
from vendors.sms.twilio import Settings
from vendors.twilio_api import HARD, REFUSALS, verify
from vendors.whatsapp.twilio import KIND as WHATSAPP

# Vectors of twilio-python's own tests.
TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = [
    ("CallSid", "CA1234567890ABCDE"), ("Digits", "1234"), ("From", "+14158675309"),
    ("To", "+18005551212"), ("Caller", "+14158675309"),
]  # fmt: skip
REPEATED = [("Sid", "CA123"), ("SidAccount", "AC123"), ("Digits", "5678"), ("Digits", "1234")]
OLDER = [(name, "+12349013030" if name in ("From", "Caller") else word) for name, word in FIELDS]
JSON = b'{"property": "value", "boolean": true}'
JSON_URL = f"{URL}&bodySHA256=0a1ff7634d9ab3b95db5c9a2dfe9416e41502b283a80c7cf19632632f96e6620"
JSON_SIGNATURE = "a9nBmqA0ju/hNViExpshrM61xv4="

HTTP, HTTPS = URL.replace("https", "http"), URL
PORTS = [
    (HTTPS, "RSOYDt4T1cUTdK1PDd93/VVr8B8="),
    (HTTPS.replace(".com", ".com:443"), "kvajT1Ptam85bY51eRf/AJRuM3w="),
    (HTTP.replace(".com", ".com:1234"), "Zmvh+3yNM1Phv2jhDCwEM3q5ebU="),
    (HTTP.replace(".com", ".com:80"), "0ZXoZLH/DfblKGATFgpif+LLRf4="),
]

FORM = {"content-type": "application/x-www-form-urlencoded"}
CHECKING = Checking(datetime(2026, 11, 25, tzinfo=UTC))


def settings(token: str = TOKEN) -> Settings:
    return Settings(account_sid="AC1", auth_token=SecretStr(token), from_="+14155550199")


def a_form(
    fields: Any, signature: str, url: str = URL, content_type: str = FORM["content-type"]
) -> Webhook:
    headers = {"content-type": content_type, "x-twilio-signature": signature}
    return Webhook("POST", url, headers, urlencode(fields).encode())


@pytest.mark.parametrize(
    ("url", "fields", "signature"),
    [
        *((url, FIELDS, signature) for url, signature in PORTS),
        (URL, OLDER, "0/KCTR6DLpKmkAf8muzZqo1nDgQ="),
        (URL, REPEATED, "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        (URL, [*REPEATED, *REPEATED], "IK+Dwps556ElfBT0I3Rgjkr1wJU="),
        (JSON_URL, [], JSON_SIGNATURE),
    ],
)
def test_the_published_signatures(url: str, fields: Any, signature: str) -> None:
    assert sign(url, fields, TOKEN) == signature


@pytest.mark.parametrize(
    ("url", "signature"),
    [
        *PORTS,
        (HTTPS, PORTS[1][1]),
        (HTTPS.replace(".com", ".com:443"), PORTS[0][1]),
        (HTTPS.replace(".com", ".com:1234"), PORTS[0][1]),
        (HTTP, PORTS[3][1]),
    ],
)
def test_twilio_may_sign_with_or_without_the_port(url: str, signature: str) -> None:
    verify(a_form(FIELDS, signature, url), settings(), CHECKING)


@pytest.mark.parametrize(
    "url",
    [
        "https://user:word@mycompany.com/r?attempt=att_1",
        "https://[2606:4700::1]/r?a=%2B1+%20%C3%A9&b=&attempt=att_1",
        "https://[2606:4700::1]:8443/r",
        "https://MyCompany.com/R?",
        "https://s/r?attempt=att_1#x",
    ],
)
def test_the_url_is_signed_as_it_is_written(url: str) -> None:
    verify(a_form(FIELDS, sign(url, FIELDS, TOKEN), url), settings(), CHECKING)


def test_the_order_of_fields_and_empty_ones() -> None:
    fields = [("B", "2"), ("A", ""), ("a", "1"), ("A", "x y&="), ("é", "ü😀")]
    signature = sign(URL, fields, TOKEN)
    for content_type in (FORM["content-type"], "Application/X-WWW-Form-Urlencoded; charset=UTF-8"):
        webhook = a_form(fields[::-1], signature, content_type=content_type)
        verify(webhook, settings(), CHECKING)


@pytest.mark.parametrize(
    ("url", "fields", "signature", "token"),
    [
        (URL, FIELDS, "", TOKEN),
        (URL, FIELDS, "é", TOKEN),
        (URL, FIELDS, PORTS[0][1].lower(), TOKEN),
        (URL, FIELDS, PORTS[0][1], "12346"),
        (URL, FIELDS[1:], PORTS[0][1], TOKEN),
        (URL, [*FIELDS, ("MessageStatus", "delivered")], PORTS[0][1], TOKEN),
        (URL + "&attempt=att_2", FIELDS, PORTS[0][1], TOKEN),
        (URL.replace("foo=1", "foo=2"), FIELDS, PORTS[0][1], TOKEN),
        (URL.replace("mycompany", "yourcompany"), FIELDS, PORTS[0][1], TOKEN),
        (HTTP, FIELDS, PORTS[0][1], TOKEN),
    ],
)
def test_anything_else_is_forged(url: str, fields: Any, signature: str, token: str) -> None:
    with pytest.raises(ReceiptForged) as forged:
        verify(a_form(fields, signature, url), settings(token), CHECKING)
    assert token not in str(forged.value)


def a_json(url: str, body: bytes, signature: str) -> Webhook:
    headers = {"content-type": "application/json", "x-twilio-signature": signature}
    return Webhook("POST", url, headers, body)


def test_a_json_body_is_signed_by_its_digest_in_the_url() -> None:
    verify(a_json(JSON_URL, JSON, JSON_SIGNATURE), settings(), CHECKING)


@pytest.mark.parametrize(
    ("url", "body"),
    [
        (JSON_URL, JSON + b" "),
        (JSON_URL, b""),
        (URL, JSON),
        (URL, b"x"),
        (f"{URL}&bodySHA256=", JSON),
        (f"{URL}&bodySHA256={hashlib.sha256(b'other').hexdigest()}", JSON),
        (f"{URL}&bodySHA256={'é' * 64}", JSON),
    ],
)
def test_a_body_that_was_not_signed_is_forged(url: str, body: bytes) -> None:
    with pytest.raises(ReceiptForged):
        verify(a_json(url, body, sign(url, [], TOKEN)), settings(), CHECKING)


def test_a_form_with_a_digest_must_fit_both() -> None:
    body = urlencode(FIELDS).encode()
    url = f"{URL}&bodySHA256={hashlib.sha256(body).hexdigest()}"
    verify(a_form(FIELDS, sign(url, FIELDS, TOKEN), url), settings(), CHECKING)
    url = f"{URL}&bodySHA256={hashlib.sha256(b'').hexdigest()}"
    with pytest.raises(ReceiptForged):
        verify(a_form(FIELDS, sign(url, FIELDS, TOKEN), url), settings(), CHECKING)


def test_a_call_by_get_is_signed_by_its_url() -> None:
    url = "https://t.example.com/r?attempt=att_1&MessageSid=SM1&MessageStatus=sent&To=%2B1"
    headers = {**FORM, "x-twilio-signature": sign(url, [], TOKEN)}
    webhook = Webhook("GET", url, headers, b"")
    verify(webhook, settings(), CHECKING)
    [report] = hear(webhook).reports
    assert (report.kind, report.attempt_id, report.address) == (ReceiptKind.SENT, "att_1", "+1")


def hear(webhook: Webhook, kind: Any = SMS) -> Heard:
    heard = kind.webhooks.receipts(webhook, settings())
    assert isinstance(heard, Heard)
    return heard


def a_status(status: str, code: str = "", **fields: str) -> Report:
    given = {"MessageSid": "SM1", "MessageStatus": status, "To": "+14155550100", "From": "+1"}
    if code:
        given["ErrorCode"] = code
    [report] = hear(a_form({**given, **fields}, "", f"{URL}&attempt=att_1")).reports
    assert report.attempt_id == "att_1"
    return report


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("accepted", None),
        ("scheduled", None),
        ("queued", None),
        ("sending", None),
        ("sent", ReceiptKind.SENT),
        ("delivered", ReceiptKind.DELIVERED),
        ("read", ReceiptKind.READ),
        ("undelivered", ReceiptKind.FAILED),
        ("failed", ReceiptKind.FAILED),
        ("canceled", ReceiptKind.FAILED),
        ("partially_delivered", None),
        ("", None),
    ],
)
def test_every_status(status: str, kind: ReceiptKind | None) -> None:
    report = a_status(status)
    assert report.kind == kind
    assert report.event_key == f"SM1:{status}"
    assert report.address == "+14155550100"
    assert report.raw["MessageSid"] == "SM1"


@pytest.mark.parametrize(
    ("code", "meaning"),
    [(code, meaning) for codes, meaning in REFUSALS.items() for code in codes],
)
def test_every_code_of_a_failure(code: int, meaning: tuple[Any, ...]) -> None:
    kind, _, reason = meaning
    report = a_status("undelivered", str(code))
    if kind is OutcomeKind.UNKNOWN:
        assert report.kind is None, "it may have arrived"
    else:
        assert report.kind is ReceiptKind.FAILED
    assert (report.reason, report.hard) == (reason, reason in HARD)
    assert report.vendor_code == str(code)


@pytest.mark.parametrize(
    ("code", "reason", "vendor_code"),
    [("30008", "unreachable", "30008"), ("99999", "unreachable", "99999"), ("", "", ""),
     ("0", "", ""), ("what", "", ""), ("9" * 5000, "", "")],
)  # fmt: skip
def test_other_codes_of_a_failure_are_soft(code: str, reason: str, vendor_code: str) -> None:
    report = a_status("failed", code)
    assert (report.kind, report.reason, report.hard) == (ReceiptKind.FAILED, reason, False)
    assert report.vendor_code == vendor_code


def test_a_code_of_what_did_not_fail_suppresses_nobody() -> None:
    report = a_status("sent", "30006")
    assert (report.kind, report.reason, report.hard) == (ReceiptKind.SENT, "", False)


def test_the_older_names_of_fields_are_understood() -> None:
    webhook = a_form({"SmsSid": "SM1", "SmsStatus": "delivered", "To": "+1"}, "")
    [report] = hear(webhook).reports
    assert (report.kind, report.event_key) == (ReceiptKind.DELIVERED, "SM1:delivered")


@pytest.mark.parametrize(
    "webhook",
    [
        a_form([], ""),
        a_form({"MessageStatus": "sent", "To": "+1"}, ""),
        a_form({"MessageSid": "SM1", "MessageStatus": "sent"}, ""),
        a_form({"MessageSid": "SM1", "Body": "hello"}, ""),
        a_json(JSON_URL, JSON, ""),
        Webhook("GET", URL, {}, b""),
        Webhook("POST", URL, FORM, b"\xff\xfe=%ff"),
    ],
)
def test_a_call_that_names_no_message_cannot_be_read(webhook: Webhook) -> None:
    with pytest.raises(ValueError, match="names no message"):
        hear(webhook)


def to_webhook(call: Call) -> Webhook:
    headers = {name.lower(): value for name, value in call.headers.items()}
    return Webhook(call.method, call.url, headers, call.body)


@pytest.mark.parametrize(
    ("kind", "fake", "channel"),
    [(SMS, FakeTwilio(), Channel.SMS), (WHATSAPP, FakeTwilioWhatsApp(), Channel.WHATSAPP)],
    ids=["sms", "whatsapp"],
)
@pytest.mark.parametrize(
    ("choice", "unsubscribes", "resubscribes"),
    [("", False, False), ("STOP", True, False), ("START", False, True), ("HELP", False, False)],
)
def test_what_somebody_wrote(
    kind: Any, fake: FakeTwilio, channel: Channel, choice: str, unsubscribes: bool,
    resubscribes: bool,
) -> None:  # fmt: skip
    call = fake.reply("+14155550100", "+14155550199", "STOP, s'il vous plaît", url=URL,
                      choice=choice)  # fmt: skip
    webhook = to_webhook(call)
    verify(webhook, settings(fake.token), CHECKING)
    heard = hear(webhook, kind)
    assert heard.reports == ()
    [reply] = heard.replies
    assert (reply.channel, reply.sender, reply.to) == (channel, "+14155550100", "+14155550199")
    assert reply.text == "STOP, s'il vous plaît"
    assert (reply.unsubscribes, reply.resubscribes) == (unsubscribes, resubscribes)
    assert reply.event_key == reply.raw["MessageSid"]
    assert (heard.answer.status, heard.answer.headers["content-type"]) == (200, "text/xml")
    assert heard.answer.body.endswith(b"<Response/>"), "Twilio must send nothing back"


def test_a_picture_without_words_is_a_reply() -> None:
    fields = {"MessageSid": "MM1", "SmsStatus": "received", "From": "+1", "To": "+2"}
    [reply] = hear(a_form(fields, "")).replies
    assert (reply.text, reply.sender, reply.event_key) == ("", "+1", "MM1")
