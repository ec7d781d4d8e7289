"""Settles deliveries whose sender died when nobody is left to come back for them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Settlement
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope, State
from stores.ledger.fold import fold
from stores.ledger.lease import find_dead
from stores.ledger.settle import settle, touched

DIED = Outcome(OutcomeKind.UNKNOWN, "sender_died", Scope.MESSAGE, phase="process")


async def settle_abandoned(conn: AsyncConnection, notification_ids: Sequence[UUID]) -> None:
    """Settle the marked deliveries of expired notifications as unknown."""
    dead = await find_dead(conn, notification_ids)
    changed = await settle(
        conn,
        [
            Settlement(row.id, row.attempt_id, State.UNKNOWN, DIED.reason, None, True, DIED)
            for row in dead
        ],
    )
    await fold(conn, touched(changed))
