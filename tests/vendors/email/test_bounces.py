"""Return paths on mail that leaves, and which of the addresses of a mail that comes back counts."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from domain.http import Webhook
from domain.report import Heard, ReceiptForged
from domain.vocabulary import OutcomeKind, ReceiptKind
from fakes.http_vendor import Call
from fakes.smtp import FakeSmtp
from tests.fixtures.mail import a_mail, soon
from tests.fixtures.vendors import RETURN_PATHS, parts_for
from vendors.contract import Checking
from vendors.email import smtp
from vendors.http_outcomes import Unreadable

ATTEMPT = "att_00000000000000000000000001"
OTHER = "att_00000000000000000000000002"
BOUNCES = "bounce@mail.example.com"
URL = "https://tocsin.example.com/v1/receipts/acc_1"
CHECKING = Checking(datetime.now(UTC), return_paths=RETURN_PATHS)
DSN = (
    b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.net\r\n\r\n"
    b"Final-Recipient: rfc822; sam@example.org\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n--b--\r\n"
)


def path_of(attempt: str = ATTEMPT) -> str:
    return f"bounce+{RETURN_PATHS.token(attempt)}@mail.example.com"


def account(**given: Any) -> smtp.Settings:
    return smtp.Settings.model_validate({"host": "127.0.0.1", "bounces": BOUNCES, **given})


def hear(mail: bytes, recipient: str = "", kind: str = "message/rfc822", **given: Any) -> Heard:
    url = f"{URL}?recipient={recipient}" if recipient else URL
    webhook = Webhook("POST", url, {"content-type": kind}, mail)
    settings = account(**given)
    assert smtp.KIND.webhooks is not None
    smtp.KIND.webhooks.verify(webhook, settings, CHECKING)
    return smtp.KIND.webhooks.receipts(webhook, settings)


def attempts(heard: Heard) -> list[str]:
    return [report.attempt_id for report in heard.reports]


async def sent(**given: Any) -> Any:
    """The mail that a server received of an account with these settings."""
    async with FakeSmtp() as server:
        settings = account(port=server.port, **given).revealed()
        opened = smtp.KIND.open(settings, parts_for())
        outcome = await opened.send(a_mail(attempt_id=ATTEMPT), deadline=soon())
        await opened.close()
        assert outcome.kind is OutcomeKind.ACCEPTED
        [received] = server.messages
    return received


async def test_each_mail_has_a_return_path_of_its_own() -> None:
    received = await sent()
    assert received.mail_from == path_of()
    assert received.recipients == ["sam@example.org"]
    assert b"From: tocsin@example.com\r\n" in received.content, "what people see stays"
    assert received.parameters[-2:] == ["RET=HDRS", f"ENVID={ATTEMPT}"]
    assert received.rcpt_parameters == ["NOTIFY=FAILURE,DELAY", "ORCPT=rfc822;sam@example.org"]


async def test_reports_of_deliveries_are_asked_for_on_demand() -> None:
    received = await sent(delivery_reports=True)
    assert received.rcpt_parameters[0] == "NOTIFY=SUCCESS,FAILURE,DELAY"


async def test_without_a_bounce_address_the_sender_stays() -> None:
    received = await sent(bounces="", delivery_reports=True)
    assert received.mail_from == "tocsin@example.com"
    assert received.rcpt_parameters == []


@pytest.mark.parametrize("escaped", [True, False], ids=["escaped", "as it is"])
def test_the_query_names_the_recipient(escaped: bool) -> None:
    recipient = quote(path_of()) if escaped else path_of()
    [report] = hear(DSN, recipient).reports
    assert (report.attempt_id, report.kind, report.hard) == (ATTEMPT, ReceiptKind.BOUNCED, True)


@pytest.mark.parametrize("name", ["X-Original-To", "Delivered-To", "Envelope-To", "x-original-to"])
@pytest.mark.parametrize("shape", ["{}", "<{}>", " {} "])
def test_a_header_of_the_mail_server_names_it(name: str, shape: str) -> None:
    head = f"{name}: {shape.format(path_of().upper())}\r\n".encode()
    assert attempts(hear(head + DSN)) == [ATTEMPT]


def test_a_final_mailbox_in_front_is_passed_over() -> None:
    head = f"Delivered-To: pipe@host.example.com\r\nDelivered-To: {path_of()}\r\n".encode()
    assert attempts(hear(head + DSN)) == [ATTEMPT]
    assert attempts(hear(head + DSN, "pipe@host.example.com")) == [ATTEMPT]


def test_the_first_return_path_counts_and_no_later_one_mends_it() -> None:
    forged = path_of()[:-30] + "a" * 10 + path_of()[-20:]
    head = f"X-Original-To: {forged}\r\nDelivered-To: {path_of()}\r\n".encode()
    with pytest.raises(ReceiptForged, match="not made here"):
        hear(head + DSN)
    both = f"X-Original-To: {path_of()}\r\nDelivered-To: {path_of(OTHER)}\r\n".encode()
    assert attempts(hear(both + DSN)) == [ATTEMPT]
    assert attempts(hear(both + DSN, quote(path_of(OTHER)))) == [OTHER]


@pytest.mark.parametrize("name", ["To", "Cc", "Return-Path", "X-Failed-Recipients", "Subject"])
def test_what_anybody_can_write_names_nobody(name: str) -> None:
    with pytest.raises(ReceiptForged, match="X-Original-To"):
        hear(f"{name}: {path_of()}\r\n".encode() + DSN)


def test_what_the_original_says_of_itself_is_not_believed() -> None:
    returned = (
        b"--b\r\nContent-Type: message/rfc822\r\n\r\nX-Tocsin-Attempt: %b\r\n\r\nHi\r\n--b--\r\n"
    )
    mail = DSN.replace(b"--b--\r\n", returned % OTHER.encode())
    with pytest.raises(ReceiptForged):
        hear(mail)
    assert attempts(hear(mail, quote(path_of()))) == [ATTEMPT]


def test_an_account_without_a_bounce_address_believes_nothing() -> None:
    with pytest.raises(ReceiptForged, match="no bounce address"):
        hear(DSN, quote(path_of()), bounces="")


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_the_body_must_say_that_it_is_a_mail(kind: str) -> None:
    with pytest.raises(Unreadable, match="message/rfc822"):
        hear(DSN, quote(path_of()), kind=kind)
    assert attempts(hear(DSN, quote(path_of()), kind="Message/RFC822; charset=x")) == [ATTEMPT]


async def test_a_complaint_comes_to_the_plain_address() -> None:
    async with FakeSmtp() as server:
        opened = smtp.KIND.open(account(port=server.port).revealed(), parts_for())
        await opened.send(a_mail(attempt_id=ATTEMPT), deadline=soon())
        await opened.close()
        call: Call = server.vendor.receipt(server.vendor.taken[0], "complaint abuse", url=URL)
    assert f"recipient={BOUNCES}" in call.url
    [report] = hear(call.body, BOUNCES).reports
    assert (report.attempt_id, report.kind) == (ATTEMPT, ReceiptKind.COMPLAINED)
    told = call.body.replace(b"Original-Mail-From:", b"X-Removed:")
    assert attempts(hear(told, BOUNCES)) == [ATTEMPT], "by the Return-Path of what it returns"
    with pytest.raises(ReceiptForged):
        hear(told.replace(b"Return-Path:", b"X-Removed:"), BOUNCES)
