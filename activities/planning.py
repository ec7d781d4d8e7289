"""Plans deliveries: for notifications that have none, and for those whose channel failed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities import escalating
from activities.binding import redirected
from activities.collecting import join
from activities.rules import Rules, heed, look_up
from config.failpoints import failpoint
from domain.decision import Decision
from domain.delivery import Planned, Unplanned
from domain.planning import plan
from domain.recipient import Recipient
from domain.vocabulary import Channel
from stores import profiles
from stores.ledger import escalations
from stores.ledger import plan as ledger
from stores.ledger.fold import fold


async def plan_new(
    conn: AsyncConnection, ids: Sequence[UUID], workflow_id: str, most: int | None = None
) -> tuple[int, set[UUID]]:
    """Plan the due notifications of a workflow, and the due steps of those that escalate, `most`
    of them at once.

    Return how many there were, and those that have ended with that.
    """
    found = await ledger.find_unplanned(conn, ids, workflow_id, most)
    due = await escalating.still_wanted(conn, found)
    stopped = {one.id for one in found} - {one.id for one in due}
    ended = await fold(conn, sorted(stopped))
    reached, nobody = await escalating.addressed(conn, due)
    return len(found), ended | await _write(conn, reached, workflow_id, nobody, begins=True)


async def plan_fallbacks(conn: AsyncConnection, ids: Sequence[UUID], workflow_id: str) -> set[UUID]:
    """Give notifications whose channel failed or was suppressed their next one, or let their next
    step begin; return the rest.
    """
    ended = await _write(conn, await ledger.find_fallbacks(conn, ids), workflow_id)
    await escalations.hasten(conn, ids)
    return ended


async def _write(
    conn: AsyncConnection,
    notifications: Sequence[Unplanned],
    workflow_id: str,
    nobody: Sequence[Planned] = (),
    *,
    begins: bool = False,
) -> set[UUID]:
    if not notifications and not nobody:
        return set()
    decided = [*await plan_all(conn, notifications), *nobody] if notifications else list(nobody)
    planned = await join(conn, decided, workflow_id)
    await ledger.insert(conn, planned)
    due = [*notifications, *(one.notification for one in nobody)]
    by_steps = [one for one in due if one.step is not None]
    if begins and by_steps:
        await escalating.begin(conn, by_steps, planned)
        if any((one.step or 0) > 1 for one in by_steps):
            await failpoint("escalated")
        await escalations.hasten(conn, [one.id for one in by_steps])
    changed = {one.notification.id for one in planned if one.reason}
    changed |= {one.id for one in by_steps}
    return await fold(conn, sorted(changed)) if changed else set()


async def plan_all(
    conn: AsyncConnection,
    notifications: Sequence[Unplanned],
    recipients: Mapping[UUID, Recipient] | None = None,
) -> list[Planned]:
    """Return the deliveries that recipients need, as all rules have it now."""
    if recipients is None:
        recipients = await recipients_of(conn, notifications)
    notifications = await heed(conn, notifications, recipients)
    rules = await look_up(conn, notifications, recipients, datetime.now(UTC), keep=True)
    planned: list[Planned] = []
    for one in notifications:
        decide = partial(_decide, rules, one, recipients[one.id].timezone)
        planned += plan(one, recipients[one.id], decide, rules.preferences(one))
    return redirected(planned, rules.standings)


def _decide(
    rules: Rules, one: Unplanned, zone: str | None, channel: Channel, address: str
) -> Decision:
    return rules.in_hours(one, rules.decide(one, channel, address), zone)


async def recipients_of(
    conn: AsyncConnection, notifications: Sequence[Unplanned]
) -> dict[UUID, Recipient]:
    """Return whom notifications are for, by their ids, with the addresses of this moment."""
    ids = sorted({one.profile_id for one in notifications if one.profile_id})
    loaded = await profiles.load_recipients(conn, ids) if ids else {}
    return {
        one.id: loaded.get(one.profile_id, Recipient())
        if one.profile_id
        else Recipient.inline(one.recipient)
        for one in notifications
    }
