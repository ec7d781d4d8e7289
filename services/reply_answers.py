"""Answers to replies: ordinary notifications, promised in the transaction that keeps the reply."""

from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.notification import NotificationRequest
from domain.errors import Problem
from domain.reply_answers import answer_to
from domain.reply_keywords import Keyword
from domain.vocabulary import Channel
from services import starting
from services.acceptance import Accepted, judge, look_up
from services.access import Actor
from services.app import App
from services.temporal import TemporalDown
from stores.ledger import accept as ledger

log = structlog.get_logger()

_FIELDS: Final = {
    Channel.SMS: "phone", Channel.WHATSAPP: "whatsapp", Channel.TELEGRAM: "telegram",
}  # fmt: skip
"""Channels on which an answer is possible, and the recipient's field for it."""

_TEMPLATES: Final = {Keyword.STOP: "reply-stop", Keyword.HELP: "reply-help"}
"""Keys of templates with which a module may answer in its own words."""


@dataclass(frozen=True, slots=True)
class Answering:
    """An answer that was promised, and who promised it."""

    actor: Actor
    accepted: Accepted

    @property
    def notification_id(self) -> UUID:
        """The notification that is the answer."""
        return self.accepted.id


async def promise_answer(
    app: App,
    conn: AsyncConnection,
    *,
    module: tuple[UUID, str],
    channel: Channel,
    address: str,
    keyword: Keyword,
    locale: str | None,
    reply: str,
) -> Answering | None:
    """Accept the answer to a reply; None where none can be given.

    The words are those of the module's published template `reply-stop` or `reply-help`, where it
    has one with this channel, else our own.
    """
    if channel not in _FIELDS:
        return None
    actor = Actor("replies", *module, frozenset({"notifications:write"}))
    choices: tuple[dict[str, Any], ...] = (
        {"template": _TEMPLATES[keyword]},
        {"content": {channel: {"text": answer_to(keyword, locale)}}},
    )
    for words in choices:
        request = _request(channel, address, locale, reply, words)
        if request is None:
            return None
        try:
            # What the law wants to be said is bound by no rule of the business.
            known = replace(await look_up(conn, actor, [request]), rules=())
            accepted = judge(
                request, actor, known, otp_start_seconds=app.settings.otp_start_seconds
            )
        except Problem:
            continue
        await ledger.insert(conn, [accepted.row])
        return Answering(actor, accepted)
    return None


async def start_answers(app: App, answers: list[Answering]) -> None:
    """Start what was promised; what cannot be started now is left to the sweeper."""
    for one in answers:
        try:
            await starting.start(app, one.actor, one.accepted)
        except TemporalDown:
            log.info("reply.answer_left_to_sweeper", notification=one.accepted.row["workflow_id"])


def _request(
    channel: Channel, address: str, locale: str | None, reply: str, words: dict[str, Any]
) -> NotificationRequest | None:
    recipient = {_FIELDS[channel]: address, "locale": locale}
    try:
        return NotificationRequest.model_validate(
            {
                "recipient": {name: value for name, value in recipient.items() if value},
                "channels": [channel],
                "category": "transactional",
                "metadata": {"reply": reply},
                **words,
            }
        )
    except ValidationError:
        return None  # such as a short code, which nobody can write to
