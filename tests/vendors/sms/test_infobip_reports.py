"""What Infobip says afterwards, and whom it is believed from."""

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.http import Webhook
from domain.report import Heard, ReceiptForged, Report
from domain.vocabulary import Channel, ReceiptKind
from fakes.http_vendor import Asked, Call, Forgery, Taken
from fakes.infobip import FakeInfobip
from tests.contract.conftest import all_cases
from vendors.contract import Checking
from vendors.sms.infobip import Settings
from vendors.sms.infobip_reports import receipts, verify
from vendors.sms.infobip_statuses import DUPLICATE, ERRORS, HARD, REFUSALS, REPORTS

CASE = next(case for case in all_cases() if case.vendor == "infobip")
URL = "https://t.example.com/v1/receipts/acc_1"
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=UTC)
CHECKING = Checking(NOW)
TAKEN = Taken("att_1", "+41793026727", "att_1", Asked("POST", "/", "", {}, b""))
SIGNED = {
    "webhook_password": None,
    "webhook_secret": FakeInfobip.secret,
    "webhook_header": FakeInfobip.header,
}


def settings(**given: Any) -> Settings:
    usual = {"base_url": "https://xyz123.api.infobip.com", **CASE.settings}
    return Settings.model_validate({**usual, **given})


def to_webhook(call: Call) -> Webhook:
    headers = {name.lower(): value for name, value in call.headers.items()}
    return Webhook(call.method, call.url, headers, call.body)


def a_call(body: bytes = b"{}", **headers: str) -> Webhook:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Webhook("POST", URL, named, body)


