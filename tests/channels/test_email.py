"""Assembled mail, read back by the standard library: exactly what was given, and nothing else."""

import base64
import re
from datetime import UTC, datetime
from email import message_from_bytes, message_from_string
from email.headerregistry import Address
from email.message import EmailMessage as Parsed
from email.policy import SMTPUTF8, default
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.email import assemble
from domain.contract.base import WrongField
from domain.message import EmailMessage

HEADERS = {
    "from", "to", "subject", "date", "message-id", "x-tocsin-notification", "x-tocsin-attempt",
    "mime-version", "content-type",
}  # fmt: skip

CHARACTERS = st.characters(exclude_categories=["Cs"])
LINE = st.text(CHARACTERS.filter(lambda char: char not in "\r\n\0"), max_size=200)
TEXT = st.text(CHARACTERS, max_size=2000)
WORDS = st.text(st.sampled_from("abc =?_.\"'\\<>(),;:@é漢😀\t"), max_size=120)


def a_mail(content: dict[str, Any] | None = None, **given: Any) -> EmailMessage:
    """Return a mail of this content to sam@example.org."""
    usual = {
        "to_address": "sam@example.org",
        "to_name": "Sample Recipient",
        "attempt_id": "att_01",
        "notification_id": "ntf_01",
        "default_from": "Tocsin <tocsin@example.com>",
    }
    return assemble({"subject": "Hi", "text": "Hello", **(content or {})}, **{**usual, **given})


def parse(mail: EmailMessage) -> Parsed:
    found = message_from_bytes(mail.mime, policy=default)
    assert isinstance(found, Parsed)
    assert not found.defects
    return found


def body_of(part: Any) -> str:
    """Return a part's text with the line ends that it was given with."""
    content = part.get_payload(decode=True).decode()
    assert "\r\n" in content or "\n" not in content
    return str(content.replace("\r\n", "\n"))


def unspaced(name: str) -> str:
    """Return a name without space: Python 3.11 reads one between two encoded words of a phrase."""
    return "".join(name.split())


