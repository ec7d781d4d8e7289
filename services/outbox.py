"""What the sandbox accounts and the SMTP sink received."""

from collections.abc import Mapping, Sequence
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMail
from typing import Any
from uuid import UUID

from domain.code_masks import hide, reveal
from domain.errors import Invalid
from domain.ids import InvalidId, decode, encode
from domain.message import ContentMessage
from domain.one_time_codes import CodeRing, KeyGone, Seed
from services.access import Actor
from services.app import App
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from stores import otps, sandbox
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
    """Return received messages, newest first; one-time codes are shown while they are valid."""
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
        shown = [row.notification_id for row in rows[:limit] if row.notification_id]
        live = await otps.find_seeds(conn, shown, live=True)
    items = [
        {
            "id": encode("msg", row.id),
            "channel": row.channel,
            "address": row.address,
            "content": reveal(row.content, _code(app.codes, live.get(row.notification_id))),
            "at": stamp(row.at),
            "notification": encode("ntf", row.notification_id) if row.notification_id else None,
        }
        for row in rows[:limit]
    ]
    return Page(items, next_cursor([row.id for row in rows], limit))


async def keep_content(db: Database, codes: CodeRing, message: ContentMessage) -> None:
    """Store what a sandbox account was handed."""
    await _keep(
        db,
        codes,
        channel=message.channel,
        address=message.address,
        notification_id=_known(message.notification_id, "ntf"),
        attempt_id=_known(message.attempt_id, "att"),
        content=message.content,
    )


async def keep_mail(db: Database, codes: CodeRing, recipient: str, mime: bytes) -> None:
    """Store a mail that the SMTP sink received, taken apart for people to look at."""
    mail = message_from_bytes(mime, policy=policy.default)
    await _keep(
        db,
        codes,
        channel="email",
        address=recipient,
        notification_id=_known(str(mail["X-Tocsin-Notification"] or ""), "ntf"),
        attempt_id=_known(str(mail["X-Tocsin-Attempt"] or ""), "att"),
        content=_content(mail),
    )


async def _keep(
    db: Database,
    codes: CodeRing,
    *,
    notification_id: UUID | None,
    content: Mapping[str, Any],
    **fields: Any,
) -> None:
    """Store a message; a one-time code in it is hidden first, since codes are stored nowhere."""
    async with db.leader() as conn:
        seeds = await otps.find_seeds(conn, [notification_id] if notification_id else [])
        for seed in seeds.values():
            content = hide(content, codes.code(seed))
        await sandbox.keep(conn, notification_id=notification_id, content=content, **fields)


def _code(codes: CodeRing, seed: Seed | None) -> str | None:
    try:
        return codes.code(seed) if seed else None
    except KeyGone:
        return None


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
