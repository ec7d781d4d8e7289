"""Lets what is urgent go first: the low lane pauses before a chunk while the high lane has work."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from stores.database import DATABASE_ERRORS, Database
from stores.ledger.urgent import anything_urgent

PATIENCE_SECONDS: Final = 0.3
"""The longest pause before one chunk, so that the low lane is slowed and never stopped."""
TURNS: Final = 1
"""Chunks of the low lane that are under way at once, per process: what is under way when something
urgent comes is not stopped, so it must be little.
"""
QUIET_TURNS: Final = 2
"""While nothing urgent was seen: one chunk is rendered as the other waits for its vendor."""
TURN_SECONDS: Final = 1.0
"""A chunk that takes longer waits for its vendor; others need not wait with it."""
_LOOK_SECONDS: Final = 0.02
QUIET_SECONDS: Final = 5.0
"""For so long after something urgent was seen the low lane keeps to small chunks."""


class GivingWay:
    """Asks the ledger, at most every 20 ms per process, whether high-lane work is unfinished."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._turns = asyncio.Semaphore(TURNS)
        self._quiet_turns = asyncio.Semaphore(QUIET_TURNS)
        self._looking = asyncio.Lock()
        self._fresh_until = 0.0
        self._urgent = False
        self._urgent_at = -QUIET_SECONDS

    @property
    def is_quiet(self) -> bool:
        """Whether nothing urgent was seen lately, so that larger chunks hold nobody up."""
        return time.monotonic() >= self._urgent_at + QUIET_SECONDS

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and for the high lane; the turn ends after a second at most."""
        turns, ended = self._quiet_turns if self.is_quiet else self._turns, False
        await turns.acquire()

        def end() -> None:
            nonlocal ended
            if not ended:
                ended = True
                turns.release()

        try:
            await self.pause()
            asyncio.get_running_loop().call_later(TURN_SECONDS, end)
            yield
        finally:
            end()

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
                if self._urgent:
                    self._urgent_at = time.monotonic()
            return self._urgent
