"""Asking for notifications, and what can be done with them afterwards."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from config.failpoints import failpoint
from domain.campaign_identity import with_sender
from domain.contract.notification import NotificationRequest
from domain.errors import Conflict, Problem, Unavailable
from domain.ids import encode
from domain.recipient import Recipient
from domain.vocabulary import CategoryClass, State
from services import starting
from services.acceptance import Accepted, ApprovalRequired, References, judge, look_up
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.idempotency import Answer, Idempotency, forget, once
from services.notification_filters import NotificationFilters
from services.notification_rows import find_row, find_shown
from services.notification_views import detail, source, summary
from services.paging import Page, next_cursor
from services.positions import seen
from services.rule_checks import refuse_crowds
from services.temporal import TemporalDown
from stores import campaign_recipients, campaigns, notifications, profiles, replies, templates
from stores.ledger import accept as ledger
from stores.ledger import change as changes
from stores.ledger import digests, engagements
from stores.ledger.close import close_unplanned

log = structlog.get_logger()


async def accept(
    app: App,
    actor: Actor,
    request: NotificationRequest,
    idempotency: Idempotency | None = None,
    *,
    resend_of: UUID | None = None,
    links_given: bool = False,
) -> Answer:
    """Promise one notification and start its work; the answer is 202.

    Without Temporal it is promised all the same, and started by the sweeper; only an otp is
    useful now or never and raises Unavailable then. Raises Invalid, Forbidden, Conflict.
    """
    actor.require("notifications:write")
    promised: list[Accepted] = []

    async def work(conn: AsyncConnection) -> Answer:
        promised.clear()
        known = await look_up(conn, actor, [request])
        promised.append(
            judge(
                request,
                actor,
                known,
                otp_start_seconds=app.settings.otp_start_seconds,
                resend_of=resend_of,
                links_given=links_given or resend_of is not None,
            )
        )
        await ledger.insert(conn, [promised[0].row])
        return Answer(promised[0].body(), 202)

    answer = await once(app, actor, idempotency, work)
    if promised and not answer.replayed:
        await failpoint("accepted")
        await _begin(app, actor, promised[0], idempotency)
    return answer


async def accept_batch(
    app: App,
    actor: Actor,
    requests: Sequence[NotificationRequest | Problem],
    idempotency: Idempotency | None = None,
) -> Answer:
    """Promise up to 1,000 notifications, each judged on its own; refused ones keep their place."""
    actor.require("notifications:write")
    promised: list[Accepted] = []

    async def work(conn: AsyncConnection) -> Answer:
        promised.clear()
        good = [one for one in requests if isinstance(one, NotificationRequest)]
        known = await look_up(conn, actor, good)
        items: list[dict[str, Any]] = []
        for number, request in enumerate(requests):
            try:
                if isinstance(request, Problem):
                    raise request
                promised.append(
                    judge(
                        request,
                        actor,
                        known,
                        otp_start_seconds=app.settings.otp_start_seconds,
                        batch=True,
                    )
                )
                items.append(promised[-1].body())
            except Problem as problem:
                items.append({"error": problem.inside(f"notifications[{number}]").body()})
        _refuse_crowds(known, promised, items)
        starting.group(promised)
        if promised:
            await ledger.insert(conn, [one.row for one in promised])
        return Answer({"items": items}, 202)

    answer = await once(app, actor, idempotency, work)
    if not answer.replayed:
        await failpoint("accepted")
        await starting.start_all(app, actor, promised)
    return answer


def _refuse_crowds(
    known: References, promised: list[Accepted], items: list[dict[str, Any]]
) -> None:
    """Take back what only an approved campaign may send to so many."""
    refused = refuse_crowds(known.rules, promised, ApprovalRequired)
    told = {encode("ntf", one.id): problem for one, problem in refused.items()}
    for number, item in enumerate(items):
        if item.get("id") in told:
            problem = told[item["id"]].inside(f"notifications[{number}]")
            items[number] = {"error": problem.body()}
    promised[:] = [one for one in promised if one not in refused]


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a notification with its story, as the leader has it."""
    actor.require("notifications:read")
    async with app.db.leader() as conn:
        return await find_story(conn, actor, id_text)


