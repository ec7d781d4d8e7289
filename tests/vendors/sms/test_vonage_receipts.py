"""What Vonage says afterwards, by GET or POST, and whom it is believed from."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from pydantic import SecretStr

from domain.http import Webhook
from domain.message import ContentMessage
from domain.report import Heard, ReceiptForged, Report
from domain.vocabulary import Channel, ReceiptKind
from fakes.http_server import FakeHttp
from fakes.http_vendor import Call, Forgery, Taken
from fakes.vonage import FakeVonage
from tests.fixtures.mail import soon
from tests.fixtures.vendors import parts_for
from vendors.contract import Checking
from vendors.http_outcomes import Unreadable
from vendors.sms.vonage import ERRORS, KIND, Settings, receipts, verify
from vendors.vonage_signature import sign

URL = "https://t.example.com/v1/receipts/acc_1"
SECRET = "fake-signature-secret-of-32-letters"
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
CHECKING = Checking(NOW)
STYLES = ["form", "json", "get", "messages"]


def settings(secret: str | None = SECRET, method: Any = "sha256") -> Settings:
    return Settings(
        api_key="abcd1234",
        api_secret=SecretStr("x"),
        signature_secret=SecretStr(secret) if secret else None,
        signature_method=method,
        from_="447700900001",
    )


def to_webhook(call: Call) -> Webhook:
    headers = {name.lower(): value for name, value in call.headers.items()}
    return Webhook(call.method, call.url, headers, call.body)


async def taken(fake: FakeVonage, text: str = "Hello") -> Taken:
    async with FakeHttp(fake) as server:
        given = {
            "base_url": server.url("vonage"), "api_key": "abcd1234", "api_secret": "fake-secret",
            "signature_secret": SECRET, "from": "447700900001",
        }  # fmt: skip
        account = KIND.open(given, parts_for())
        content = {"text": text, "encoding": "gsm7", "segments": 1}
        message = ContentMessage("att_1", "ntf_1", Channel.SMS, "+447700900000", content)
        await account.send(message, deadline=soon())
        await account.close()
    return fake.taken[0]


def hear(webhook: Webhook) -> Heard:
    verify(webhook, settings(), Checking(datetime.now(UTC)))
    return receipts(webhook, settings())


@pytest.mark.parametrize("style", STYLES)
async def test_a_receipt_is_heard_however_it_comes(style: str) -> None:
    fake = FakeVonage(style)
    call = fake.receipt(await taken(fake), "delivered", url=URL)
    [report] = hear(to_webhook(call)).reports
    assert (report.kind, report.attempt_id) == (ReceiptKind.DELIVERED, "att_1")
    assert report.address == "+447700900000"
    assert abs(report.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert report.event_key.endswith(":delivered")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("forgery", list(Forgery))
async def test_a_forged_receipt_is_refused_however_it_comes(style: str, forgery: Forgery) -> None:
    fake = FakeVonage(style)
    call = fake.receipt(await taken(fake), "delivered", url=URL, forgery=forgery)
    with pytest.raises(ReceiptForged) as forged:
        hear(to_webhook(call))
    assert SECRET not in str(forged.value)


@pytest.mark.parametrize("style", ["form", "messages"])
async def test_each_part_of_a_long_message_has_its_own_key(style: str) -> None:
    fake = FakeVonage(style)
    message = await taken(fake, "a" * 307)
    calls = [
        fake.part_receipt(message, "delivered", id, url=URL) for id in ("PART1", "PART2", "PART3")
    ]
    reports = [hear(to_webhook(call)).reports[0] for call in calls]
    assert {report.attempt_id for report in reports} == {"att_1"}
    assert len({report.event_key for report in reports}) == 3


@pytest.mark.parametrize("style", STYLES)
async def test_what_somebody_wrote(style: str) -> None:
    fake = FakeVonage(style)
    call = fake.reply("447700900000", "447700900001", "Stop = it & now, é", url=URL)
    heard = hear(to_webhook(call))
    assert heard.reports == ()
    [reply] = heard.replies
    assert (reply.channel, reply.sender, reply.to) == (
        Channel.SMS, "+447700900000", "+447700900001",
    )  # fmt: skip
    assert reply.text == "Stop = it & now, é"
    assert reply.event_key
    assert abs(reply.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert heard.answer.status == 200


USUAL = {
    "msisdn": "447700900000", "to": "Acme", "messageId": "0A01", "status": "delivered",
    "err-code": "0", "client-ref": "att_1", "message-timestamp": "2026-11-25 09:59:58",
    "timestamp": str(int(NOW.timestamp())),
}  # fmt: skip


def signed(given: dict[str, str], method: Any = "sha256", secret: str = SECRET) -> Webhook:
    body = urlencode({**given, "sig": sign(given, secret, method)}).encode()
    return Webhook("POST", URL, {"content-type": "application/x-www-form-urlencoded"}, body)


def read(**given: str) -> Report:
    webhook = signed({**USUAL, **{name.replace("_", "-"): one for name, one in given.items()}})
    verify(webhook, settings(), CHECKING)
    [report] = receipts(webhook, settings()).reports
    return report


@pytest.mark.parametrize("method", ["md5hash", "md5", "sha1", "sha256", "sha512"])
def test_the_dashboard_chooses_how_calls_are_signed(method: Any) -> None:
    verify(signed(USUAL, method), settings(method=method), CHECKING)
    other = "sha256" if method != "sha256" else "sha1"
    with pytest.raises(ReceiptForged):
        verify(signed(USUAL, method), settings(method=other), CHECKING)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_call_is_good_for_five_minutes(seconds: int) -> None:
    verify(signed(USUAL), settings(), Checking(NOW + timedelta(seconds=seconds)))


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_after_five_minutes_it_is_a_replay(seconds: int) -> None:
    with pytest.raises(ReceiptForged, match="five minutes"):
        verify(signed(USUAL), settings(), Checking(NOW + timedelta(seconds=seconds)))


@pytest.mark.parametrize("timestamp", ["", "now", "nan", "inf", "1e400", "-5"])
def test_a_call_must_say_when_it_was_signed(timestamp: str) -> None:
    with pytest.raises(ReceiptForged):
        verify(signed({**USUAL, "timestamp": timestamp}), settings(), CHECKING)


def test_without_a_signature_secret_nobody_is_believed() -> None:
    for secret in ("", SECRET):
        with pytest.raises(ReceiptForged, match="signature_secret"):
            verify(signed(USUAL, secret=secret), settings(None), CHECKING)


@pytest.mark.parametrize("body", [b'{"sig": "\\ud800"}', b'{"a": "\\ud800"}', b"[]", b"{", b"7"])
def test_json_that_cannot_be_signed_is_forged(body: bytes) -> None:
    with pytest.raises(ReceiptForged):
        verify(Webhook("POST", URL, {"content-type": "application/json"}, body), settings(),
               CHECKING)  # fmt: skip


BODY = json.dumps({"message_uuid": "u-1", "status": "delivered", "client_ref": "att_1"}).encode()
CLAIMS: dict[str, Any] = {
    "iat": int(NOW.timestamp()),
    "jti": "j-1",
    "payload_hash": hashlib.sha256(BODY).hexdigest(),
}


def with_token(token: str, body: bytes = BODY) -> Webhook:
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    return Webhook("POST", URL, headers, body)


def a_token(algorithm: str = "HS256", key: str = SECRET, **claims: Any) -> str:
    given = {name: one for name, one in {**CLAIMS, **claims}.items() if one is not None}
    return jwt.encode(given, key if algorithm != "none" else "", algorithm)


def test_a_token_with_the_bodys_hash_is_believed() -> None:
    for claims in ({}, {"payload_hash": CLAIMS["payload_hash"].upper()}, {"exp": 1}):
        verify(with_token(a_token(**claims)), settings(), CHECKING)


def unsigned(claims: dict[str, Any]) -> str:
    parts = (json.dumps(one).encode() for one in ({"alg": "HS256", "typ": "JWT"}, claims))
    return ".".join(base64.urlsafe_b64encode(one).decode().rstrip("=") for one in parts) + "."


@pytest.mark.parametrize(
    "token",
    [
        "", "x", "a.b.c", "é.é.é", unsigned(CLAIMS),
        a_token("none"), a_token("HS512", SECRET * 2), a_token(key=SECRET[::-1]),
        a_token(iat=None), a_token(payload_hash=None), a_token(payload_hash=""),
        a_token(payload_hash=["x"]), a_token(payload_hash=hashlib.sha256(b"{}").hexdigest()),
        a_token(iat=CLAIMS["iat"] - 301), a_token(iat=CLAIMS["iat"] + 301),
        base64.urlsafe_b64encode(b"[" * 100_000).decode() + ".e30.x",
    ],
)  # fmt: skip
def test_any_other_token_is_forged(token: str) -> None:
    with pytest.raises(ReceiptForged) as forged:
        verify(with_token(token), settings(), CHECKING)
    assert SECRET not in str(forged.value)


def test_a_token_is_of_one_body_only() -> None:
    with pytest.raises(ReceiptForged, match="SHA-256"):
        verify(with_token(a_token(), BODY + b" "), settings(), CHECKING)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("accepted", "0", ReceiptKind.SENT),
        ("buffered", "0", ReceiptKind.SENT),
        ("delivered", "0", ReceiptKind.DELIVERED),
        ("expired", "0", ReceiptKind.FAILED),
        ("failed", "8", ReceiptKind.FAILED),
        ("rejected", "0", ReceiptKind.FAILED),
        ("unknown", "1", ReceiptKind.FAILED),
        ("accepted", "3", ReceiptKind.FAILED),
        ("a word of tomorrow", "3", ReceiptKind.FAILED),
        ("a word of tomorrow", "0", None),
        ("delivered", "1", ReceiptKind.DELIVERED),
        ("accepted", "what", ReceiptKind.SENT),
        ("accepted", "", ReceiptKind.SENT),
    ],
)
def test_every_status(status: str, code: str, kind: ReceiptKind | None) -> None:
    report = read(status=status, err_code=code)
    assert report.kind is kind
    assert report.event_key == f"0A01:{status}"
    assert report.at == datetime(2026, 11, 25, 9, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("code", "meaning"), [(code, meaning) for codes, meaning in ERRORS.items() for code in codes]
)
def test_every_error_code(code: int, meaning: tuple[str, bool]) -> None:
    report = read(status="failed", err_code=str(code))
    assert (report.kind, report.reason, report.hard) == (ReceiptKind.FAILED, *meaning)
    assert report.vendor_code == str(code)
    assert read(status="delivered", err_code=str(code)).hard is False


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [("expired", "0", "expired"), ("failed", "0", "unreachable"), ("failed", "77", "unreachable"),
     ("unknown", "what", "unreachable")],
)  # fmt: skip
def test_a_failure_without_a_known_code_is_soft(status: str, code: str, reason: str) -> None:
    report = read(status=status, err_code=code)
    assert (report.reason, report.hard) == (reason, False)


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ("2026-11-25 09:59:58", datetime(2026, 11, 25, 9, 59, 58, tzinfo=UTC)),
        ("2026-11-25T09:59:58.250Z", datetime(2026, 11, 25, 9, 59, 58, 250_000, tzinfo=UTC)),
        ("2026-11-25T11:59:58+02:00", datetime(2026, 11, 25, 9, 59, 58, tzinfo=UTC)),
        ("2026-11-25 09:59:58 +0000", datetime(2026, 11, 25, 9, 59, 58, tzinfo=UTC)),
        ("", NOW),
        ("yesterday", NOW),
        ("9" * 30, NOW),
    ],
)
def test_when_it_happened(given: str, at: datetime) -> None:
    assert read(message_timestamp=given).at == at


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("submitted", ReceiptKind.SENT),
        ("delivered", ReceiptKind.DELIVERED),
        ("read", ReceiptKind.READ),
        ("rejected", ReceiptKind.FAILED),
        ("undeliverable", ReceiptKind.FAILED),
        ("a word of tomorrow", None),
    ],
)
def test_every_status_of_the_messages_api(status: str, kind: ReceiptKind | None) -> None:
    document = {
        "message_uuid": "u-1", "to": "447700900000", "from": "447700900001", "status": status,
        "timestamp": "2026-11-25T09:59:58.000Z", "client_ref": "att_1", "channel": "sms",
        "error": {"type": "https://…#1260", "title": 1260, "detail": "Destination unreachable"},
    }  # fmt: skip
    webhook = Webhook("POST", URL, {"content-type": "application/json"},
                      json.dumps(document).encode())  # fmt: skip
    [report] = receipts(webhook, settings()).reports
    assert (report.kind, report.attempt_id, report.event_key) == (kind, "att_1", f"u-1:{status}")
    assert (report.address, report.vendor_code) == ("+447700900000", "1260")
    assert report.reason == ("unreachable" if kind is ReceiptKind.FAILED else "")
    assert report.at == datetime(2026, 11, 25, 9, 59, 58, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "shown"), [("447700900000", "+447700900000"), ("12345", "12345"), ("Acme", "Acme")]
)
def test_a_short_code_has_no_plus(number: str, shown: str) -> None:
    given = {"msisdn": "447700900000", "to": number, "text": "Hi", "messageId": "0B"}
    [reply] = receipts(signed(given), settings()).replies
    assert (reply.to, reply.text, reply.event_key) == (shown, "Hi", "0B")


@pytest.mark.parametrize(
    "webhook",
    [
        Webhook("GET", URL, {}, b""),
        Webhook("POST", URL, {"content-type": "application/json"}, b"{}"),
        Webhook("POST", URL, {"content-type": "application/json"}, b"[1]"),
        Webhook("POST", URL, {"content-type": "application/x-www-form-urlencoded"}, b"status=x"),
    ],
)
def test_a_call_that_names_no_message_cannot_be_read(webhook: Webhook) -> None:
    with pytest.raises(Unreadable):
        receipts(webhook, settings())
