"""Loops of the control lane, which outlive whatever the database does."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import structlog

from stores.database import DATABASE_ERRORS

log = structlog.get_logger()

Loop = tuple[str, Callable[[], Awaitable[Any]], float]
"""Its name in the log, what is done, and the seconds between two times."""


class Loops:
    """Runs loops as long as its context lasts."""

    def __init__(self, *loops: Loop) -> None:
        self._loops = loops
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(forever(*one)) for one in self._loops]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def forever(name: str, work: Callable[[], Awaitable[Any]], seconds: float) -> None:
    """Repeat work; a database that is away for a while must not end the loop."""
    while True:
        try:
            await work()
        except DATABASE_ERRORS as error:
            log.warning("upkeep.failed", loop=name, error=str(error)[:200])
        await asyncio.sleep(seconds)
