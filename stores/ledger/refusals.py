"""What refusals at the door mean for an address: a dead device goes, another is suppressed."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Settlement
from domain.vocabulary import OutcomeKind, ReceiptKind, Scope
from stores.ledger import effects

DEAD_DEVICE: Final = "unregistered"
FOR_GOOD: Final = frozenset({"invalid_address", "landline", "opted_out", "blocked"})
"""Reasons of a refused recipient that another message will meet again."""

_FORGET = text("""
    DELETE FROM profile_devices v USING deliveries d
    WHERE d.id = ANY(CAST(:deliveries AS uuid[])) AND v.channel = d.channel
        AND v.address = d.address
""")


async def apply(conn: AsyncConnection, settled: Sequence[Settlement], changed: set[UUID]) -> None:
    """Follow the refusals among settlements that changed their rows, in the same transaction.

    A later receipt that the very attempt was delivered takes a suppression back.
    """
    now = datetime.now(UTC)
    told, dead = [], []
    for one in settled:
        outcome = one.outcome
        if outcome is None or one.attempt_id is None or one.delivery_id not in changed:
            continue
        if outcome.kind is not OutcomeKind.REJECTED or outcome.scope is not Scope.RECIPIENT:
            continue
        if outcome.reason == DEAD_DEVICE:
            dead.append(one.delivery_id)
        elif outcome.reason in FOR_GOOD:
            told.append(
                effects.Told(
                    one.delivery_id, one.attempt_id, ReceiptKind.FAILED, now, outcome.reason,
                    hard=True,
                )
            )  # fmt: skip
    if dead:
        await conn.execute(_FORGET, {"deliveries": dead})
    await effects.apply(conn, told)
