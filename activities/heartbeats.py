"""Tells Temporal that an activity lives: the end of its process is seen by that."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from temporalio import activity

from stores.database import DATABASE_ERRORS

BEAT_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 5.0
"""How long the end waits for a note that is being written."""


@asynccontextmanager
async def heartbeat(note: Callable[[], Awaitable[None]] | None = None) -> AsyncIterator[None]:
    """Beat every 2 s as long as the context lasts, and call `note` each time."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT_SECONDS)

    async def write(note: Callable[[], Awaitable[None]]) -> None:
        while not ended.is_set():
            with suppress(*DATABASE_ERRORS):  # the work itself will meet the trouble
                await note()
            with suppress(TimeoutError):
                await asyncio.wait_for(ended.wait(), BEAT_SECONDS)

    # Each for itself: a slow database must not look like a dead process.
    ended, beating = asyncio.Event(), asyncio.create_task(beat())
    writing = asyncio.create_task(write(note)) if note is not None else None
    try:
        yield
    finally:
        beating.cancel()
        ended.set()
        if writing is not None:
            await asyncio.wait([writing], timeout=_PATIENCE_SECONDS)
            writing.cancel()
