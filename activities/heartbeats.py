"""Tells Temporal that an activity lives: the end of its process is seen by that."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from temporalio import activity

from stores.database import DATABASE_ERRORS

BEAT_SECONDS: Final = 2.0


@asynccontextmanager
async def heartbeat(note: Callable[[], Awaitable[None]] | None = None) -> AsyncIterator[None]:
    """Beat every 2 s as long as the context lasts, and call `note` each time."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            if note is not None:
                with suppress(*DATABASE_ERRORS):  # the work itself will meet the trouble
                    await note()
            await asyncio.sleep(BEAT_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
