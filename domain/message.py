"""What a vendor is handed: one message to one address, ready to leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class EmailMessage:
    """One mail to one recipient, assembled: `mime` is the whole message with CRLF line ends.

    `smtputf8` says that an envelope address or a header needs RFC 6531.
    """

    attempt_id: str
    mail_from: str
    rcpt_to: str
    mime: bytes
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class ContentMessage:
    """One message of any channel as rendered content, for vendors that take fields."""

    attempt_id: str
    notification_id: str
    channel: Channel
    address: str
    content: Mapping[str, Any]


Message = EmailMessage | ContentMessage
