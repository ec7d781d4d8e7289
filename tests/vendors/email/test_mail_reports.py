"""Reports by mail: the examples of RFC 3464 and 5965, and what real servers make of them."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.report import Report
from domain.vocabulary import ReceiptKind
from vendors.email.mail_reports import MOST_READ, original_senders, read_mail, reports_of
from vendors.http_outcomes import Unreadable

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ATTEMPT = "att_00000000000000000000000001"


def a_mail(*parts: str, kind: str = "delivery-status", head: str = "", end: str = "\n") -> bytes:
    """Return a report of parts, each with its own header."""
    lines = [
        "From: Mail Delivery Subsystem <MAILER-DAEMON@cs.utk.edu>",
        f"Message-ID: <199407072116.RAA14128@cs.utk.edu>{head}",
        "Date: Thu, 7 Jul 1994 17:16:05 -0400",
        f'Content-Type: multipart/report; report-type={kind}; boundary="RAA14128.77361/CS.UTK.EDU"',
        "",
    ]
    for part in parts:
        lines += ["--RAA14128.77361/CS.UTK.EDU", part.strip("\n"), ""]
    return end.join(
        [*"\n".join([*lines, "--RAA14128.77361/CS.UTK.EDU--"]).split("\n"), ""]
    ).encode()


def dsn(*recipients: str, whole: str = "Reporting-MTA: dns; cs.utk.edu", **given: Any) -> bytes:
    """Return a report of delivery."""
    status = "\n\n".join([whole, *recipients])
    words = "\nThe original message was received at Sat, 2 Jul 1994 17:10:28 -0400"
    returned = "content-type: message/rfc822\n\nSubject: the original\n\nHello"
    return a_mail(words, f"content-type: message/delivery-status\n\n{status}", returned, **given)


def heard(mail: bytes) -> list[Report]:
    return list(reports_of(read_mail(mail), ATTEMPT, NOW))


def one(mail: bytes) -> tuple[Any, str, bool, str]:
    """(kind, reason, hard, code) of the one report of a mail."""
    [report] = heard(mail)
    assert report.attempt_id == ATTEMPT
    return report.kind, report.reason, report.hard, report.vendor_code


RFC_3464_E1 = """Original-Recipient: rfc822;louisl@larry.slip.umd.edu
Final-Recipient: rfc822;louisl@larry.slip.umd.edu
Action: failed
Status: 4.0.0
Diagnostic-Code: smtp; 426 connection timed out
Last-Attempt-Date: Thu, 7 Jul 1994 17:15:49 -0400"""

RFC_3464_E2 = (
    """Original-Recipient: rfc822;arathib@vnet.ibm.com
Final-Recipient: rfc822;arathib@vnet.ibm.com
Action: failed
Status: 5.0.0 (permanent failure)
Diagnostic-Code: smtp;
 550 'arathib@vnet.IBM.COM' is not a registered gateway user
Remote-MTA: dns; vnet.ibm.com""",
    """Original-Recipient: rfc822;johnh@hpnjld.njd.hp.com
Final-Recipient: rfc822;johnh@hpnjld.njd.hp.com
Action: delayed
Status: 4.0.0 (hpnjld.njd.jp.com: host name lookup failure)""",
    """Original-Recipient: rfc822;wsnell@sdcc13.ucsd.edu
