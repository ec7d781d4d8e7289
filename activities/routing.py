"""Chooses accounts for a chunk: rules, health and pace; what cannot go now is told when it can."""

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from activities.accounts import Account, Accounts
from activities.health import Health
from activities.pacing import Pacer
from domain.delivery import Leased
from domain.routing import Candidate, Route, Wanted, choose_route
from domain.vocabulary import CategoryClass, Channel, Priority

PACED: Final = "paced"
_SOON: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Taken:
    """The account for one delivery; `probe` is the token of a probe that it is.

    `record` is kept with the attempt: which accounts were passed over, and why.
    """

    account: Account
    record: tuple[Mapping[str, str], ...] = ()
    probe: UUID | None = None


@dataclass(frozen=True, slots=True)
class Waits:
    """Nothing can be sent now: why, and when to come back; `due_at` None goes by the schedule."""

    reason: str
    due_at: datetime | None
    record: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Field:
    """The accounts of a channel, and how routing sees them."""

    accounts: Mapping[UUID, Account]
    candidates: Sequence[Candidate]


class Router:
    """The accounts with their health and pace, for one process."""

    def __init__(self, accounts: Accounts, health: Health, pacer: Pacer) -> None:
        self.accounts = accounts
        self.health = health
        self._pacer = pacer

    async def choose(
        self, chunk: Sequence[Leased], tried: Mapping[UUID, frozenset[UUID]]
    ) -> dict[UUID, Taken | Waits]:
        """Return for each delivery of a chunk the account it goes over, or why it waits.

        `tried` are the accounts that failed a delivery in this pass, by its id.
        """
        fields = {one: await self._field(one) for one in {leased.channel for leased in chunk}}
        found: dict[UUID, Taken | Waits] = {}
        for leased in chunk:
            failed = tried.get(leased.id, frozenset())
            found[leased.id] = await self._route(leased, failed, fields[leased.channel])
        await self._pace(chunk, found)
        return found

    async def close(self) -> None:
        """Write down what was counted, and close the accounts."""
        await self.health.close()
        await self.accounts.close()

    async def another(self, leased: Leased, tried: frozenset[UUID]) -> bool:
        """Whether there is a usable account beside those that were tried."""
        field = await self._field(leased.channel)
        return bool(choose_route(field.candidates, _wanted(leased, tried), random.random).order)

    async def _field(self, channel: Channel) -> _Field:
        """Return the accounts of a channel, judged by their health as it is now."""
        await self.health.refresh()
        accounts = {one.id: one for one in await self.accounts.of_channel(channel)}
        return _Field(accounts, [self._judged(one) for one in accounts.values()])

    async def _route(self, leased: Leased, tried: frozenset[UUID], field: _Field) -> Taken | Waits:
        accounts, candidates = field.accounts, field.candidates
        if not accounts:
            return Waits("no_account", None)
        wanted = _wanted(leased, tried)
        route = choose_route(candidates, wanted, random.random)
        record = _record(route)
        probe = await self._probe(candidates, accounts, wanted, route)
        if probe is not None:
            return replace(probe, record=record)
        if route.order:
            return Taken(accounts[route.order[0]], record)
        return self._waits(candidates, wanted, record)

    async def _probe(
        self,
        candidates: Sequence[Candidate],
        accounts: Mapping[UUID, Account],
        wanted: Wanted,
        route: Route,
    ) -> Taken | None:
        """Let one message try an account whose circuit is open, when its time has come.

        A one-time password is no probe while another account works.
        """
        if wanted.class_ is CategoryClass.OTP and route.order:
            return None
        sick = [replace(one, unusable="") for one in candidates if one.unusable]
        for id in choose_route(sick, wanted, random.random).order:
            token = await self.health.begin_probe(id)
            if token is not None:
                return Taken(accounts[id], probe=token)
        return None

    def _judged(self, account: Account) -> Candidate:
        return replace(account.candidate, unusable=self.health.unusable(account.id))

    def _waits(self, candidates: Sequence[Candidate], wanted: Wanted, record: Any) -> Waits:
        healed = [replace(one, unusable="") for one in candidates]
        able = choose_route(healed, replace(wanted, tried=frozenset()), random.random).order
        if not able:
            return Waits("no_account", None, record)
        moments = [self.health.comes_back(id) for id in able if id not in wanted.tried]
        known = [moment for moment in moments if moment is not None]
        if not known:
            return Waits("all_accounts_failed", None, record)
        return Waits("circuit_open", max(min(known), datetime.now(UTC) + _SOON), record)

    async def _pace(self, chunk: Sequence[Leased], found: dict[UUID, Taken | Waits]) -> None:
        """Let wait what an account's pace has no room for, each a little longer than the last."""
        by_account: defaultdict[UUID, list[Leased]] = defaultdict(list)
        for leased in chunk:
            taken = found[leased.id]
            paced = isinstance(taken, Taken) and taken.account.per_second is not None
            if isinstance(taken, Taken) and paced and taken.probe is None:
                by_account[taken.account.id].append(leased)
        for wanting in by_account.values():
            first = found[wanting[0].id]
            if not isinstance(first, Taken):
                continue
            granted, rate = await self._pacer.take(
                first.account, len(wanting), Priority(wanting[0].priority)
            )
            now = datetime.now(UTC)
            for place, leased in enumerate(wanting[granted:], start=1):
                due_at = now + timedelta(seconds=place / max(rate, 0.01))
                found[leased.id] = Waits(PACED, due_at)


def _wanted(leased: Leased, tried: frozenset[UUID]) -> Wanted:
    return Wanted(
        leased.channel,
        leased.address,
        leased.category,
        leased.class_,
        str(leased.target.get("platform", "")),
        tried,
    )


def _record(route: Route) -> tuple[Mapping[str, str], ...]:
    return tuple({"account": one.account, "skipped": one.why} for one in route.skipped)
