"""Turns rendered content into what a vendor is handed, channel by channel."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from channels.email import assemble
from channels.occasion import Occasion
from channels.transforms import check_sendable, transform
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
    locale: str | None = None,
    unsubscribe_url: str | None = None,
    class_: CategoryClass = CategoryClass.TRANSACTIONAL,
    expires_at: datetime | None = None,
    target: Mapping[str, Any] | None = None,
    callback_url: str = "",
    track: Callable[[str], str] | None = None,
) -> Message:
    """Return the message of a delivery; `as_fields` is for vendors that take content, not MIME.

    `track` leads the links of a mail's html over Tocsin; its text keeps them as they are.

    Raises ContentRefused for words that cannot be sent on their channel, and a ValueError that
    names the field when they cannot become a message.
    """
    check_sendable(channel, content)
    made = transform(channel, content, Occasion(locale, default_from, unsubscribe_url))
    if track is not None and made.get("html"):
        made["html"] = track(made["html"])
    if channel is Channel.EMAIL and not as_fields:
        return assemble(
            made,
            to_address=address,
            to_name=name,
            attempt_id=attempt_id,
            notification_id=notification_id,
            default_from=default_from,
        )
    return ContentMessage(
        attempt_id,
        notification_id,
        channel,
        address,
        made,
        name=name,
        class_=class_,
        expires_at=expires_at,
        target=target or {},
        callback_url=callback_url,
    )