Final-Recipient: rfc822;wsnell@sdcc13.ucsd.edu
Action: failed
Status: 5.0.0
Diagnostic-Code: smtp; 550 user unknown
Remote-MTA: dns; sdcc13.ucsd.edu""",
)

RFC_3464_E4 = """Final-Recipient: rfc822;thomas@de-montfort.ac.uk
Status: 4.0.0 (unknown temporary failure)
Action: delayed"""


def test_a_simple_report_of_the_rfc() -> None:
    [report] = heard(dsn(RFC_3464_E1))
    assert (report.kind, report.hard, report.vendor_code) == (ReceiptKind.BOUNCED, False, "4.0.0")
    assert report.address == "louisl@larry.slip.umd.edu"
    assert report.at == datetime(1994, 7, 7, 21, 15, 49, tzinfo=UTC)
    assert report.raw["Reporting-MTA"] == "dns; cs.utk.edu"
    assert report.raw["Diagnostic-Code"] == "smtp; 426 connection timed out"


def test_a_report_of_several_recipients() -> None:
    found = heard(dsn(*RFC_3464_E2))
    assert [(r.kind, r.address, r.vendor_code) for r in found] == [
        (ReceiptKind.BOUNCED, "arathib@vnet.ibm.com", "5.0.0"),
        (None, "johnh@hpnjld.njd.hp.com", "4.0.0"),
        (ReceiptKind.BOUNCED, "wsnell@sdcc13.ucsd.edu", "5.0.0"),
    ]
    assert len({r.event_key for r in found}) == 3
    assert found[0].raw["Diagnostic-Code"].endswith("is not a registered gateway user"), "unfolded"


def test_a_delay_of_the_rfc_is_a_note() -> None:
    [report] = heard(dsn(RFC_3464_E4, whole="Reporting-MTA: dns; sun2.nsfnet-relay.ac.uk"))
    assert (report.kind, report.reason) == (None, "")
    assert report.at == datetime(1994, 7, 7, 21, 16, 5, tzinfo=UTC), "the mail's own date"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_ends_do_not_matter(end: str) -> None:
    assert one(dsn(RFC_3464_E1, end=end))[0] is ReceiptKind.BOUNCED


def said(action: str, status: str, diagnostic: str = "") -> bytes:
    lines = ["Final-Recipient: rfc822; sam@example.org", f"Action: {action}", f"Status: {status}"]
    return dsn("\n".join([*lines, f"Diagnostic-Code: {diagnostic}"] if diagnostic else lines))


BOUNCED = ReceiptKind.BOUNCED


@pytest.mark.parametrize(
    ("action", "status", "diagnostic", "expected"),
    [
        ("failed", "5.1.1", "", (BOUNCED, "invalid_address", True, "5.1.1")),
        ("Failed", "5.1.1 (bad mailbox)", "", (BOUNCED, "invalid_address", True, "5.1.1")),
        ("failed", "5.1.2", "", (BOUNCED, "invalid_address", True, "5.1.2")),
        ("failed", "5.1.10", "", (BOUNCED, "invalid_address", True, "5.1.10")),
        ("failed", "5.1.6", "", (BOUNCED, "invalid_address", True, "5.1.6")),
        ("failed", "5.4.4", "", (BOUNCED, "invalid_address", True, "5.4.4")),
        ("failed", "5.2.1", "", (BOUNCED, "unreachable", False, "5.2.1")),
        ("failed", "5.2.2", "", (BOUNCED, "mailbox_full", False, "5.2.2")),
        ("failed", "4.2.2", "", (BOUNCED, "mailbox_full", False, "4.2.2")),
        ("failed", "5.3.4", "", (BOUNCED, "payload_too_large", False, "5.3.4")),
        ("failed", "5.7.26", "", (BOUNCED, "content_filtered", False, "5.7.26")),
        ("failed", "5.1.8", "", (BOUNCED, "sender_not_registered", False, "5.1.8")),
        ("failed", "4.4.7", "", (BOUNCED, "unreachable", False, "4.4.7")),
        ("failed", "5.9.99", "", (BOUNCED, "unreachable", False, "5.9.99")),
        ("failed", "4.1.1", "", (BOUNCED, "unreachable", False, "4.1.1")),
        ("failed", "", "", (BOUNCED, "unreachable", False, "")),
        # Exim's status is always 5.0.0; Gmail's words go over several lines.
        ("failed", "5.0.0", "smtp; 550 5.1.1 <sam@example.org>: no", (
            BOUNCED, "invalid_address", True, "5.1.1")),
        ("failed", "5.0.0", "smtp; 550-5.1.1 The email account\n 550 5.1.1 does not exist", (
            BOUNCED, "invalid_address", True, "5.1.1")),
        ("failed", "", "smtp; 550 #5.1.0 Address rejected.", (
            BOUNCED, "invalid_address", True, "5.1.0")),
        ("failed", "5.7.1", "smtp; 550 5.1.1 no", (BOUNCED, "content_filtered", False, "5.7.1")),
        ("failed", "4.0.0", "smtp; 550 5.1.1 no", (BOUNCED, "unreachable", False, "4.0.0")),
        ("failed", "5.0.0", "smtp; 550 from 95.1.1.4 and 5.1.1.4", (
            BOUNCED, "unreachable", False, "5.0.0")),
        ("delivered", "2.1.5", "", (ReceiptKind.DELIVERED, "", False, "2.1.5")),
        ("expanded", "2.0.0", "", (ReceiptKind.DELIVERED, "", False, "2.0.0")),
        ("relayed", "2.1.9", "", (ReceiptKind.SENT, "", False, "2.1.9")),
        ("delayed", "4.4.1", "", (None, "", False, "4.4.1")),
        ("tomorrow", "5.1.1", "", (None, "", False, "5.1.1")),
    ],
)  # fmt: skip
def test_actions_and_statuses(
    action: str, status: str, diagnostic: str, expected: tuple[Any, str, bool, str]
) -> None:
    assert one(said(action, status, diagnostic)) == expected


def test_an_address_is_good_when_others_behind_it_got_the_mail() -> None:
    good = "Final-Recipient: rfc822; list@example.org\nAction: expanded\nStatus: 2.1.5"
    bad = "Final-Recipient: rfc822; gone@example.org\nAction: failed\nStatus: 5.1.1"
    assert [(r.kind, r.hard) for r in heard(dsn(good, bad))] == [
        (ReceiptKind.DELIVERED, False), (ReceiptKind.BOUNCED, False),
    ]  # fmt: skip


def test_only_a_report_says_that_something_failed() -> None:
    answer = (
        b"From: sam@example.org\nSubject: Out of office\nAuto-Submitted: auto-replied\n\n"
        b"Final-Recipient: rfc822; sam@example.org\nAction: failed\nStatus: 5.1.1\n"
    )
    quoted = dsn(RFC_3464_E1).replace(b"multipart/report;", b"multipart/mixed;")
    read = dsn("Disposition: automatic-action; displayed").replace(
        b"delivery-status", b"disposition-notification"
    )
    for mail in (answer, quoted, read):
        [report] = heard(mail)
        assert (report.kind, report.hard, report.reason) == (None, False, "")


def test_a_report_in_what_is_returned_is_no_report_of_ours() -> None:
    inner = dsn("Final-Recipient: rfc822; x@example.org\nAction: failed\nStatus: 5.1.1").decode()
    inner = inner.replace("RAA14128.77361", "inner")
    outer = a_mail(
        "Content-Type: text/plain\n\nIt comes later",
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n" + RFC_3464_E4,
        f"Content-Type: message/rfc822\n\n{inner}",
    )
    assert one(outer)[0] is None


def test_an_encoded_status_is_read() -> None:
    """RFC 3464 §2.1 wants 7bit; some gateways encode it all the same."""
    text = base64.encodebytes(f"Reporting-MTA: dns; x\n\n{RFC_3464_E1}\n".encode()).decode()
    head = "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64"
    assert one(a_mail(f"{head}\n\n{text}"))[0] is ReceiptKind.BOUNCED


def test_an_internationalised_report() -> None:
    fields = "Final-Recipient: utf-8; jürgen@bücher.example\nAction: failed\nStatus: 5.1.1"
    head = "Content-Type: message/global-delivery-status\nContent-Transfer-Encoding: 8bit"
    [report] = heard(a_mail(f"{head}\n\nReporting-MTA: dns; x\n\n{fields}"))
    assert (report.hard, report.address) == (True, "jürgen@bücher.example")


def test_the_same_report_has_the_same_key_whichever_way_it_came() -> None:
    mail = said("failed", "5.1.1")
    piped = b"From MAILER-DAEMON Thu Jul  7 17:16:05 1994\nX-Original-To: a@b\n" + mail
    again = said("failed", "5.1.1").replace(b"RAA14128@", b"RAA14129@")
    key, by_pipe, of_another = (heard(m)[0].event_key for m in (mail, piped, again))
    assert key == by_pipe
    assert key != of_another
    nameless = mail.replace(b"Message-ID:", b"X-Id:")
    assert heard(nameless)[0].event_key == heard(b"Received: from x\n" + nameless)[0].event_key


def test_a_time_that_is_yet_to_come_or_is_none_counts_for_nothing() -> None:
    for date in ("Thu, 7 Jul 2994 17:15:49 -0400", "yesterday", "", "Thu, 99 Jul 1994 99:99:99"):
        mail = dsn(RFC_3464_E1.replace("Thu, 7 Jul 1994 17:15:49 -0400", date))
        assert heard(mail)[0].at in (NOW, datetime(1994, 7, 7, 21, 16, 5, tzinfo=UTC))


@pytest.mark.parametrize(
    ("mail", "words"),
    [
        (b"", "no mail"),
        (b"\n\n", "no mail"),
        (b"hello", "no mail"),
        (a_mail("\nIt failed."), "no part of type message/delivery-status"),
        (dsn(), "names no recipient"),
        (dsn("Final-Recipient: rfc822; x@example.org\nStatus: 5.1.1"), "names no recipient"),
        (a_mail("Content-Type: message/delivery-status\n"), "names no recipient"),
        (a_mail("\nx", kind="feedback-report"), "no part of type message/feedback-report"),
        (a_mail("Content-Type: message/feedback-report\n\nVersion: 1", kind="feedback-report"),
         "no Feedback-Type"),
        (b"Content-Type: multipart/report; report-type=delivery-status\n\nx", "no part"),
    ],
)  # fmt: skip
def test_broken_reports_say_what_they_lack(mail: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        heard(mail)


def arf(*fields: str, returned: str = "") -> bytes:
    """Return a feedback report, as RFC 5965 Appendix B has them."""
    block = "\n".join(["User-Agent: SomeGenerator/1.0", "Version: 1", *fields])
    original = f"{returned}From: <somespammer@example.net>\nSubject: Earn money\n\nSpam Spam Spam"
    return a_mail(
        'Content-Type: text/plain; charset="US-ASCII"\n\nThis is an email abuse report.',
        f"Content-Type: message/feedback-report\n\n{block}",
        f"Content-Type: message/rfc822\nContent-Disposition: inline\n\n{original}",
        kind="feedback-report",
    )


@pytest.mark.parametrize(
    ("word", "kind", "unsubscribes"),
    [
        ("abuse", ReceiptKind.COMPLAINED, False),
        ("Abuse", ReceiptKind.COMPLAINED, False),
        ("fraud", ReceiptKind.COMPLAINED, False),
        ("virus", ReceiptKind.COMPLAINED, False),
        ("other", ReceiptKind.COMPLAINED, False),
        ("not-spam", None, False),
        ("auth-failure", None, False),
        ("opt-out", None, True),
        ("tomorrow", None, False),
    ],
)
def test_feedback(word: str, kind: ReceiptKind | None, unsubscribes: bool) -> None:
    [report] = heard(arf(f"Feedback-Type: {word}"))
    assert (report.kind, report.unsubscribes, report.hard) == (kind, unsubscribes, False)


def test_a_feedback_report_tells_the_return_path_of_its_mail() -> None:
    full = arf("Feedback-Type: abuse", "Original-Mail-From: <somespammer@example.net>",
               returned="Return-Path: <other@example.net>\n")  # fmt: skip
    assert list(original_senders(read_mail(full))) == [
        "somespammer@example.net",
        "other@example.net",
    ]
    assert list(original_senders(read_mail(arf("Feedback-Type: abuse")))) == []
    assert list(original_senders(read_mail(dsn(RFC_3464_E1)))) == [], "a DSN comes to it itself"


def test_a_long_mail_is_read_as_far_as_its_report_goes() -> None:
    long = said("failed", "5.1.1").replace(b"Hello", b"Hello\n" * MOST_READ)
    assert one(long)[2]


@given(st.binary(max_size=200), st.integers(0, 800))
def test_whatever_comes_is_read_or_refused(noise: bytes, place: int) -> None:
    for mail in (noise, arf("Feedback-Type: abuse"), said("failed", "5.1.1", "smtp; 550 no")):
        changed = mail[:place] + noise + mail[place:]
        try:
            read = read_mail(changed)
            list(original_senders(read))
            found = reports_of(read, ATTEMPT, NOW)
        except Unreadable:
            continue
        assert all(report.attempt_id == ATTEMPT and report.at <= NOW for report in found)


def test_a_mail_of_many_levels_or_fields_costs_little() -> None:
    level = 'Content-Type: multipart/mixed; boundary="b"\n\n--b\n'
    deep = a_mail(f"Content-Type: message/delivery-status\n\nA: b\n\n{RFC_3464_E1}", level * 4_000)
    assert one(deep)[0] is ReceiptKind.BOUNCED
    beside = a_mail(
        f"Content-Type: message/delivery-status\n\nA: b\n\n{RFC_3464_E1}", *["x"] * 9_000
    )
    assert one(beside)[0] is ReceiptKind.BOUNCED
    many = heard(dsn(*[RFC_3464_E1] * 5_000))
    assert 0 < len(many) <= 101
    wide = "\n".join(f"X-{number}: {'y' * 900}" for number in range(200))
    [report] = heard(dsn(f"{RFC_3464_E1}\n{wide}"))
    assert len(report.raw) <= 80
    assert max(map(len, report.raw.values())) <= 500
