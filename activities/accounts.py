"""The vendor accounts that this process may send with, opened once and kept fresh."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import Row

from domain.routing import Candidate
from domain.vocabulary import Channel
from stores import accounts as store
from stores.database import Database
from stores.sealing import Seal, SealBroken
from vendors.contract import BatchVendor, InTurnVendor, Parts, Vendor
from vendors.registry import KINDS

log = structlog.get_logger()

MOST_AT_ONCE: Final = 50
"""Calls to an account at once, per process, where its settings name no `connections`."""
_REFRESH_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Account:
    """One configured login of a vendor, ready to send."""

    id: UUID
    version: int
    channel: Channel
    vendor: str
    sender: Vendor
    candidate: Candidate
    per_second: float | None = None
    at_once: int = MOST_AT_ONCE
    """Calls that may be under way at once."""
    gate: asyncio.Semaphore = field(init=False)
    """Where calls wait for their turn, so that few are under way when the account fails."""

    batches: BatchVendor | None = field(init=False)
    """The sender, if it takes many messages in one call."""
    in_turn: InTurnVendor | None = field(init=False)
    """The sender, if it carries messages one after the other over a connection."""

    def __post_init__(self) -> None:
        sender, own = self.sender, object.__setattr__  # asked once: such questions cost time
        own(self, "gate", asyncio.Semaphore(self.at_once))
        own(self, "batches", sender if isinstance(sender, BatchVendor) else None)
        own(self, "in_turn", sender if isinstance(sender, InTurnVendor) else None)

    @property
    def name(self) -> str:
        """What people call it."""
        return self.candidate.name


class Accounts:
    """The enabled accounts by channel; looked up anew every 5 s.

    One that cannot be opened (its vendor is gone, its settings no longer fit, its seal is
    broken) is left out and named in the log: it must not keep the others from sending.
    """

    def __init__(self, db: Database, seal: Seal, parts: Parts) -> None:
        self._db = db
        self._seal = seal
        self._parts = parts
        self._known: dict[UUID, Account] = {}
        self._fresh_until = 0.0

    async def of_channel(self, channel: Channel) -> Sequence[Account]:
        """Return the accounts that serve a channel."""
        if time.monotonic() >= self._fresh_until:
            await self._refresh()
        return [one for one in self._known.values() if one.channel is channel]

    async def opened(self, id: UUID) -> Account | None:
        """Return an account by its id; None when it is not enabled."""
        if time.monotonic() >= self._fresh_until:
            await self._refresh()
        return self._known.get(id)

    async def close(self) -> None:
        """Close every vendor's connections."""
        for account in self._known.values():
            await account.sender.close()

    def _open(self, row: Row[Any]) -> Account | None:
        try:
            kind = KINDS[row.vendor]
            settings = self._seal.open(row.settings)
            sender = kind.open(settings, self._parts)
        except (KeyError, ValidationError, SealBroken) as error:
            log.error("account.unusable", account=row.name, kind=type(error).__name__)
            return None
        return Account(
            id=row.id,
            version=row.version,
            channel=Channel(row.channel),
            vendor=row.vendor,
            sender=sender,
            candidate=Candidate(
                id=row.id,
                name=row.name,
                weight=row.weight,
                cost=row.cost,
                countries=frozenset(row.countries),
                categories=frozenset(row.categories),
                platforms=kind.capabilities.platforms,
            ),
            per_second=row.per_second,
            at_once=int(settings.get("connections") or MOST_AT_ONCE),
        )

    async def _refresh(self) -> None:
        async with self._db.leader() as conn:
            rows = await store.find_enabled(conn)
        before = dict(self._known)
        known: dict[UUID, Account] = {}
        for row in rows:
            kept = before.get(row.id)
            if kept is not None and kept.version == row.version:
                known[row.id] = before.pop(row.id)
            elif (opened := self._open(row)) is not None:
                known[row.id] = opened
        # In one step: a chunk that asks meanwhile must not find half of the accounts.
        self._known, self._fresh_until = known, time.monotonic() + _REFRESH_SECONDS
        for gone in before.values():
            await gone.sender.close()
