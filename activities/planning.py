"""Plans deliveries: for notifications that have none, and for those whose channel failed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.binding import bound, kept_back
from domain.delivery import Planned, Unplanned
from domain.planning import plan
from domain.recipient import Recipient
from domain.suppression import comparable
from domain.vocabulary import Channel
from stores import profiles, rules
from stores.ledger import plan as ledger
from stores.ledger.fold import fold


async def plan_new(conn: AsyncConnection, ids: Sequence[UUID], workflow_id: str) -> set[UUID]:
    """Plan the due notifications of a workflow; return those that have ended with that."""
    return await _write(conn, await ledger.find_unplanned(conn, ids, workflow_id))


async def plan_fallbacks(conn: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
    """Give notifications whose channel failed or was suppressed their next one; return the rest."""
    return await _write(conn, await ledger.find_fallbacks(conn, ids))


async def _write(conn: AsyncConnection, notifications: Sequence[Unplanned]) -> set[UUID]:
    if not notifications:
        return set()
    recipients = await _recipients(conn, notifications)
    standings = await rules.of_modules(conn, [one.module_id for one in notifications])
    suppressions = await ledger.find_suppressed(
        conn, _addresses(notifications, recipients, standings)
    )
    planned: list[Planned] = []
    for one in notifications:
        reason = kept_back(standings[one.module_id], _suppressed(one, suppressions))
        planned += plan(one, recipients[one.id], reason)
    zones = {id: recipient.timezone for id, recipient in recipients.items()}
    planned = bound(planned, standings, zones, datetime.now(UTC))
    await ledger.insert(conn, planned)
    ended = {one.notification.id for one in planned if one.reason}
    return await fold(conn, sorted(ended)) if ended else set()


def _addresses(
    notifications: Sequence[Unplanned],
    recipients: Mapping[UUID, Recipient],
    standings: Mapping[UUID, rules.Standing],
) -> list[str]:
    """Return the addresses that may be used, in the form in which suppressions keep them."""
    found = {
        comparable(channel, address)
        for one in notifications
        for channel in one.channels
        for address in recipients[one.id].addresses(channel)
    }
    trials = (one.trial for one in standings.values() if one.trial is not None)
    instead = {
        comparable(channel, address)
        for trial in trials
        for channel, address in trial.redirect_to.items()
    }
    return sorted(found | instead)


async def _recipients(
    conn: AsyncConnection, notifications: Sequence[Unplanned]
) -> dict[UUID, Recipient]:
    ids = sorted({one.profile_id for one in notifications if one.profile_id})
    loaded = await profiles.load_recipients(conn, ids) if ids else {}
    return {
        one.id: loaded.get(one.profile_id, Recipient())
        if one.profile_id
        else Recipient.inline(one.recipient)
        for one in notifications
    }


def _suppressed(
    notification: Unplanned, found: dict[tuple[str, str], list[Any]]
) -> Callable[[Channel, str], str | None]:
    def reason(channel: Channel, address: str) -> str | None:
        for row in found.get((channel.value, comparable(channel, address)), ()):
            here = row.module_id in (None, notification.module_id)
            if row.confirmation_id == notification.id:
                continue  # it is what tells the recipient of this suppression
            if here and row.category in (None, notification.category):
                return str(row.reason)
        return None

    return reason
