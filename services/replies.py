"""What recipients write back: kept with what it answers, and obeyed where it is a command."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.engagement import Engagement, EngagementKind
from domain.ids import encode, new_id
from domain.reply_keywords import Keyword, keyword_of
from domain.report import Reply
from domain.storable import storable_text
from domain.vocabulary import Channel
from services import profiles
from services.access import Actor
from services.app import App
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.reply_answers import Answering, promise_answer
from services.reports import event_key
from services.times import stamp
from stores import replies as store
from stores import unsubscriptions
from stores.ledger import engagements, events

_HELP_SECONDS: Final = 3_600.0
_LONGEST_TEXT: Final = 10_000
_BY_NUMBER: Final = (Channel.SMS, Channel.WHATSAPP)


@dataclass(frozen=True, slots=True)
class _From:
    """Whom a reply is from, and which notification it is about, as far as that is known."""

    sender: str
    latest: Row[Any] | None
    profiles: Sequence[Row[Any]]

    @property
    def address(self) -> str:
        """The address as we wrote to it, where we did."""
        return str(self.latest.address) if self.latest else self.sender

    @property
    def module_id(self) -> UUID | None:
        return self.latest.module_id if self.latest else None

    @property
    def locale(self) -> str | None:
        given = [self.latest.locale] if self.latest else []
        return next((one for one in [*given, *(p.locale for p in self.profiles)] if one), None)


async def keep(
    app: App,
    conn: AsyncConnection,
    account_id: UUID,
    replies: Sequence[Reply],
    *,
    call_id: UUID,
) -> tuple[int, list[Answering]]:
    """Keep replies and do what they ask for; one that was told before changes nothing.

    Returns how many are new, and the answers that were promised: they are to be started after
    the commit.
    """
    fresh, answers = 0, []
    for reply in replies:
        origin = await _origin(conn, account_id, reply)
        keyword = _keyword(reply)
        row = _row(reply, origin, keyword, account_id, call_id)
        if not await store.add(conn, row, [one.id for one in origin.profiles]):
            continue
        fresh += 1
        await events.append(conn, [events.reply_event(row)])
        answer = await _obey(app, conn, reply, origin, keyword, row["id"])
        if answer is not None:
            answers.append(answer)
    return fresh, answers


async def find_of_profile(
    app: App, actor: Actor, id_text: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return what a profile wrote back, newest first; raises NotFound."""
    actor.require("profiles:read")
    async with app.db.leader() as conn:
        profile = await profiles.find_row(conn, actor, id_text)
        rows = await store.of_profile(
            conn, profile.id, before=decode_cursor(cursor), most=limit + 1
        )
    return Page([view(row) for row in rows[:limit]], next_cursor([r.id for r in rows], limit))


def view(row: Row[Any]) -> dict[str, Any]:
    """Return a reply; its sender is the profile or the recipient that is asked for."""
    return {
        "id": encode("rpl", row.id),
        "channel": row.channel,
        "account": row.account,
        "text": row.text,
        "keyword": row.keyword,
        "notification": encode("ntf", row.notification_id) if row.notification_id else None,
        "answer": encode("ntf", row.answer_id) if row.answer_id else None,
        "at": stamp(row.at),
    }


def _keyword(reply: Reply) -> Keyword | None:
    """Return what a reply asks for: what the vendor understood, else what its words say."""
    if reply.unsubscribes:
        return Keyword.STOP
    if reply.resubscribes:
        return Keyword.START
    return keyword_of(reply.text)


async def _origin(conn: AsyncConnection, account_id: UUID, reply: Reply) -> _From:
    sender = _sender(reply)
    having = await store.find_profiles(conn, reply.channel, sender)
    latest = await store.find_latest(
        conn,
        channel=reply.channel,
        address=sender,
        account_id=account_id,
        keys=[sender.lower(), *(encode("prf", one.id) for one in having)],
        profiles=[one.id for one in having],
    )
    if latest is None:
        return _From(sender, None, having)
    # What a module's recipient writes is for that module alone.
    return _From(sender, latest, [one for one in having if one.module_id == latest.module_id])


def _sender(reply: Reply) -> str:
    """Return an address as deliveries have it: numbers with their plus."""
    sender = storable_text(reply.sender.strip())
    return f"+{sender}" if reply.channel in _BY_NUMBER and sender.isdecimal() else sender


def _row(
    reply: Reply, origin: _From, keyword: Keyword | None, account_id: UUID, call_id: UUID
) -> dict[str, Any]:
    latest = origin.latest
    return {
        "id": new_id(),
        "account_id": account_id,
        "event_key": event_key(reply.event_key),
        "channel": reply.channel,
        "sender": origin.sender,
        "sent_to": storable_text(reply.to),
        "text": storable_text(reply.text)[:_LONGEST_TEXT],
        "keyword": keyword,
        "module_id": origin.module_id,
        "notification_id": latest.notification_id if latest else None,
        "delivery_id": latest.delivery_id if latest else None,
        "call_id": call_id,
        "at": reply.at,
    }


async def _obey(
    app: App,
    conn: AsyncConnection,
    reply: Reply,
    origin: _From,
    keyword: Keyword | None,
    reply_id: UUID,
) -> Answering | None:
    channel, address, module = reply.channel, origin.address, origin.module_id
    match keyword:
        case Keyword.STOP:
            if origin.latest is not None:
                stopped = EngagementKind.UNSUBSCRIBED
                left = Engagement(origin.latest.delivery_id, stopped, reply.at)
                await engagements.record(conn, [left])
            made = await unsubscriptions.stop(
                conn, channel=channel, address=address, module_id=module
            )
            if made is None or reply.answered or reply.unsubscribes:
                return None
            answer = await _answer(app, conn, reply, origin, keyword, reply_id)
            if answer is not None:
                await unsubscriptions.confirm(conn, made, answer.notification_id)
            return answer
        case Keyword.START:
            await unsubscriptions.lift(conn, channel=channel, address=address, module_id=module)
        case Keyword.HELP if not reply.answered:
            answered = await store.answered_lately(
                conn, channel=channel, sender=origin.sender, keyword=keyword, seconds=_HELP_SECONDS
            )
            if not answered:
                return await _answer(app, conn, reply, origin, keyword, reply_id)
    return None


async def _answer(
    app: App,
    conn: AsyncConnection,
    reply: Reply,
    origin: _From,
    keyword: Keyword,
    reply_id: UUID,
) -> Answering | None:
    if origin.latest is None:
        return None  # nobody here has written to them: there is no module to answer for
    answer = await promise_answer(
        app,
        conn,
        module=(origin.latest.module_id, origin.latest.module_key),
        channel=reply.channel,
        address=origin.address,
        keyword=keyword,
        locale=origin.locale,
        reply=encode("rpl", reply_id),
    )
    if answer is not None:
        await store.answered(conn, reply_id, answer.notification_id)
    return answer
