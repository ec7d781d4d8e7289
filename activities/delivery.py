"""The activities of a notification's workflow: look when it is due, and deliver what is due."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final
from uuid import UUID, uuid4

from temporalio import activity

from activities.giving_way import GivingWay
from activities.heartbeats import heartbeat
from activities.late_checks import look_again
from activities.planning import plan_fallbacks, plan_new
from activities.sending import Sending
from activities.settling import MAY_FALL_BACK, after_death, settle_sent
from config.failpoints import failpoint
from domain.delivery import Leased, Settlement
from domain.ids import decode
from domain.orders import Order, Progress
from domain.retry import describe
from domain.vocabulary import CategoryClass, Priority
from stores.ledger import lease as leases
from stores.ledger.close import close_overdue
from stores.ledger.fold import fold
from stores.ledger.progress import count_states, find_next
from stores.ledger.settle import settle, touched

SLICE: Final = 1_000
CHUNK: Final = 100
CHUNK_OF_LOW: Final = 25
"""Smaller, so that the low lane looks up more often whether it is to give way."""
PLAN_OF_LOW: Final = 100
"""What the low lane plans in one turn, for the same reason."""


class Delivery:
    """Works on the rows of an order: a batch of one, or of neighbours."""

    def __init__(self, sending: Sending, way: GivingWay) -> None:
        self._sending = sending
        self._db = sending.db
        self._way = way

    @activity.defn
    async def prepare(self, order: Order) -> Progress:
        """Return when an order's rows are due, as the ledger has it now."""
        return await self._progress(order, _ids(order))

    @activity.defn
    async def deliver(self, order: Order) -> Progress:
        """Plan, lease, mark, send and settle what is due, and return when to come back."""
        ids = _ids(order)
        finished: set[UUID] = set()
        async with heartbeat():
            token = uuid4()
            while len(finished) < len(ids):
                planned, leased = await self._open(order, ids, token, finished)
                if not leased and not planned:
                    break
                await failpoint("leased")
                finished |= await self._deliver(leased, token)
                await failpoint("settled")
        return await self._progress(order, ids)

    async def _open(
        self, order: Order, ids: Sequence[UUID], token: UUID, finished: set[UUID]
    ) -> tuple[int, list[Leased]]:
        """Clear up after dead senders, plan what is new, and lease what is due.

        Return how many were planned, and what was leased.
        """
        low = order.priority == Priority.LOW
        async with self._turn(low=low), self._db.leader() as conn:
            dead = await leases.find_dead(conn, ids)
            if dead:
                changed = await settle(
                    conn, [after_death(row, self._sending.retry_scale) for row in dead]
                )
                finished |= await fold(conn, touched(changed))
            most = PLAN_OF_LOW if low else None
            planned, ended = await plan_new(conn, ids, order.workflow_id, most)
            finished |= ended
            leased = await leases.lease(
                conn,
                ids,
                workflow_id=order.workflow_id,
                token=token,
                seconds=self._sending.lease_seconds,
                most=SLICE,
            )
            if not leased and not planned:
                finished |= await close_overdue(conn, ids)
            return planned, leased

    def _turn(self, *, low: bool) -> AbstractAsyncContextManager[None]:
        """Return what the low lane waits in before it works; other lanes need not wait."""
        return self._way.turn() if low else nullcontext()

    async def _deliver(self, leased: Sequence[Leased], token: UUID) -> set[UUID]:
        finished: set[UUID] = set()
        try:
            low = leased[0].priority == Priority.LOW
            size = CHUNK_OF_LOW if low else CHUNK
            for first in range(0, len(leased), size):
                async with self._turn(low=low):
                    async for settled in self._sending.send(leased[first : first + size], token):
                        finished |= await self._settle(settled)
        except asyncio.CancelledError:
            await asyncio.shield(self._release(leased, token))
            raise
        return finished

    async def _settle(self, settlements: Sequence[Settlement]) -> set[UUID]:
        async with self._db.leader() as conn:
            settlements = await look_again(conn, settlements)
            changed = await settle_sent(conn, settlements)
            stuck = {row.notification_id for row in changed if row.state in MAY_FALL_BACK}
            if stuck:
                await plan_fallbacks(conn, sorted(stuck))
            return await fold(conn, touched(changed))

    async def _release(self, leased: Sequence[Leased], token: UUID) -> None:
        async with self._db.leader() as conn:
            await leases.release(conn, [one.id for one in leased], token)

    async def _progress(self, order: Order, ids: Sequence[UUID]) -> Progress:
        async with self._db.leader() as conn:
            waiting = await find_next(conn, ids, order.workflow_id)
            states = await count_states(conn, ids)
        if waiting is None:
            return Progress(states=states)
        why = describe(
            waiting.channel,
            waiting.reason,
            class_=CategoryClass(waiting.class_),
            attempts=waiting.rounds,
        )
        return Progress(waiting.due_at, why, states)


def _ids(order: Order) -> list[UUID]:
    return sorted(decode("ntf", one) for one in order.notification_ids)
