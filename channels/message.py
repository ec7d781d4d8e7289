"""Turns rendered content into what a vendor is handed, channel by channel."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from channels.email import assemble
from domain.message import ContentMessage, Message
from domain.vocabulary import CategoryClass, Channel


def build(
    channel: Channel,
    content: Mapping[str, Any],
    *,
    as_fields: bool,
    address: str,
    name: str,
    attempt_id: str,
    notification_id: str,
    default_from: str,
    class_: CategoryClass,
    expires_at: datetime,
) -> Message:
    """Return the message of a delivery; `as_fields` is for vendors that take content, not MIME.

    Raises a ValueError that names the field when the content cannot become a message.
    """
    if channel is Channel.EMAIL and not as_fields:
        return assemble(
            content,
            to_address=address,
            to_name=name,
            attempt_id=attempt_id,
            notification_id=notification_id,
            default_from=default_from,
        )
    return ContentMessage(
        attempt_id, notification_id, channel, address, content, name, class_, expires_at
    )
