"""Mails that come back to a return path, as mail servers and people make them.

Reports of delivery (RFC 3464), feedback reports (RFC 5965), automatic answers (RFC 3834), and what
somebody makes who has only heard of the address.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.generator import BytesGenerator
from email.message import EmailMessage, Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime
from io import BytesIO

from fakes.http_vendor import Forgery

_SERVER = "mx.example.net"


@dataclass(frozen=True, slots=True)
class Original:
    """The mail that is reported of, as it was received."""

    mail_from: str
    recipient: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Returned:
    """A mail on its way back; a report has no sender, so that nobody answers it."""

    recipient: str
    content: bytes
    mail_from: str = ""


def report(original: Original, event: str, forgery: Forgery | None = None) -> Returned:
    """Return the mail that tells an event.

    `failed 5.1.1 550 5.1.1 nobody` (action, status, and what the server said), `failed-bare …` (the
    same without anything of the original), `delayed 4.4.1`, `delivered 2.1.5`, `relayed 2.1.9`,
    `expanded 2.1.5`, `complaint abuse` (any Feedback-Type; it comes to the plain address), `answer`
    (out of office), `letter` (somebody writes), `broken` (a report without its status).
    """
    word, _, rest = event.partition(" ")
    makers: dict[str, Callable[[Original, str], Message]] = {
        "complaint": _complaint, "answer": _answer, "letter": _letter, "broken": _broken,
    }  # fmt: skip
    told = Original(_forged(original.mail_from, forgery), original.recipient, original.content)
    mail = makers.get(word, _delivery)(told, rest if word in makers else event)
    mail["Message-ID"] = f"<{secrets.token_hex(8)}@{_SERVER}>"
    mail["Date"] = format_datetime(datetime.now(UTC))
    mail["To"] = told.mail_from
    plain = word == "complaint"
    sender = original.recipient if word == "letter" else ""
    recipient = _plain(told.mail_from) if plain else told.mail_from
    return Returned(recipient, _bytes(mail), sender)


def _delivery(original: Original, event: str) -> Message:
    action, status, said = [*event.split(" ", 2), "", ""][:3]
    bare = action == "failed-bare"
    fields = {
        "Final-Recipient": f"rfc822; {original.recipient}",
        "Action": action.removesuffix("-bare"),
        "Status": status,
    }
    if said:
        fields["Diagnostic-Code"] = f"smtp; {said}"
    whole = {"Reporting-MTA": f"dns; {_SERVER}", "Arrival-Date": format_datetime(datetime.now(UTC))}
    part = _machine("delivery-status", f"{_lines(whole)}\n{_lines(fields)}")
    words = "This is the mail system. Your message has a history."
    return _multipart("delivery-status", words, part, None if bare else original)


def _complaint(original: Original, kind: str) -> Message:
    fields = {
        "Feedback-Type": kind,
        "User-Agent": "FakeMail/1.0",
        "Version": "1",
        "Original-Mail-From": f"<{original.mail_from}>",
        "Original-Rcpt-To": f"<{original.recipient}>",
    }
    words = "This is an email abuse report."
    return _multipart(
        "feedback-report", words, _machine("feedback-report", _lines(fields)), original
    )


def _answer(original: Original, _rest: str) -> Message:
    mail = EmailMessage()
    mail["From"] = original.recipient
    mail["Subject"] = "Out of office: your message"
    mail["Auto-Submitted"] = "auto-replied"
    mail.set_content("I am away until Monday. Action: failed. Status: 5.1.1\n")
    return mail


def _letter(original: Original, _rest: str) -> Message:
    mail = EmailMessage()
    mail["From"] = original.recipient
    mail["Subject"] = "Re: your message"
    mail.set_content("Who are you?\n")
    return mail


def _broken(original: Original, _rest: str) -> Message:
    return _multipart("delivery-status", "It failed.", None, original)


def _multipart(
    kind: str, words: str, part: Message | None, original: Original | None
) -> MIMEMultipart:
    mail = MIMEMultipart("report")
    mail.set_param("report-type", kind)
    mail["From"] = f"Mail Delivery Subsystem <MAILER-DAEMON@{_SERVER}>"
    mail["Subject"] = "Returned mail: see transcript for details"
    mail["Auto-Submitted"] = "auto-replied"
    mail.attach(MIMEText(words))
    if part is not None:
        mail.attach(part)
    if original is not None:
        head = original.content.partition(b"\r\n\r\n")[0].replace(b"\r\n", b"\n").decode()
        returned = MIMENonMultipart("text", "rfc822-headers")
        returned.set_payload(f"Return-Path: <{original.mail_from}>\n{head}\n")
        mail.attach(returned)
    return mail


def _machine(kind: str, text: str) -> Message:
    part = MIMEBase("message", kind)
    part.set_payload(list(_groups(text)))
    return part


def _groups(text: str) -> list[Message]:
    return [message_from_bytes(one.encode()) for one in text.strip().split("\n\n")]


def _lines(fields: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in fields.items())


def _bytes(mail: Message) -> bytes:
    written = BytesIO()
    BytesGenerator(written, mangle_from_=False).flatten(mail, linesep="\r\n")
    return written.getvalue()


def _plain(return_path: str) -> str:
    """Return the address without what follows its last `+`, as one registers it."""
    local, _, domain = return_path.rpartition("@")
    return f"{local.rpartition('+')[0] or local}@{domain}"


def _forged(return_path: str, forgery: Forgery | None) -> str:
    """Return the return path that somebody makes who cannot make a right one."""
    local, _, domain = return_path.rpartition("@")
    if forgery is Forgery.UNSIGNED:
        return _plain(return_path)
    if forgery is Forgery.WRONG_KEY:
        guess = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(16))
        return f"{local[:-16]}{guess}@{domain}"
    if forgery is Forgery.CHANGED_BODY:
        changed = local[:-20] + ("0000" if local[-20:-16] != "0000" else "1111") + local[-16:]
        return f"{changed}@{domain}"
    return return_path
