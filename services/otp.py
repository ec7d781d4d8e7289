"""One-time codes: made and sent, checked, sent again. A code exists only while it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from config.failpoints import failpoint
from domain.contract.otp import OtpRequest, OtpResendRequest, OtpVerifyRequest
from domain.errors import Gone, Invalid, NotFound, Unavailable
from domain.ids import InvalidId, decode, encode, new_id
from domain.one_time_codes import MOST_ATTEMPTS, KeyGone
from domain.vocabulary import CategoryClass, Channel, Priority, State
from services import otp_limits, otp_recipients, starting, verified_addresses
from services.acceptance import Accepted
from services.access import Actor
from services.app import App
from services.idempotency import Answer, Idempotency, forget, once
from services.otp_drafts import Draft, draft
from services.temporal import TemporalDown
from services.times import stamp
from stores import otp_uses, otps
from stores.ledger import accept as ledger
from stores.ledger.close import close_unplanned

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Send:
    """One sending of a code; `unsent` says why nobody gets it."""

    otp_id: UUID
    accepted: Accepted
    unsent: str
    resent: bool


async def ask(
    app: App, actor: Actor, request: OtpRequest, idempotency: Idempotency | None = None
) -> Answer:
    """Make a code and send it; the answer is 202, and the same for a recipient nobody knows.

    Raises Invalid, RateLimited; Unavailable without Temporal, and then nothing is left of it.
    """
    actor.require("otp:write")
    made: list[_Send] = []

    async def work(conn: AsyncConnection) -> Answer:
        made.clear()
        drafted = await draft(conn, app, actor, request)
        made.append(await _promise(conn, app, actor, drafted))
        return _told(drafted.seed.id, drafted.expires_at)

    answer = await once(app, actor, idempotency, work)
    if not answer.replayed:
        await _begin(app, actor, made[0], idempotency)
    return answer


async def verify(app: App, actor: Actor, id_text: str, request: OtpVerifyRequest) -> dict[str, Any]:
    """Return {verified, attempts_left}; a right guess uses the code up.

    The attempt is spent for good before anything is compared. Raises NotFound, Gone for a code
    that is used or expired, RateLimited when its attempts are spent.
    """
    actor.require("otp:write")
    id = _id(id_text)
    async with app.db.leader() as conn:
        spent = await otps.spend(conn, id, actor.module_id)
        if spent is None:
            _check_live(await _find(conn, actor, id))
            raise Gone("It was used a moment ago.")
    try:
        right = app.codes.matches(otps.seed_of(spent), request.code)
    except KeyGone:
        log.error("otp.key_gone", otp=id_text, key=spent.key_id)
        raise Gone("The key that it was made with is gone.") from None
    left = MOST_ATTEMPTS - spent.attempts
    if not right or spent.unsent:
        return {"verified": False, "attempts_left": left}
    async with app.db.leader() as conn:
        if not await otps.verify(conn, id):
            raise Gone("It was used a moment ago, or has expired.")
        await verified_addresses.note(conn, actor, id)
    return {"verified": True, "attempts_left": left}


async def resend(
    app: App,
    actor: Actor,
    id_text: str,
    request: OtpResendRequest,
    idempotency: Idempotency | None = None,
) -> Answer:
    """Send the same code again, until the same expiry: on the channel that is asked for, else
    beginning with the next of its channels. Raises NotFound, Gone, RateLimited, Invalid,
    Unavailable.
    """
    actor.require("otp:write")
    id = _id(id_text)
    made: list[_Send] = []

    async def work(conn: AsyncConnection) -> Answer:
        made.clear()
        row = _check_live(await _find(conn, actor, id, lock=True))
        if row.resends >= app.settings.otp_resends:
            raise otp_limits.refusal(
                "It was sent as often as one code may be; ask for a new one later.",
                row.seconds_left,
            )
        made.append(await _promise_again(conn, app, actor, row, _next(row, request.channel)))
        return _told(id, row.expires_at)

    answer = await once(app, actor, idempotency, work)
    if not answer.replayed:
        await _begin(app, actor, made[0], idempotency)
    return answer


async def _promise(conn: AsyncConnection, app: App, actor: Actor, drafted: Draft) -> _Send:
    """Write a code and its notification; nothing of the latter is kept when nobody may get it."""
    accepted, whom = drafted.accepted, drafted.whom
    subjects, problem = await otp_limits.check(conn, app, actor, whom, drafted.channels)
    unsent = problem.problem_slug if problem else "" if whom.known else "unknown-recipient"
    await otps.add(conn, {
        "id": drafted.seed.id, "module_id": actor.module_id, "key_id": drafted.seed.key_id,
        "generation": drafted.seed.generation, "length": drafted.seed.length,
        "channels": drafted.channels, "possible": drafted.possible, "recipient": whom.name,
        "notification_ids": [accepted.id], "unsent": unsent, "expires_at": drafted.expires_at,
    })  # fmt: skip
    await otp_uses.add(conn, otp_id=drafted.seed.id, send_id=accepted.id, subjects=subjects)
    if not unsent:
        await ledger.insert(conn, [accepted.row])
    else:  # the same work, undone: how long it takes must not tell either
        undone = await conn.begin_nested()
        await ledger.insert(conn, [accepted.row])
        await undone.rollback()
    return _Send(drafted.seed.id, accepted, unsent, resent=False)


async def _promise_again(
    conn: AsyncConnection, app: App, actor: Actor, row: Row[Any], channels: Sequence[Channel]
) -> _Send:
    source = await otps.find_source(conn, row.notification_ids)
    if row.recipient is not None:
        profile = source.profile_id if source else None
        whom = await otp_recipients.of_profile(conn, bytes(row.recipient), profile, channels)
    elif source is not None:
        whom = otp_recipients.of_addresses(source.recipient, channels)
    else:
        raise Gone("Its message was deleted; ask for a new code.")
    subjects, problem = await otp_limits.check(conn, app, actor, whom, channels)
    again = _again(app, channels)
    unsent = row.unsent or (problem.problem_slug if problem else "")
    if not unsent and not (source and await ledger.copy(conn, source.id, again.row)):
        unsent = "unknown-recipient"
    await otps.count_resend(conn, row.id, again.id)
    await otp_uses.add(conn, otp_id=row.id, send_id=again.id, subjects=subjects)
    return _Send(row.id, again, unsent, resent=True)


async def _begin(app: App, actor: Actor, send: _Send, idempotency: Idempotency | None) -> None:
    """Start the work of a send, also of one that nobody gets; undo what cannot start."""
    await failpoint("accepted")
    if send.unsent:
        log.warning("otp.not_sent", otp=encode("otp", send.otp_id), reason=send.unsent)
    try:
        await starting.start(app, actor, send.accepted)
    except TemporalDown:
        if not await _taken_back(app, send):
            return
        if idempotency is not None:
            await forget(app, actor, idempotency)
        raise Unavailable(
            "The one-time password cannot be sent now; ask again.", headers={"Retry-After": "2"}
        ) from None


async def _taken_back(app: App, send: _Send) -> bool:
    """Undo a send that was never started; False when a worker has begun it all the same."""
    async with app.db.leader() as conn:
        if not send.unsent and not await close_unplanned(
            conn, [send.accepted.id], [State.FAILED], "not_started"
        ):
            return False
        await otps.take_back(conn, send.otp_id, send.accepted.id, resent=send.resent)
        return True


def _again(app: App, channels: Sequence[Channel]) -> Accepted:
    id, now = new_id(), datetime.now(UTC)
    row = {
        "id": id,
        "channels": list(channels),
        "created_at": now,
        "due_at": now,
        "start_deadline": now + timedelta(seconds=app.settings.otp_start_seconds),
        "workflow_id": encode("ntf", id),
        "priority": Priority.HIGH,
        "category": CategoryClass.OTP,
        "class": CategoryClass.OTP,
    }
    return Accepted(id, row, None)


def _next(row: Row[Any], asked: Channel | None) -> list[Channel]:
    """Return the channels of a resend: the one asked for, or all, each time beginning later."""
    if asked is None:
        known = [Channel(name) for name in row.channels]
        first = (row.resends + 1) % len(known)
        return known[first:] + known[:first]
    if asked not in row.possible:
        raise Invalid.field("channel", "has no words or no address for this code")
    return [asked]


def _check_live(row: Row[Any]) -> Row[Any]:
    if row.verified_at is not None:
        raise Gone("It was used already.")
    if row.expired:
        raise Gone("It has expired; ask for a new one.")
    if row.attempts >= MOST_ATTEMPTS:
        raise otp_limits.refusal("Its attempts are spent; ask for a new one.", row.seconds_left)
    return row


async def _find(conn: AsyncConnection, actor: Actor, id: UUID, *, lock: bool = False) -> Row[Any]:
    row = await otps.get(conn, id, actor.module_id, lock=lock)
    if row is None:
        raise NotFound("There is no such one-time password.")
    return row


def _id(text: str) -> UUID:
    try:
        return decode("otp", text)
    except InvalidId:
        raise NotFound("There is no such one-time password.") from None


def _told(id: UUID, expires_at: datetime) -> Answer:
    shown = encode("otp", id)
    body = {"id": shown, "expires_at": stamp(expires_at)}
    return Answer(body, 202, headers={"Location": f"/v1/otp/{shown}"})
