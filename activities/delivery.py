"""The activities of a notification's workflow: look when it is due, and deliver what is due."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Final
from uuid import UUID, uuid4

from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.giving_way import GivingWay
from activities.heartbeats import heartbeat
from activities.late_checks import look_again
from activities.parcels import chunks, cut_off
from activities.planning import plan_fallbacks, plan_new
from activities.sending import Sending
from activities.settling import MAY_FALL_BACK, after_death, settle_sent
from config.failpoints import failpoint
from domain.delivery import Leased, Settlement
from domain.digests import is_urgent
from domain.ids import decode
from domain.orders import Order, Progress
from domain.retry import describe
from domain.vocabulary import CategoryClass, Priority
from stores.ledger import digests
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
        carried = set(ids)
        finished: set[UUID] = set()
        async with heartbeat():
            token = uuid4()
            while len(finished) < len(carried):
                planned, leased = await self._open(order, carried, token, finished)
                if not leased and not planned:
                    break
                await failpoint("leased")
                finished |= await self._deliver(leased, order, token)
                await failpoint("settled")
        return await self._progress(order, ids)

    async def _open(
        self, order: Order, carried: set[UUID], token: UUID, finished: set[UUID]
    ) -> tuple[int, list[Leased]]:
        """Clear up after dead senders, plan what is new, and lease what is due.

        What came to the workflow by digests is added to what it carries. Return how many were
        planned, and what was leased.
        """
        low = order.priority == Priority.LOW
        async with self._turn(low=low), self._db.leader() as conn:
            carried |= await _of_digests(conn, order)
            ids = sorted(carried)
            dead = await leases.find_dead(conn, ids)
            if dead:
                changed = await settle(
                    conn, [after_death(row, self._sending.retry_scale) for row in dead]
                )
                finished |= await fold(conn, touched(changed))
            most = PLAN_OF_LOW if low else None
            planned, ended = await plan_new(conn, ids, order.workflow_id, most)
            finished |= ended
            if not is_urgent(order.priority):
                carried |= set(await digests.gather(conn, ids, order.workflow_id))
                ids = sorted(carried)
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
            if late := cut_off(leased, SLICE):
                await leases.release(conn, [one.id for one in late], token)
            return planned, leased[: len(leased) - len(late)]

    def _turn(self, *, low: bool) -> AbstractAsyncContextManager[None]:
        """Return what the low lane waits in before it works; other lanes need not wait."""
        return self._way.turn() if low else nullcontext()

    async def _deliver(self, leased: Sequence[Leased], order: Order, token: UUID) -> set[UUID]:
        finished: set[UUID] = set()
        if not leased:
            return finished
        try:
            low = leased[0].priority == Priority.LOW
            size = CHUNK_OF_LOW if low else CHUNK
            for chunk in chunks(leased, size):
                async with self._turn(low=low):
                    async for settled in self._sending.send(chunk, token):
                        finished |= await self._settle(settled, order)
        except asyncio.CancelledError:
            await asyncio.shield(self._release(leased, token))
            raise
        return finished

    async def _settle(self, settlements: Sequence[Settlement], order: Order) -> set[UUID]:
        """Write how deliveries ended; repeated when it meets another's locks, so that no deadlock
        leaves what was sent unsettled.
        """

        async def work(conn: AsyncConnection) -> set[UUID]:
            settled = await look_again(conn, settlements)
            changed = await settle_sent(conn, settled)
            stuck = {row.notification_id for row in changed if row.state in MAY_FALL_BACK}
            if stuck:
                await plan_fallbacks(conn, sorted(stuck), order.workflow_id)
            return await fold(conn, touched(changed))

        return await self._db.retrying(work)

    async def _release(self, leased: Sequence[Leased], token: UUID) -> None:
        async with self._db.leader() as conn:
            await leases.release(conn, [one.id for one in leased], token)

    async def _progress(self, order: Order, ids: Sequence[UUID]) -> Progress:
        async with self._db.leader() as conn:
            ids = sorted({*ids, *await _of_digests(conn, order)})
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


async def _of_digests(conn: AsyncConnection, order: Order) -> set[UUID]:
    """Return what a workflow carries besides what it was started for: nothing on the high lane."""
    if is_urgent(order.priority):
        return set()
    return set(await digests.members(conn, order.workflow_id))


def _ids(order: Order) -> list[UUID]:
    return sorted(decode("ntf", one) for one in order.notification_ids)
