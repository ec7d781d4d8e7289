"""What a request for a one-time code becomes before it is promised: a notification like others."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.content import Content
from domain.contract.notification import InlineRecipient, NotificationRequest
from domain.contract.otp import OtpRequest
from domain.errors import Invalid
from domain.one_time_codes import Seed
from domain.recipient import Recipient
from domain.vocabulary import CategoryClass, Channel
from services import otp_words
from services.acceptance import Accepted, check_words, judge, look_up, words_for
from services.access import Actor
from services.app import App
from services.otp_recipients import Addressee, find_addressee, stand_in, usable
from stores import otps, templates

_BUILT_IN = Content.model_validate(otp_words.BUILT_IN)


@dataclass(frozen=True, slots=True)
class Draft:
    """A code to be promised: `channels` are its own in order, `possible` those it could go by."""

    seed: Seed
    accepted: Accepted
    whom: Addressee
    channels: list[Channel]
    possible: list[Channel]
    expires_at: datetime


async def draft(conn: AsyncConnection, app: App, actor: Actor, request: OtpRequest) -> Draft:
    """Judge a request and return what would be sent; raises Invalid that names each wrong field.

    The row that it makes shows bullets for the code, wherever it is kept or looked at.
    """
    seed = otps.a_seed(app.codes.newest, request.length)
    expires_at = datetime.now(UTC) + timedelta(seconds=request.ttl_seconds)
    data = otp_words.data_of(request, app.settings.otp_domain)
    template = request.template or await _own_template(conn, actor)
    asked = NotificationRequest(
        recipient=request.recipient,
        template=template,
        content=None if template else _BUILT_IN,
        data={**data, "code": otp_words.a_probe(request.length)},
        channels=request.channels,
        category=CategoryClass.OTP,
        expires_at=expires_at,
    )
    known = await look_up(conn, actor, [asked])
    asked = stand_in(asked, known)
    accepted = judge(asked, actor, known, otp_start_seconds=app.settings.otp_start_seconds)
    channels, possible = _channels(asked, accepted, words_for(asked, known)[0], request)
    row = accepted.row
    row |= {
        "channels": channels, "otp_id": seed.id, "data": {**data, "code": seed.masked},
    }  # fmt: skip
    whom = await find_addressee(
        conn, app.codes, actor,
        named=request.recipient, profile_id=row["profile_id"], channels=channels,
    )  # fmt: skip
    return Draft(seed, accepted, whom, channels, possible, expires_at)


async def _own_template(conn: AsyncConnection, actor: Actor) -> str | None:
    found = await templates.find_published(conn, actor.module_id, [otp_words.TEMPLATE])
    return otp_words.TEMPLATE if found else None


def _channels(
    asked: NotificationRequest, accepted: Accepted, words: Mapping[str, Any], request: OtpRequest
) -> tuple[list[Channel], list[Channel]]:
    """Return the channels that are used, and those that could be; raises Invalid for unfit words.

    Given addresses narrow them; a profile's do not, as they are only known when it is planned.
    """
    chosen = [Channel(name) for name in accepted.row["channels"] if name != Channel.INAPP]
    others = [
        channel for channel in Channel
        if words.get(channel) and channel not in (*chosen, Channel.INAPP)
    ]  # fmt: skip
    if isinstance(request.recipient, InlineRecipient) and request.recipient.external_id is None:
        given = Recipient.inline(request.recipient.model_dump())
        chosen, others = usable(given, chosen), usable(given, others)
    if not chosen:
        raise Invalid.field("recipient", "has no address for the channels of this code")
    errors = otp_words.check_shown(words, asked.data, chosen, request.length)
    if errors:
        raise Invalid(errors=errors)
    fit = [
        channel for channel in others
        if not check_words(words, asked.data, [channel])
        and not otp_words.check_shown(words, asked.data, [channel], request.length)
    ]  # fmt: skip
    return chosen, [*chosen, *fit]
