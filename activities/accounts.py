"""The vendor accounts that this process may send with, opened once and kept fresh."""

import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from domain.vocabulary import Channel
from stores import accounts as store
from stores.database import Database
from stores.sealing import Seal
from vendors.contract import Parts, Vendor
from vendors.registry import KINDS

_REFRESH_SECONDS: Final = 5.0


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

    def __init__(self, db: Database, seal: Seal, parts: Parts) -> None:
        self._db = db
        self._seal = seal
        self._parts = parts
        self._known: dict[UUID, Account] = {}
        self._fresh_until = 0.0

    async def for_channel(self, channel: Channel) -> Account | None:
        """Return the account to use on a channel; None when there is none."""
        if time.monotonic() >= self._fresh_until:
            await self._refresh()
        return next((one for one in self._known.values() if one.channel is channel), None)

    async def opened(self, account_id: UUID) -> Account | None:
        """Return an enabled account by its id; None when there is none."""
        if time.monotonic() >= self._fresh_until:
            await self._refresh()
        return self._known.get(account_id)

    async def close(self) -> None:
        """Close every vendor's connections."""
        for account in self._known.values():
            await account.sender.close()

    def _open(self, row: Row[Any]) -> Account:
        kind = KINDS[row.vendor]
        return Account(
            id=row.id,
            version=row.version,
            name=row.name,
            channel=Channel(row.channel),
            vendor=row.vendor,
            sender=kind.open(self._seal.open(row.settings), self._parts),
        )

    async def _refresh(self) -> None:
        async with self._db.leader() as conn:
            rows = await store.find_enabled(conn)
        before = dict(self._known)
        known: dict[UUID, Account] = {}
        for row in rows:
            kept = before.get(row.id)
            same = kept is not None and kept.version == row.version
            known[row.id] = before.pop(row.id) if same else self._open(row)
        # In one step: a chunk that asks meanwhile must not find half of the accounts.
        self._known, self._fresh_until = known, time.monotonic() + _REFRESH_SECONDS
        for gone in before.values():
            await gone.sender.close()
