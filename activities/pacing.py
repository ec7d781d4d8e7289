"""Pace: an account's messages per second, shared by all processes through its row."""

from typing import Final

from activities.accounts import Account
from domain.vocabulary import Priority
from stores import account_states as store
from stores.database import Database

KEPT_FOR_HIGH: Final = 0.2
"""Share of a second's messages that only the high lane may use."""


class Pacer:
    """Takes tokens, a quarter of a second's at a time at most; an account without a pace has no
    need of them.
    """

    def __init__(self, db: Database) -> None:
        self._db = db

    async def take(self, account: Account, wanted: int, priority: Priority) -> tuple[int, float]:
        """Return (how many may be sent now, messages per second)."""
        if account.per_second is None:
            return wanted, float("inf")
        async with self._db.leader() as conn:
            return await store.take_tokens(
                conn,
                account.id,
                wanted,
                all_of_it=priority is Priority.HIGH,
                kept=KEPT_FOR_HIGH,
            )
