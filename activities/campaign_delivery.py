"""The activity that delivers a shard of a campaign: chunk by chunk, each through the gate."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Row
from temporalio import activity

from activities.campaign_planning import plan_fallbacks
from activities.delivery import CHUNK, CHUNK_OF_LOW, SLICE
from activities.giving_way import GivingWay
from activities.heartbeats import heartbeat
from activities.late_checks import look_again
from activities.sending import Sending
from activities.settling import MAY_FALL_BACK, after_death, settle_sent
from config.failpoints import failpoint
from domain.campaign_window import held_until, site_opens_at
from domain.delivery import Leased, Settlement
from domain.frozen_campaign import Frozen
from domain.ids import decode
from domain.orders import ShardOrder, ShardPass
from domain.retry import LIFETIMES
from domain.vocabulary import Priority, State
from stores import campaign_work, campaigns
from stores.campaign_work import Gate
from stores.ledger import lease as leases
from stores.ledger import shards

MOST_DEAD: Final = 1_000
_LONGEST_WAIT: Final = 0.5
"""Seconds after which a waiting pass looks again: a pause or another pace bites at once."""
_LEASE_SHARE: Final = 0.3
"""Share of a lease in which what is leased at a pace can be sent."""
_FRESH_SHARE: Final = 0.6
"""Share of a lease after which nothing more is begun: it must outlast a chunk."""


@dataclass(frozen=True, slots=True)
class _Part:
    """The shard that a pass works on, and what its campaign froze."""

    row: Row[Any]
    run: int
    shard: int
    frozen: Frozen
    token: UUID

    @property
    def is_low(self) -> bool:
        """Whether it gives way to the high lane."""
        return self.frozen.priority == Priority.LOW


class CampaignDelivery:
    """Delivers shards: the same sending as for notifications, behind the campaign's gate."""

    def __init__(self, sending: Sending, way: GivingWay) -> None:
        self._sending = sending
        self._db = sending.db
        self._way = way

    @activity.defn(name="deliver_shard")
    async def deliver(self, order: ShardOrder) -> ShardPass:
        """Lease, mark, send and settle what is due of a shard, as long as the campaign sends."""
        id = decode("cmp", order.campaign_id)
        async with self._db.leader() as conn:
            row = await campaigns.find(conn, id)
        if row is None or row.run != order.run or row.frozen is None:
            return ShardPass(stopped=True)
        part = _Part(row, order.run, order.shard, Frozen.read(row.frozen), uuid4())
        leased = 0
        async with heartbeat(lambda: self._beat(part)):
            while True:
                opened = await self._open(part)
                if not opened:
                    return ShardPass(leased, stopped=opened is None)
                leased += len(opened)
                await failpoint("leased")
                if not await self._deliver(part, opened):
                    return ShardPass(leased, stopped=True)
                await failpoint("settled")

    async def _beat(self, part: _Part) -> None:
        async with self._db.leader() as conn:
            await campaign_work.beat(conn, part.row.id, part.run)

    async def _open(self, part: _Part) -> list[Leased] | None:
        """Clear up after dead senders, and lease what is due; None when the gate is shut."""
        lifetime = LIFETIMES[part.frozen.class_]
        async with self._turn(part), self._db.leader() as conn:
            gate = await campaign_work.pass_gate(conn, part.row.id, part.run, 0)
            expires_at = gate.expires_at or datetime.now(UTC) + lifetime
            dead = await shards.find_dead(conn, part.row.id, part.shard, most=MOST_DEAD)
            if dead:
                scale = self._sending.retry_scale
                await settle_sent(conn, [after_death(one, scale) for one in dead])
            if not self._is_open(part, gate):
                return None
            return await shards.lease(
                conn,
                part.row.id,
                part.run,
                part.shard,
                part.frozen,
                expires_at=expires_at,
                token=part.token,
                seconds=self._sending.lease_seconds,
                most=self._slice(gate),
                winner=(part.row.ab_test or {}).get("winner"),
            )

    def _slice(self, gate: Gate) -> int:
        """Return how many are leased at once: at a pace no more than the lease has time for."""
        if gate.per_second is None:
            return SLICE
        paced = gate.per_second * self._sending.lease_seconds * _LEASE_SHARE
        return max(1, min(SLICE, int(paced)))

    async def _deliver(self, part: _Part, leased: Sequence[Leased]) -> bool:
        """Send what was leased, and return False when the gate was shut before the end.

        What has not had its turn when the lease grows old is given back, and leased anew.
        """
        until = time.monotonic() + self._sending.lease_seconds * _FRESH_SHARE
        small = part.is_low and not self._way.is_quiet
        size = CHUNK_OF_LOW if small else CHUNK
        try:
            for first in range(0, len(leased), size):
                left = await self._hold(part, leased[first : first + size])
                while left and time.monotonic() < until:
                    granted = await self._pass_gate(part, len(left))
                    if granted is None:
                        return False
                    chunk, left = left[:granted], left[granted:]
                    await self._send(part, chunk)
        finally:
            await asyncio.shield(self._release(part, leased))
        return True

    async def _send(self, part: _Part, chunk: Sequence[Leased]) -> None:
        chunk = await self._hold(part, chunk)
        if chunk:
            async with self._turn(part):
                async for settled in self._sending.send(chunk, part.token):
                    await self._settle(part, settled)

    async def _hold(self, part: _Part, left: Sequence[Leased]) -> list[Leased]:
        """Hold those whose recipients' clocks do not allow it now, and return the others."""
        now, held, rest = datetime.now(UTC), [], []
        for one in left:
            rules = await self._sending.rules.of(one)
            hours = part.frozen.off_hours
            hold = held_until(hours, rules, now, one.timezone, latest=one.expires_at)
            if hold is None:
                rest.append(one)
            else:
                due_at = min(hold[0], one.expires_at)
                held.append(Settlement(one.id, None, State.HELD, hold[1], due_at, one.maybe_sent))
        if held:
            await self._settle(part, held)
        return rest

    async def _pass_gate(self, part: _Part, left: int) -> int | None:
        """Wait for leave to send, and return to how many; None when the campaign sends no more."""
        async with self._db.leader() as conn:
            gate = await campaign_work.pass_gate(conn, part.row.id, part.run, left)
        if not self._is_open(part, gate):
            return None
        if gate.granted == 0:
            await asyncio.sleep(min(gate.wait, _LONGEST_WAIT))
        return gate.granted

    def _is_open(self, part: _Part, gate: Gate) -> bool:
        now = datetime.now(UTC)
        over = gate.expires_at is not None and gate.expires_at <= now
        return gate.is_open and not over and site_opens_at(part.frozen.off_hours, now) is None

    def _turn(self, part: _Part) -> AbstractAsyncContextManager[None]:
        return self._way.turn() if part.is_low else nullcontext()

    async def _settle(self, part: _Part, settlements: Sequence[Settlement]) -> None:
        async with self._db.leader() as conn:
            changed = await settle_sent(conn, await look_again(conn, settlements))
            stuck = {row.notification_id for row in changed if row.state in MAY_FALL_BACK}
            if stuck:
                await plan_fallbacks(
                    conn, part.row.id, part.row.module_id, part.frozen, sorted(stuck)
                )

    async def _release(self, part: _Part, leased: Sequence[Leased]) -> None:
        async with self._db.leader() as conn:
            await leases.release(conn, [one.id for one in leased], part.token)
