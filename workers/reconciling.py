"""Asks vendors what became of messages of which nobody knows whether they were sent."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.accounts import Accounts
from domain.ids import encode
from domain.report import Report
from domain.vocabulary import Channel
from services import reports
from services.app import App
from services.relooking import wake_all
from stores import accounts as stored
from stores import receipt_counts
from stores.ledger import look_ups
from stores.ledger.look_ups import Pace
from vendors.contract import Absent, LookUpVendor, Sought
from workers.looping import Loops

log = structlog.get_logger()

_SECONDS: Final = 60.0
_MOST: Final = 200
_AT_ONCE: Final = 10
_PATIENCE: Final = 20.0


class Reconciling(Loops):
    """Looks up unknown deliveries every minute, as long as its context lasts."""

    def __init__(self, app: App, accounts: Accounts, *, pace: Pace | None = None) -> None:
        self._app = app
        self._accounts = accounts
        self._pace = pace or Pace()
        super().__init__(("reconcile", self.reconcile, _SECONDS))

    async def reconcile(self) -> int:
        """Ask for what it is time to ask for; return how many deliveries that was."""
        senders = await self._senders()
        async with self._app.db.leader() as conn:
            due = await look_ups.claim(conn, sorted(senders), pace=self._pace, most=_MOST)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def ask(row: Row[Any]) -> None:
            async with gate:
                try:
                    await self._ask(senders[row.account_id], row)
                except Exception as error:  # one vendor's trouble must not hold up the others
                    kind = type(error).__name__
                    log.warning("reconcile.failed", delivery=encode("dlv", row.id), error=kind)

        await asyncio.gather(*(ask(row) for row in due))
        return len(due)

    async def _senders(self) -> dict[Any, LookUpVendor]:
        """Return the open accounts whose vendors can be asked."""
        async with self._app.db.leader() as conn:
            ids = [row.id for row in await stored.find_enabled(conn)]
        opened = {id: await self._accounts.opened(id) for id in ids}
        return {
            id: account.sender
            for id, account in opened.items()
            if account is not None and isinstance(account.sender, LookUpVendor)
        }

    async def _ask(self, sender: LookUpVendor, row: Row[Any]) -> None:
        sought = Sought(
            encode("att", row.attempt_id),
            row.vendor_id or "",
            Channel(row.channel),
            row.address,
            row.attempted_at,
        )
        found = await sender.look_up(sought, deadline=time.monotonic() + _PATIENCE)
        if isinstance(found, Report):
            woken = await self._app.db.retrying(lambda conn: _keep(conn, row, found))
            await wake_all(self._app, woken)
        elif isinstance(found, Absent):
            pair = (row.id, row.attempt_id)
            await self._app.db.retrying(lambda conn: look_ups.settle_absent(conn, [pair]))
        log.info(
            "reconcile.asked",
            delivery=encode("dlv", row.id),
            found=type(found).__name__ if found else "nothing",
        )


async def _keep(conn: AsyncConnection, row: Row[Any], found: Report) -> Sequence[str]:
    kept = await reports.keep(conn, row.account_id, [found])
    await receipt_counts.count(conn, row.account_id, receipts=kept.fresh)
    return kept.woken
