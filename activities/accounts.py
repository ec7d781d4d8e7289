"""The vendor accounts that this process may send with, opened once and kept fresh."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.vocabulary import Channel
from stores import accounts as store
from stores.database import Database
from stores.sealing import Seal
from vendors.contract import Vendor

_REFRESH_SECONDS: Final = 5.0

Opener = Callable[[str, Mapping[str, Any]], Vendor]
"""Opens a vendor by its kind and settings; given by the composition root."""


@dataclass(frozen=True, slots=True)
class Account:
    """One configured login of a vendor, ready to send."""

    id: UUID
    version: int
    name: str
    channel: Channel
    vendor: str
    sender: Vendor


class Accounts:
    """Accounts by channel, in order of preference; looked up anew every 5 s."""

    def __init__(self, db: Database, seal: Seal, open_vendor: Opener) -> None:
        self._db = db
        self._seal = seal
        self._open = open_vendor
        self._known: dict[UUID, Account] = {}
        self._fresh_until = 0.0

    async def for_channel(self, channel: Channel) -> Account | None:
        """Return the account to use on a channel; None when there is none."""
        if time.monotonic() >= self._fresh_until:
            await self._refresh()
        return next((one for one in self._known.values() if one.channel is channel), None)

    async def close(self) -> None:
        """Close every vendor's connections."""
        for account in self._known.values():
            await account.sender.close()

    async def _refresh(self) -> None:
        async with self._db.leader() as conn:
            rows = await store.find_enabled(conn)
        before, self._known = self._known, {}
        for row in rows:
            kept = before.pop(row.id, None)
            if kept is not None and kept.version == row.version:
                self._known[row.id] = kept
                continue
            if kept is not None:
                await kept.sender.close()
            settings = self._seal.open(row.settings)
            self._known[row.id] = Account(
                row.id,
                row.version,
                row.name,
                Channel(row.channel),
                row.vendor,
                self._open(row.vendor, settings),
            )
        for gone in before.values():
            await gone.sender.close()
        self._fresh_until = time.monotonic() + _REFRESH_SECONDS
