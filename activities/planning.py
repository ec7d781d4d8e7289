"""Plans deliveries: for notifications that have none, and for those whose channel failed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.binding import bound
from activities.collecting import join
from activities.rules import look_up
from domain.delivery import Planned, Unplanned
from domain.planning import plan
from domain.recipient import Recipient
from stores import profiles
from stores.ledger import plan as ledger
from stores.ledger.fold import fold


async def plan_new(conn: AsyncConnection, ids: Sequence[UUID], workflow_id: str) -> set[UUID]:
    """Plan the due notifications of a workflow; return those that have ended with that."""
    found = await ledger.find_unplanned(conn, ids, workflow_id)
    return await _write(conn, found, workflow_id)


async def plan_fallbacks(conn: AsyncConnection, ids: Sequence[UUID], workflow_id: str) -> set[UUID]:
    """Give notifications whose channel failed or was suppressed their next one; return the rest."""
    return await _write(conn, await ledger.find_fallbacks(conn, ids), workflow_id)


async def _write(
    conn: AsyncConnection, notifications: Sequence[Unplanned], workflow_id: str
) -> set[UUID]:
    if not notifications:
        return set()
    recipients = await _recipients(conn, notifications)
    rules = await look_up(conn, notifications, recipients, datetime.now(UTC))
    planned: list[Planned] = []
    for one in notifications:
        decide = partial(rules.decide, one)
        planned += plan(one, recipients[one.id], decide, rules.preferences(one))
    zones = {id: recipient.timezone for id, recipient in recipients.items()}
    planned = bound(planned, rules.standings, zones, rules.at)
    planned = await join(conn, planned, workflow_id)
    await ledger.insert(conn, planned)
    changed = {one.notification.id for one in planned if one.reason}
    return await fold(conn, sorted(changed)) if changed else set()


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