def normal(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def test_a_text_mail() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    mail = a_mail()
    found = parse(mail)
    assert (mail.mail_from, mail.rcpt_to, mail.smtputf8) == (
        "tocsin@example.com",
        "sam@example.org",
        False,
    )
    assert found["Subject"] == "Hi"
    assert found["From"] == "Tocsin <tocsin@example.com>"
    assert found["To"] == "Sample Recipient <sam@example.org>"
    assert found["Message-ID"] == "<att_01@example.com>"
    assert found["X-Tocsin-Attempt"] == "att_01"
    assert found["X-Tocsin-Notification"] == "ntf_01"
    assert found.get_content_type() == "text/plain"
    assert body_of(found) == "Hello\n"
    assert before <= found["Date"].datetime <= datetime.now(UTC)
    assert {name.lower() for name in found.keys()} - HEADERS == {"content-transfer-encoding"}  # noqa: SIM118


def test_html_has_a_text_beside_it() -> None:
    found = parse(a_mail({"text": None, "html": "<p>Hello <b>you</b></p>"}))
    assert found.get_content_type() == "multipart/alternative"
    text, html = found.iter_parts()
    assert (text.get_content_type(), body_of(text)) == ("text/plain", "Hello you\n")
    assert (html.get_content_type(), body_of(html)) == ("text/html", "<p>Hello <b>you</b></p>")
    assert {name.lower() for name in found.keys()} == HEADERS  # noqa: SIM118


def test_given_text_is_taken_as_it_is() -> None:
    text, _ = parse(a_mail({"text": "mine", "html": "<p>theirs</p>"})).iter_parts()
    assert body_of(text) == "mine"


def test_attachments_stand_beside_the_body() -> None:
    octets = bytes(range(256)) * 5
    content = {
        "html": "<p>x</p>",
        "attachments": [
            {"filename": "a b.pdf", "content_type": "application/pdf", "base64": encode(octets)},
            {
                "filename": 'naïve; name="x".txt',
                "content_type": "text/plain",
                "base64": encode(b""),
            },
        ],
    }
    found = parse(a_mail(content))
    assert found.get_content_type() == "multipart/mixed"
    body, pdf, text = found.iter_parts()
    assert body.get_content_type() == "multipart/alternative"
    assert (pdf.get_content_type(), pdf.get_filename()) == ("application/pdf", "a b.pdf")
    assert pdf.get_payload(decode=True) == octets
    assert pdf.get_content_disposition() == "attachment"
    assert (text.get_filename(), text.get_payload(decode=True)) == ('naïve; name="x".txt', b"")


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/mixed", "Message/Partial"])
def test_composite_attachments_stay_files(kind: str) -> None:
    octets = b"Subject: inner\r\n\r\n--x\r\n"
    attachment = {"filename": "mail.eml", "content_type": kind, "base64": encode(octets)}
    _, part = parse(a_mail({"attachments": [attachment]})).iter_parts()
    assert part.get_content_type() == "application/octet-stream"
    assert part.get_payload(decode=True) == octets


def test_reply_to() -> None:
    found = parse(a_mail({"reply_to": '"Help, please" <help@example.com>'}))
    assert found["Reply-To"].addresses == (Address("Help, please", "help", "example.com"),)


def test_the_content_may_name_its_sender() -> None:
    mail = a_mail({"from": "news@bücher.example"})
    assert mail.mail_from == "news@xn--bcher-kva.example"
    assert parse(mail)["Message-ID"] == "<att_01@xn--bcher-kva.example>"


def test_a_local_part_beyond_ascii_needs_smtputf8() -> None:
    mail = a_mail(to_address="jürgen@bücher.example", to_name="Jürgen")
    assert mail.smtputf8
    assert mail.rcpt_to == "jürgen@xn--bcher-kva.example"
    found = message_from_string(mail.mime.decode(), policy=SMTPUTF8)
    assert found["To"].addresses[0].username == "jürgen"
    assert found["To"].addresses[0].display_name == "Jürgen"


def test_resending_the_same_attempt_gives_the_same_message_id() -> None:
    assert parse(a_mail())["Message-ID"] == parse(a_mail({"text": "again"}))["Message-ID"]


@given(subject=LINE | WORDS, text=TEXT)
def test_any_subject_and_text(subject: str, text: str) -> None:
    mail = a_mail({"subject": subject, "text": text})
    found = parse(mail)
    check_lines(mail.mime)
    assert found["Subject"] == subject
    assert body_of(found).removesuffix("\n") == normal(text).removesuffix("\n")
    assert {name.lower() for name in found.keys()} - HEADERS == {"content-transfer-encoding"}  # noqa: SIM118


@given(html=TEXT, text=TEXT | st.none())
def test_any_html(html: str, text: str | None) -> None:
    mail = a_mail({"html": html, "text": text})
    check_lines(mail.mime)
    plain, marked_up = parse(mail).iter_parts()
    assert body_of(marked_up) == normal(html)
    if text is not None:
        assert body_of(plain) == normal(text)


@given(name=LINE | WORDS, sender=WORDS)
def test_any_display_name(name: str, sender: str) -> None:
    quoted = sender.replace("\\", "\\\\").replace('"', '\\"')
    mail = a_mail(
        {"from": f'"{quoted}" <tocsin@example.com>'} if "<" not in sender else {}, to_name=name
    )
    check_lines(mail.mime)
    found = parse(mail)
    assert [(one.username, one.domain) for one in found["To"].addresses] == [("sam", "example.org")]
    assert unspaced(found["To"].addresses[0].display_name) == unspaced(name)
    if "<" not in sender:
        assert len(found["From"].addresses) == 1
        assert unspaced(found["From"].addresses[0].display_name) == unspaced(sender)
    assert {key.lower() for key in found.keys()} - HEADERS == {"content-transfer-encoding"}  # noqa: SIM118


@given(
    filename=LINE.filter(bool) | WORDS.filter(bool),
    octets=st.binary(max_size=300),
    boundary=st.sampled_from(["", "--=_tocsin.mixed\r\n", "\r\n--=_tocsin.alternative--\r\n"]),
)
def test_any_attachment(filename: str, octets: bytes, boundary: str) -> None:
    attachment = {"filename": filename, "content_type": "image/png", "base64": encode(octets)}
    mail = a_mail({"text": boundary, "html": boundary, "attachments": [attachment]})
    check_lines(mail.mime)
    body, part = parse(mail).iter_parts()
    assert part["Content-Disposition"].params["filename"] == filename
    assert part.get_payload(decode=True) == octets
    assert [body_of(one) for one in body.iter_parts()] == [normal(boundary)] * 2


@pytest.mark.parametrize("evil", ["\r\nBcc: eve@example.org", "\nX: y", "\rX: y", "a\0b", "\ud800"])
@pytest.mark.parametrize(
    ("field", "where"),
    [
        ("subject", "content"),
        ("from", "content"),
        ("reply_to", "content"),
        ("to_name", "argument"),
        ("to_address", "argument"),
        ("attempt_id", "argument"),
        ("notification_id", "argument"),
        ("default_from", "argument"),
        ("filename", "attachment"),
        ("content_type", "attachment"),
    ],
)
def test_nothing_can_begin_another_header(field: str, where: str, evil: str) -> None:
    attachment = {"filename": "a.txt", "content_type": "text/plain", "base64": ""}
    content: dict[str, Any] = {"attachments": [attachment]}
    arguments: dict[str, Any] = {}
    match where:
        case "attachment":
            attachment[field] += evil
        case "content":
            content[field] = f"Name{evil} <sam@example.org>"
        case _:
            arguments[field] = f"{'sam@example.org' if field == 'to_address' else 'att'}{evil}"
    with pytest.raises(WrongField) as raised:
        a_mail(content, **arguments)
    assert raised.value.field == {
        "filename": "attachments[0].filename",
        "content_type": "attachments[0].content_type",
        "default_from": "from",
    }.get(field, field)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"text": None}, "text"),
        ({"text": "\ud800"}, "text"),
        ({"html": "\ud800"}, "html"),
        ({"html": "\ud800", "text": None}, "html"),
        ({"from": "a@example.org, b@example.org"}, "from"),
        ({"from": "nobody"}, "from"),
        ({"reply_to": "<>"}, "reply_to"),
        ({"attachments": [{"filename": "x", "base64": "%"}]}, "attachments[0].base64"),
        (
            {"attachments": [{"filename": "x", "content_type": "x", "base64": ""}]},
            "attachments[0].content_type",
        ),
    ],
)
def test_what_is_wrong_is_named(content: dict[str, Any], field: str) -> None:
    with pytest.raises(WrongField) as raised:
        a_mail(content)
    assert raised.value.field == field


def check_lines(mime: bytes) -> None:
    """Check that all is ASCII, ends its lines by CRLF alone, and is never longer than 998."""
    assert mime.isascii()
    assert mime.endswith(b"\r\n")
    lines = mime.split(b"\r\n")
    assert all(len(line) <= 78 for line in lines)
    assert not any(re.search(rb"[\r\n\0]", line) for line in lines)


def encode(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
