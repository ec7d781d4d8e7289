"""What follows a pass: settlements of senders that died, and what refusals mean for an address."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Settlement
from domain.outcome import Outcome
from domain.retry import judge
from domain.vocabulary import CategoryClass, OutcomeKind, Scope, State
from stores.ledger import refusals
from stores.ledger.settle import settle

MAY_FALL_BACK: Final = (State.SUPPRESSED, State.FAILED)
"""Ends after which another channel may be tried."""
_DIED: Final = Outcome(OutcomeKind.UNKNOWN, "sender_died", Scope.MESSAGE, phase="process")


async def settle_sent(conn: AsyncConnection, settlements: Sequence[Settlement]) -> list[Row[Any]]:
    """Write settlements and what they mean for addresses; return the rows that changed."""
    changed = await settle(conn, settlements)
    await refusals.apply(conn, settlements, {row.id for row in changed})
    return changed


def after_death(row: Row[Any], scale: float) -> Settlement:
    """Return how a delivery is settled whose sender died after its mark."""
    verdict = judge(
        _DIED,
        class_=CategoryClass(row.class_),
        attempts=row.rounds + 1,
        maybe_sent=True,
        now=datetime.now(UTC),
        expires_at=row.expires_at,
        scale=scale,
    )
    return Settlement(
        row.id,
        row.attempt_id,
        verdict.state,
        verdict.reason,
        verdict.due_at,
        True,
        _DIED,
        round=verdict.state is State.HELD,
    )
