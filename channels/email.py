"""Assembles an e-mail from rendered content: RFC 5322 headers, RFC 2045 bodies, CRLF throughout.

It is joined from encoded pieces: an email.message.EmailMessage for each recipient would cost
several times more.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from typing import Any

from channels.mime_bodies import ALTERNATIVE, MIXED, encode_attachment, encode_body, join_parts
from channels.mime_headers import (
    check_line,
    encode_field,
    encode_mailbox,
    encode_text,
    read_mailbox,
)
from channels.plain_text import html_to_text
from domain.contract.base import WrongField
from domain.message import EmailMessage
from transport.smtp.mailbox import InvalidMailbox, Mailbox, parse_mailbox


def assemble(
    content: Mapping[str, Any],
    *,
    to_address: str,
    to_name: str,
    attempt_id: str,
    notification_id: str,
    default_from: str,
) -> EmailMessage:
    """Return the mail for one recipient.

    `content`: subject, html or text or both, from, reply_to, attachments (filename, content_type,
    base64), headers (name to value, visible ASCII). Message-ID is made of the attempt and the
    sender's domain, so that receipts and resends can be joined. All lines are 7-bit ASCII, unless
    a local part is not: then `smtputf8` is set. Raises WrongField (a ValueError) for what cannot
    stand in a header, naming the field.
    """
    sender, sender_header = _sender(content.get("from") or default_from)
    recipient = _recipient(to_address)
    to = check_line(to_name, "to_name")
    mailboxes = [sender, recipient]
    headers = [sender_header, encode_mailbox("To", to, recipient)]
    if reply_to := content.get("reply_to"):
        display, mailbox = read_mailbox(reply_to, "reply_to")
        headers.append(encode_mailbox("Reply-To", display, mailbox))
        mailboxes.append(mailbox)
    headers.append(encode_text("Subject", check_line(content["subject"], "subject")))
    headers += [encode_field(name, value) for name, value in (content.get("headers") or {}).items()]
    headers.append(_identity(attempt_id, notification_id, sender.domain.strip("[]")))
    mime = "\r\n".join(headers).encode() + _entity(content)
    utf8 = not all(mailbox.ascii for mailbox in mailboxes)
    return EmailMessage(attempt_id, str(sender), str(recipient), mime, utf8)


def _entity(content: Mapping[str, Any]) -> bytes:
    """Return everything from Content-Type on."""
    body = _body(content.get("html"), content.get("text"))
    attachments = [
        encode_attachment(attachment, f"attachments[{number}]")
        for number, attachment in enumerate(content.get("attachments") or ())
    ]
    entity = join_parts("mixed", MIXED, [body, *attachments]) if attachments else body
    return entity if entity.endswith(b"\r\n") else entity + b"\r\n"


def _body(html: str | None, text: str | None) -> bytes:
    if html is None:
        if text is None:
            raise WrongField("text", "needs html, text or both")
        return encode_body("plain", text, "text")
    shown = encode_body("html", html, "html")
    told = encode_body("plain", html_to_text(html) if text is None else text, "text")
    return join_parts("alternative", ALTERNATIVE, [told, shown])


@lru_cache(maxsize=1024)
def _sender(value: str) -> tuple[Mailbox, str]:
    display, mailbox = read_mailbox(value, "from")
    return mailbox, encode_mailbox("From", display, mailbox)


def _recipient(address: str) -> Mailbox:
    try:
        return parse_mailbox(address)
    except InvalidMailbox as error:
        raise WrongField("to_address", str(error)) from None


def _identity(attempt_id: str, notification_id: str, domain: str) -> str:
    attempt = _check_id(attempt_id, "attempt_id")
    notification = _check_id(notification_id, "notification_id")
    return (
        f"Date: {_date(int(time.time()))}\r\nMessage-ID: <{attempt}@{domain}>\r\n"
        f"X-Tocsin-Notification: {notification}\r\nX-Tocsin-Attempt: {attempt}\r\n"
        "MIME-Version: 1.0\r\n"
    )


def _check_id(value: str, field: str) -> str:
    if not value.isascii() or not value.replace("_", "").replace("-", "").isalnum():
        raise WrongField(field, "is not an id")
    return value


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))
