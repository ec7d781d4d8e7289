"""Lets what is urgent go first: the low lane pauses before a chunk while the high lane has work."""

import asyncio
import time
from typing import Final

from stores.database import DATABASE_ERRORS, Database
from stores.ledger.urgent import anything_urgent

PATIENCE_SECONDS: Final = 0.3
"""The longest pause before one chunk, so that the low lane is slowed and never stopped."""
_LOOK_SECONDS: Final = 0.02


class GivingWay:
    """Asks the ledger, at most every 20 ms per process, whether high-lane work is unfinished."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._looking = asyncio.Lock()
        self._fresh_until = 0.0
        self._urgent = False

    async def pause(self) -> None:
        """Return when the high lane is empty, or after `PATIENCE_SECONDS`."""
        ends = time.monotonic() + PATIENCE_SECONDS
        while await self._look():
            if time.monotonic() >= ends:
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _look(self) -> bool:
        async with self._looking:
            if time.monotonic() >= self._fresh_until:
                try:
                    async with self._db.leader() as conn:
                        self._urgent = await anything_urgent(conn)
                except DATABASE_ERRORS:  # the chunk will meet the trouble itself
                    self._urgent = False
                self._fresh_until = time.monotonic() + _LOOK_SECONDS
            return self._urgent
