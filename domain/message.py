"""What a vendor is handed: one message to one address, ready to leave."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from domain.vocabulary import CategoryClass, Channel


@dataclass(frozen=True, slots=True)
class EmailMessage:
    """One mail to one recipient, assembled: `mime` is the whole message with CRLF line ends.

    `smtputf8` says that an envelope address or a header needs RFC 6531. `notify` is what the server
    is asked to report, in the words of NOTIFY (RFC 3461 §4.1), if it offers DSN.
    """

    attempt_id: str
    mail_from: str
    rcpt_to: str
    mime: bytes
    smtputf8: bool = False
    notify: str = ""


@dataclass(frozen=True, slots=True)
class ContentMessage:
    """One message of any channel as rendered content, for vendors that take fields.

    `content` by channel, as channels/ leaves it:
    email {subject, html?, text, from, reply_to?, attachments?, headers?};
    sms {text, encoding: gsm7 | ucs2, segments};
    push, webpush {title, body, url?, image?, badge?, sound?, collapse_key?, ttl?, data?};
    whatsapp {text} or {template, language, parameters};
    telegram {text, parse_mode?, buttons?: rows of {text, url}}; inapp {title, body, url?, data?}.
    `target` is what an address alone does not tell: push {platform: android | ios},
    webpush {keys: {p256dh, auth}}. `callback_url` is where the vendor is to send its receipts;
    it carries the attempt's id.
    """

    attempt_id: str
    notification_id: str
    channel: Channel
    address: str
    content: Mapping[str, Any]
    name: str = ""
    class_: CategoryClass = CategoryClass.TRANSACTIONAL
    expires_at: datetime | None = None
    target: Mapping[str, Any] = field(default_factory=dict)
    callback_url: str = ""


Message = EmailMessage | ContentMessage
