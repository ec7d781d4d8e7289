"""The envelope of a message: MAIL and RCPT with the parameters that it needs and may have."""

import re
from dataclasses import dataclass
from typing import Final

from domain.message import EmailMessage
from transport.smtp.capabilities import Capabilities
from transport.smtp.exchange import Phase, Problem, Stopped
from transport.smtp.mailbox import InvalidMailbox, Mailbox, parse_mailbox

_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_NOT_XTEXT: Final = re.compile(r"[^!-*,-<>-~]")


@dataclass(frozen=True, slots=True)
class Envelope:
    """The two commands that open a mail transaction, each with its CRLF."""

    mail: bytes
    rcpt: bytes


def seal_envelope(message: EmailMessage, offered: Capabilities) -> Envelope:
    """Return the envelope for a server that offers this much.

    What `notify` asks for is asked where DSN is offered (RFC 3461): reports that name the attempt
    and return only the header. Raises Stopped before anything is written: for an address that is
    not valid or needs SMTPUTF8 where it is not offered, for 8-bit content without 8BITMIME (RFC
    6152), and for a message over the limit of SIZE (RFC 1870).
    """
    sender = _mailbox(message.mail_from, "sender", offered) if message.mail_from else None
    recipient = _mailbox(message.rcpt_to, "recipient", offered)
    utf8 = message.smtputf8 or not recipient.ascii or bool(sender and not sender.ascii)
    eight_bit = not message.mime.isascii()
    if message.smtputf8 and not offered.smtputf8:
        raise Stopped.because("mail", "message", "a header needs SMTPUTF8, which is not offered")
    if eight_bit and not offered.eightbitmime:
        raise Stopped.because("mail", "message", "8-bit content, but 8BITMIME is not offered")
    if 0 < offered.size_limit < len(message.mime):
        raise Stopped.because("mail", "size", f"over the server's limit {offered.size_limit}")
    parameters = [f" SIZE={len(message.mime)}"] if offered.size else []
    if eight_bit or (utf8 and offered.eightbitmime):
        parameters.append(" BODY=8BITMIME")
    if utf8:
        parameters.append(" SMTPUTF8")
    wishes: list[str] = []
    if message.notify and offered.dsn:
        parameters.append(f" RET=HDRS ENVID={_xtext(message.attempt_id)}")
        wishes.append(f" NOTIFY={message.notify}")
        if recipient.ascii:
            wishes.append(f" ORCPT=rfc822;{_xtext(str(recipient))}")
    return Envelope(
        f"MAIL FROM:<{sender or ''}>{''.join(parameters)}\r\n".encode(),
        f"RCPT TO:<{recipient}>{''.join(wishes)}\r\n".encode(),
    )


def stuff_body(mime: bytes) -> bytes:
    """Return a message as it goes after 354, without the final dot (RFC 5321 §4.5.2).

    Lines that begin with a dot get a second one, the last line gets its CRLF; a bare CR or LF,
    with which one message could be smuggled into two, becomes CRLF.
    """
    if not mime.count(b"\r\n") == mime.count(b"\n") == mime.count(b"\r"):
        mime = _LINE_END.sub(b"\r\n", mime)
    if mime.startswith(b"."):
        mime = b"." + mime
    mime = mime.replace(b"\r\n.", b"\r\n..")
    return mime if mime.endswith(b"\r\n") or not mime else mime + b"\r\n"


def _xtext(text: str) -> str:
    """Return ASCII text as a parameter may hold it (RFC 3461 §4)."""
    return _NOT_XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", text)


def _mailbox(address: str, problem: Problem, offered: Capabilities) -> Mailbox:
    phase: Phase = "rcpt" if problem == "recipient" else "mail"
    try:
        mailbox = parse_mailbox(address)
    except InvalidMailbox as error:
        raise Stopped.because(phase, problem, error) from None
    if not mailbox.ascii and not offered.smtputf8:
        raise Stopped.because(phase, problem, "needs SMTPUTF8, which is not offered")
    return mailbox
