"""Pace: an account's messages per second, shared by all processes through its row."""

import asyncio
import time
from collections import defaultdict
from typing import Final
from uuid import UUID

from activities.accounts import Account
from domain.vocabulary import Priority
from stores import account_states as store
from stores.database import Database

KEPT_FOR_HIGH: Final = 0.2
"""Share of a second's messages that only the high lane may use."""
PATIENCE_SECONDS: Final = 2.0
"""How long a chunk waits for tokens before the rest of it is held."""


class Pacer:
    """Takes tokens, a quarter of a second's at a time at most; an account without a pace has no
    need of them.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._turns: defaultdict[UUID, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def take(self, account: Account, wanted: int, priority: Priority) -> tuple[int, float]:
        """Return (how many may be sent now, messages per second); it waits 2 s at most.

        The high lane does not wait behind others of this process.
        """
        if account.per_second is None:
            return wanted, float("inf")
        if priority is Priority.HIGH:
            return await self._take(account.id, wanted, high=True)
        async with self._turns[account.id]:
            return await self._take(account.id, wanted, high=False)

    async def _take(self, id: UUID, wanted: int, *, high: bool) -> tuple[int, float]:
        granted, rate, until = 0, 1.0, time.monotonic() + PATIENCE_SECONDS
        while True:
            async with self._db.leader() as conn:
                tokens, rate = await store.take_tokens(
                    conn, id, wanted - granted, all_of_it=high, kept=KEPT_FOR_HIGH
                )
            granted += tokens
            pause = max(min(wanted - granted, rate / 4) / max(rate, 0.01), 0.02)
            if granted >= wanted or time.monotonic() + pause > until:
                return granted, rate
            await asyncio.sleep(pause)
