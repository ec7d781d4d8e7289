"""What the sandbox accounts and the SMTP sink received."""

from collections.abc import Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMail
from typing import Any
from uuid import UUID

from domain.errors import Invalid
from domain.ids import InvalidId, decode, encode
from domain.message import ContentMessage
from services.access import Actor
from services.app import App
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from stores import sandbox
from stores.database import Database


async def find(
    app: App,
    actor: Actor,
    channel: Sequence[str] = (),
    address: Sequence[str] = (),
    notification: Sequence[str] = (),
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Return received messages, newest first."""
    actor.require("outbox:read")
    async with app.db.leader() as conn:
        rows = await sandbox.find(
            conn,
            module_id=None if actor.all_modules else actor.module_id,
            channels=list(channel),
            addresses=[one.replace("\x00", "") for one in address],
            notifications=[_id(one) for one in notification],
            before=decode_cursor(cursor),
            most=limit + 1,
        )
    items = [
        {
            "id": encode("msg", row.id),
            "channel": row.channel,
            "address": row.address,
            "content": row.content,
            "at": stamp(row.at),
            "notification": encode("ntf", row.notification_id) if row.notification_id else None,
        }
        for row in rows[:limit]
    ]
    return Page(items, next_cursor([row.id for row in rows], limit))


async def keep_content(db: Database, message: ContentMessage) -> None:
    """Store what a sandbox account was handed."""
    async with db.leader() as conn:
        await sandbox.keep(
            conn,
            channel=message.channel,
            address=message.address,
            notification_id=_known(message.notification_id, "ntf"),
            attempt_id=_known(message.attempt_id, "att"),
            content=message.content,
        )


async def keep_mail(db: Database, recipient: str, mime: bytes) -> None:
    """Store a mail that the SMTP sink received, taken apart for people to look at."""
    mail = message_from_bytes(mime, policy=policy.default)
    async with db.leader() as conn:
        await sandbox.keep(
            conn,
            channel="email",
            address=recipient,
            notification_id=_known(str(mail["X-Tocsin-Notification"] or ""), "ntf"),
            attempt_id=_known(str(mail["X-Tocsin-Attempt"] or ""), "att"),
            content=_content(mail),
        )


def _content(mail: ParsedMail) -> dict[str, Any]:
    html, plain = mail.get_body(("html",)), mail.get_body(("plain",))
    content = {
        "subject": str(mail["Subject"] or ""),
        "from": str(mail["From"] or ""),
        "reply_to": str(mail["Reply-To"]) if mail["Reply-To"] else None,
        "text": _text(plain) if plain else None,
        "html": _text(html) if html else None,
        "attachments": [
            {"filename": part.get_filename() or "", "content_type": part.get_content_type(),
             "bytes": len(part.get_payload(decode=True) or b"")}
            for part in mail.iter_attachments()
        ],
    }  # fmt: skip
    return {key: value for key, value in content.items() if value not in (None, [])}


def _text(part: Any) -> str:
    return str(part.get_content()).replace("\r\n", "\n").replace("\x00", "").removesuffix("\n")


def _known(text: str, prefix: str) -> UUID | None:
    try:
        return decode(prefix, text)
    except InvalidId:
        return None


def _id(text: str) -> UUID:
    try:
        return decode("ntf", text)
    except InvalidId as error:
        raise Invalid.field("notification", str(error)) from None