def test_the_sign_in_of_rfc_7617() -> None:
    account = settings(webhook_user="Aladdin", webhook_password="open sesame")
    verify(a_call(authorization="Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), account, CHECKING)
    verify(a_call(authorization="basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), account, CHECKING)


@pytest.mark.parametrize(
    "given",
    ["", "Basic", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
     "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic é", "Basic QWxhZGRpbjo="],
)  # fmt: skip
def test_any_other_sign_in_is_refused(given: str) -> None:
    account = settings(webhook_user="Aladdin", webhook_password="open sesame")
    with pytest.raises(ReceiptForged) as forged:
        verify(a_call(authorization=given), account, CHECKING)
    assert "sesame" not in str(forged.value)


def test_a_password_outside_ascii_is_in_utf_8() -> None:
    given = base64.b64encode("test:123£".encode()).decode()
    assert given == "dGVzdDoxMjPCow==", "the example of RFC 7617 §2.1"
    account = settings(webhook_user="test", webhook_password="123£")
    verify(a_call(authorization=f"Basic {given}"), account, CHECKING)


JEFE = b"what do ya want for nothing?"
VECTORS = {
    "sha256": "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "sha384": "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
    "8e2240ca5e69e2c78b3239ecfab21649",
    "sha512": "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
    "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
}
"""RFC 4231 §4.3, the key being "Jefe"."""


@pytest.mark.parametrize(("algorithm", "signature"), VECTORS.items())
def test_the_published_signatures_in_hex_or_base64(algorithm: str, signature: str) -> None:
    account = settings(**{**SIGNED, "webhook_secret": "Jefe", "webhook_algorithm": algorithm})
    in_base64 = base64.b64encode(bytes.fromhex(signature)).decode()
    for given in (signature, in_base64, f"{algorithm}={signature}"):
        verify(a_call(JEFE, x_signature=given), account, CHECKING)
    for given in (signature[:-1], signature[::-1], "", "é", f"md5={signature}"):
        with pytest.raises(ReceiptForged):
            verify(a_call(JEFE, x_signature=given), account, CHECKING)
    with pytest.raises(ReceiptForged):
        verify(a_call(JEFE + b" ", x_signature=signature), account, CHECKING)
    with pytest.raises(ReceiptForged):
        verify(a_call(JEFE, x_other=signature), account, CHECKING)


def test_a_signature_by_another_algorithm_is_refused() -> None:
    account = settings(**{**SIGNED, "webhook_secret": "Jefe"})
    digest = hashlib.sha256(b"Jefe" + JEFE).hexdigest()
    for given in (VECTORS["sha512"], digest):
        with pytest.raises(ReceiptForged):
            verify(a_call(JEFE, x_signature=given), account, CHECKING)


@pytest.mark.parametrize("encoding", ["hex", "base64"])
@pytest.mark.parametrize("forgery", [Forgery.UNSIGNED, Forgery.WRONG_KEY, Forgery.CHANGED_BODY])
def test_a_signed_call_is_believed_and_a_forged_one_is_not(encoding: str, forgery: Forgery) -> None:
    fake, account = FakeInfobip("HMAC", encoding), settings(**SIGNED)
    call = fake.receipt(TAKEN, "DELIVERED_TO_HANDSET", url=URL)
    verify(to_webhook(call), account, CHECKING)
    forged = fake.receipt(TAKEN, "DELIVERED_TO_HANDSET", url=URL, forgery=forgery)
    with pytest.raises(ReceiptForged) as refused:
        verify(to_webhook(forged), account, CHECKING)
    assert FakeInfobip.secret not in str(refused.value)


def test_nobody_is_believed_without_a_secret() -> None:
    call = FakeInfobip().receipt(TAKEN, "DELIVERED_TO_HANDSET", url=URL)
    with pytest.raises(ReceiptForged, match="no webhook_password or webhook_secret"):
        verify(to_webhook(call), settings(webhook_password=None), CHECKING)


def test_a_sign_in_is_no_signature() -> None:
    call = FakeInfobip().receipt(TAKEN, "DELIVERED_TO_HANDSET", url=URL)
    with pytest.raises(ReceiptForged):
        verify(to_webhook(call), settings(**SIGNED), CHECKING)


def heard(*results: Any) -> Heard:
    return receipts(a_call(json.dumps({"results": results}).encode()), settings())


def read(id: int, group: int, error: int = 0, **given: Any) -> Report:
    result = {
        "messageId": "att_1", "to": "41793026727", "sentAt": "2026-11-25T09:59:57.000+0000",
        "doneAt": "2026-11-25T10:59:58.250+0100",
        "status": {"groupId": group, "id": id, "name": f"STATUS_{id}"},
        "error": {"id": error, "name": f"EC_{error}", "permanent": given.pop("permanent", False)},
        **given,
    }  # fmt: skip
    [report] = heard(result).reports
    return report


@pytest.mark.parametrize(("id", "kind"), REPORTS.items())
def test_every_status_that_speaks_for_itself(id: int, kind: ReceiptKind | None) -> None:
    report = read(id, {2: 3, 5: 3, DUPLICATE: 5, 29: 4}.get(id, 1))
    assert (report.kind, report.attempt_id, report.address) == (kind, "att_1", "+41793026727")
    assert (report.reason, report.hard) == ("", False)
    assert report.event_key == f"att_1:{id}"
    assert report.vendor_code == f"STATUS_{id}"


@pytest.mark.parametrize(
    ("id", "reason"), [(id, meaning[2]) for ids, meaning in REFUSALS.items() for id in ids]
)
def test_what_infobip_rejects_tells_by_its_status_why(id: int, reason: str) -> None:
    report = read(id, 5, 1, permanent=False)
    assert (report.kind, report.reason) == (ReceiptKind.FAILED, reason)
    assert report.hard == (reason in HARD)


@pytest.mark.parametrize(
    ("error", "reason"), [(error, reason) for errors, reason in ERRORS.items() for error in errors]
)
@pytest.mark.parametrize("permanent", [True, False])
def test_what_an_operator_does_not_deliver_tells_by_its_error_why(
    error: int, reason: str, permanent: bool
) -> None:
    report = read(9, 2, error, permanent=permanent)
    assert (report.kind, report.reason) == (ReceiptKind.FAILED, reason)
    assert report.hard == (permanent and reason in HARD)
    assert report.vendor_code == f"EC_{error}"


@pytest.mark.parametrize(
    ("id", "group", "error", "reason"),
    [(9, 2, 0, "unreachable"), (9, 2, 900, "unreachable"), (15, 4, 0, "expired"),
     (900, 4, 0, "expired"), (900, 2, 0, "unreachable"), (900, 5, 0, "unreachable")],
)  # fmt: skip
def test_a_failure_without_a_known_error_is_soft(
    id: int, group: int, error: int, reason: str
) -> None:
    report = read(id, group, error, permanent=True)
    assert (report.kind, report.reason, report.hard) == (ReceiptKind.FAILED, reason, False)


@pytest.mark.parametrize(
    ("given", "at"),
    [
        ({}, datetime(2026, 11, 25, 9, 59, 58, 250_000, tzinfo=UTC)),
        ({"doneAt": None}, datetime(2026, 11, 25, 9, 59, 57, tzinfo=UTC)),
        ({"doneAt": "soon"}, datetime(2026, 11, 25, 9, 59, 57, tzinfo=UTC)),
    ],
)
def test_when_it_happened(given: dict[str, Any], at: datetime) -> None:
    assert read(5, 3, **given).at == at


def test_a_report_without_a_time_is_of_now() -> None:
    before = datetime.now(UTC)
    assert before <= read(5, 3, doneAt=None, sentAt=None).at <= datetime.now(UTC)


def test_many_reports_in_a_call_and_those_of_others_left_out() -> None:
    fake = FakeInfobip()
    results = [fake.result(TAKEN, "DELIVERED_TO_HANDSET"), fake.result(TAKEN, "PENDING_ENROUTE")]
    other = {**results[0], "messageId": "2033247207850523791"}
    said = heard(*results, other)
    assert [one.kind for one in said.reports] == [ReceiptKind.DELIVERED, ReceiptKind.SENT]
    assert said.replies == ()


@pytest.mark.parametrize(
    ("number", "shown"), [("41793026834", "+41793026834"), ("12345", "12345"), ("Acme", "Acme")]
)
def test_what_was_written_to_us(number: str, shown: str) -> None:
    call = FakeInfobip().reply("385916242493", number, "STOP now", url=URL)
    verify(to_webhook(call), settings(), CHECKING)
    [reply] = receipts(to_webhook(call), settings()).replies
    assert (reply.channel, reply.sender, reply.to) == (Channel.SMS, "+385916242493", shown)
    assert reply.text == "STOP now", "with its keyword, which Infobip cuts off in cleanText"
    assert reply.event_key == json.loads(call.body)["results"][0]["messageId"]
    assert not reply.answered


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{}", b'{"results": 7}', b'{"results": [7]}', b'{"results": [{}]}',
     b'{"results": [{"from": 7, "to": "1"}]}', b"[" * 100_000],
)  # fmt: skip
def test_a_call_that_cannot_be_read(body: bytes) -> None:
    with pytest.raises((ValueError, KeyError, AttributeError)):
        receipts(a_call(body), settings())
