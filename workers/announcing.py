"""Loops that tell webhooks what happened; any number of control processes may run them."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Row

from domain.ids import encode
from services import announcing
from services.app import App
from workers.looping import Loops

log = structlog.get_logger()

_SECONDS: Final = 0.5


class Announcing(Loops):
    """Fans events out and makes calls as long as its context lasts.

    A slow receiver keeps only its own calls waiting: each webhook has a task of its own.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        super().__init__(("fan_out", self.fan_out, _SECONDS), ("webhooks", self.begin, _SECONDS))

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await super().__aexit__(kind, error, trace)
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def fan_out(self) -> None:
        """Write rows for all sealed events there are."""
        try:
            while await announcing.fan_out(self._app):
                pass
        except (KeyError, TypeError, ValueError):
            log.exception("webhooks.fan_out_failed")

    async def begin(self) -> int:
        """Begin to make the calls that are due; return to how many webhooks."""
        found = await announcing.claim(self._app, sorted(self._busy))
        for webhook, calls in found.items():
            self._busy[webhook] = asyncio.create_task(self._tell(webhook, calls))
        return len(found)

    async def finish(self) -> None:
        """Wait for the calls that have begun."""
        await asyncio.gather(*self._busy.values())

    async def _tell(self, webhook: UUID, calls: Sequence[Row[Any]]) -> None:
        try:
            await announcing.tell(self._app, webhook, calls)
        except Exception as error:  # whatever it was: the lease ends, and it is tried again
            kind = type(error).__name__
            log.warning("webhooks.telling_failed", webhook=encode("whk", webhook), error=kind)
        finally:
            del self._busy[webhook]
