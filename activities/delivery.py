"""The activities of a notification's workflow: look when it is due, and deliver what is due."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection
from temporalio import activity

from activities.giving_way import GivingWay
from activities.late_checks import look_again
from activities.planning import plan_fallbacks, plan_new
from activities.sending import Sending
from config.failpoints import failpoint
from domain.delivery import Leased, Settlement
from domain.ids import decode
from domain.orders import Order, Progress
from domain.outcome import Outcome
from domain.retry import describe, judge
from domain.vocabulary import CategoryClass, OutcomeKind, Priority, Scope, State
from stores.ledger import lease as leases
from stores.ledger import refusals
from stores.ledger.close import close_overdue
from stores.ledger.fold import fold
from stores.ledger.progress import count_states, find_next
from stores.ledger.settle import settle, touched

SLICE: Final = 1_000
CHUNK: Final = 100
CHUNK_OF_LOW: Final = 25
"""Smaller, so that the low lane looks up more often whether it is to give way."""
_BEAT_SECONDS: Final = 2.0
_DIED: Final = Outcome(OutcomeKind.UNKNOWN, "sender_died", Scope.MESSAGE, phase="process")


class Delivery:
    """Works on the rows of an order: a batch of one, or of neighbours."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._db = sending.db
        self._way = GivingWay(sending.db)

    @activity.defn
    async def prepare(self, order: Order) -> Progress:
        """Return when an order's rows are due, as the ledger has it now."""
        return await self._progress(order, _ids(order))

    @activity.defn
    async def deliver(self, order: Order) -> Progress:
        """Plan, lease, mark, send and settle what is due, and return when to come back."""
        ids = _ids(order)
        finished: set[UUID] = set()
        async with _heartbeat():
            token = uuid4()
            while len(finished) < len(ids):
                leased = await self._open(order, ids, token, finished)
                if not leased:
                    break
                await failpoint("leased")
                finished |= await self._deliver(leased, token)
                await failpoint("settled")
        return await self._progress(order, ids)

    async def _open(
        self, order: Order, ids: Sequence[UUID], token: UUID, finished: set[UUID]
    ) -> list[Leased]:
        """Clear up after dead senders, plan what is new, and lease what is due."""
        async with self._db.leader() as conn:
            dead = await leases.find_dead(conn, ids)
            if dead:
                changed = await settle(conn, [self._after_death(row) for row in dead])
                finished |= await fold(conn, touched(changed))
            finished |= await plan_new(conn, ids, order.workflow_id)
            leased = await leases.lease(
                conn,
                ids,
                workflow_id=order.workflow_id,
                token=token,
                seconds=self._sending.lease_seconds,
                most=SLICE,
            )
            if not leased:
                finished |= await close_overdue(conn, ids)
            return leased

    async def _deliver(self, leased: Sequence[Leased], token: UUID) -> set[UUID]:
        finished: set[UUID] = set()
        try:
            low = leased[0].priority == Priority.LOW
            size = CHUNK_OF_LOW if low else CHUNK
            for first in range(0, len(leased), size):
                async with self._way.turn() if low else nullcontext():
                    async for settled in self._sending.send(leased[first : first + size], token):
                        finished |= await self._settle(settled)
        except asyncio.CancelledError:
            await asyncio.shield(self._release(leased, token))
            raise
        return finished

    async def _settle(self, settlements: Sequence[Settlement]) -> set[UUID]:
        """Write how deliveries ended; repeated when it meets another's locks, so that no deadlock
        leaves what was sent unsettled.
        """

        async def work(conn: AsyncConnection) -> set[UUID]:
            settled = await look_again(conn, settlements)
            changed = await settle(conn, settled)
            await refusals.apply(conn, settled, {row.id for row in changed})
            stuck = {row.notification_id for row in changed if row.state in _MAY_FALL_BACK}
            if stuck:
                await plan_fallbacks(conn, sorted(stuck))
            return await fold(conn, touched(changed))

        return await self._db.retrying(work)

    async def _release(self, leased: Sequence[Leased], token: UUID) -> None:
        async with self._db.leader() as conn:
            await leases.release(conn, [one.id for one in leased], token)

    def _after_death(self, row: Row[Any]) -> Settlement:
        verdict = judge(
            _DIED,
            class_=CategoryClass(row.class_),
            attempts=row.rounds + 1,
            maybe_sent=True,
            now=datetime.now(UTC),
            expires_at=row.expires_at,
            scale=self._sending.retry_scale,
        )
        return Settlement(
            row.id,
            row.attempt_id,
            verdict.state,
            verdict.reason,
            verdict.due_at,
            True,
            _DIED,
            round=verdict.state is State.HELD,
        )

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


_MAY_FALL_BACK: Final = (State.SUPPRESSED, State.FAILED)


def _ids(order: Order) -> list[UUID]:
    return sorted(decode("ntf", one) for one in order.notification_ids)


@asynccontextmanager
async def _heartbeat() -> AsyncIterator[None]:
    """Tell Temporal every 2 s that this activity lives; an end of the process is seen by that."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(_BEAT_SECONDS)

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