async def find_story(conn: AsyncConnection, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a notification with its story; raises NotFound."""
    row = await find_shown(conn, actor, id_text)
    deliveries = await notifications.find_deliveries(conn, [row.id])
    ids = [one.id for one in deliveries]
    attempts = await notifications.find_attempts(conn, ids)
    receipts = await notifications.find_receipts(conn, ids)
    written = await replies.of_notification(conn, row.id)
    words, (locale, zone) = row.content, await _reader(conn, row)
    if words is None:
        key = (row.template_id, row.template_version)
        version = (await templates.load_versions(conn, [key]))[key]
        words = version.content_for(locale)
    words = with_sender(words, await campaigns.find_sender(conn, row.campaign_id))
    collected = await digests.find(conn, (one.digest_id for one in deliveries))
    done = await engagements.of_deliveries(conn, ids)
    return detail(
        row, deliveries, attempts, receipts, words, done, written, collected, locale, zone
    )


async def get_source(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return what of a notification can be changed, its words before rendering."""
    actor.require("notifications:write")
    async with app.db.leader() as conn:
        return source(await find_row(conn, actor, id_text))


async def find(
    app: App, actor: Actor, filters: NotificationFilters, position: str | None = None
) -> Page:
    """Return a page of notifications; `position` is the caller's last write, to be seen."""
    actor.require("notifications:read")
    conditions = filters.conditions(None if actor.all_modules else actor.module_id)
    async with app.db.read(seen(app, actor, position)) as conn:
        among = campaign_recipients if filters.campaign else notifications
        rows = await among.find(conn, conditions, most=filters.limit + 1)
        shown = rows[: filters.limit]
        deliveries = await notifications.find_deliveries(conn, [row.id for row in shown])
        collected = await digests.find(conn, (one.digest_id for one in deliveries))
    mine: dict[UUID, list[Any]] = {row.id: [] for row in shown}
    for one in deliveries:
        mine[one.notification_id].append(one)
    return Page(
        [summary(row, mine[row.id], collected) for row in shown],
        next_cursor([row.id for row in rows], filters.limit),
    )


async def cancel(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Cancel what was not sent yet; repeatable. Raises Conflict from sending on."""
    actor.require("notifications:write")

    async def work(conn: AsyncConnection) -> tuple[bool, str]:
        row = await find_row(conn, actor, id_text)
        changed = await changes.cancel(conn, row.id)
        if changed:
            await audit_row(conn, actor, "notification.cancelled", "ntf", row, _told(row))
        return changed, row.workflow_id

    changed, workflow_id = await app.db.retrying(work)
    if changed:
        await starting.wake(app, workflow_id)
    return await get(app, actor, id_text)


async def resend(
    app: App, actor: Actor, id_text: str, idempotency: Idempotency | None = None
) -> Answer:
    """Ask anew for what a finished notification asked for; the new one names it in `resend_of`."""
    actor.require("notifications:write")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
    if row.otp_id is not None:
        otp = encode("otp", row.otp_id)
        raise Conflict(f"It carries a one-time code; send it again by /v1/otp/{otp}/resend.")
    if row.erased_at is not None:
        raise Conflict("Its recipient was erased; nothing is left of it to send.")
    if row.finished_at is None:
        raise Conflict("It is not finished; cancel it first, or wait for its end.")
    template = f"{row.template_key}@{row.template_version}" if row.template_key else None
    request = NotificationRequest.model_validate(
        {
            "recipient": encode("prf", row.profile_id) if row.profile_id else row.recipient,
            "template": template,
            "content": row.content,
            "data": row.data,
            "channels": list(row.channels) if row.ordered else None,
            "channel_policy": row.channel_policy,
            "category": row.category,
            "priority": row.priority,
            "metadata": row.metadata,
            "digest": row.digest,
        }
    )
    return await accept(app, actor, request, idempotency, resend_of=row.id)


async def delete(app: App, actor: Actor, id_text: str) -> None:
    """Remove a finished notification; the audit line stays. Raises Conflict while it is not."""
    actor.require("notifications:write")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        if not await notifications.delete(conn, row.id, row.module_id):
            raise Conflict("Only a finished notification can be deleted; cancel it first.")
        await audit_row(conn, actor, "notification.deleted", "ntf", row, _told(row))


async def _begin(
    app: App, actor: Actor, accepted: Accepted, idempotency: Idempotency | None
) -> None:
    """Start the work of a promised notification; an otp that cannot start is taken back."""
    try:
        await starting.start(app, actor, accepted)
    except TemporalDown:
        if accepted.class_ is not CategoryClass.OTP:
            log.info("notification.start_left_to_sweeper", notification=accepted.row["workflow_id"])
            return
        async with app.db.leader() as conn:
            closed = await close_unplanned(conn, [accepted.id], [State.FAILED], "not_started")
        if closed:
            if idempotency is not None:
                await forget(app, actor, idempotency)
            raise Unavailable(
                "The one-time password cannot be sent now; ask again.", headers={"Retry-After": "2"}
            ) from None


async def _reader(conn: AsyncConnection, row: Any) -> tuple[str | None, str | None]:
    """Return the recipient's locale and zone."""
    if row.profile_id is None:
        given = Recipient.inline(row.recipient)
        return given.locale, given.timezone
    found = (await profiles.load_recipients(conn, [row.profile_id])).get(row.profile_id)
    return (found.locale, found.timezone) if found else (None, None)


def _told(row: Any) -> dict[str, Any]:
    return {"state": row.state, "category": row.category}
