"""The control lane: sweeps the ledger, seals outbox and audit log, forgets what is old."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import text

from config.failpoints import failpoint
from domain import circuit
from domain.ids import encode, new_id
from domain.orders import Order
from services import audit_log
from services.app import App
from services.relooking import wake_all
from services.temporal import TemporalDown
from stores import (
    account_states,
    erasure,
    events,
    imports,
    migrate,
    otps,
    outbox,
    sandbox,
    schedule_runs,
    slow_receipts,
    webhook_calls,
    webhook_deliveries,
)
from stores.ledger import escalations, receipts, sweep
from stores.ledger.close import close_overdue
from stores.ledger.fold import fold
from workers import campaign_sweep
from workers.abandoned import settle_abandoned
from workers.fronts import Fronts
from workers.looping import Loops
from workflows.attributes import Facts

log = structlog.get_logger()

MOST_SWEPT: Final = 5_000
MOST_TOGETHER: Final = 500
_SEAL_SECONDS: Final = 0.2
_AUDIT_SECONDS: Final = 1.0
_HOURLY: Final = 3_600.0
_DAILY: Final = 86_400.0
_RECEIPTS_SECONDS: Final = 10.0
_SANDBOX_DAYS, _OUTBOX_DAYS, _STATS_DAYS, _CALL_DAYS = 7, 7, 30, 30
_IMPORT_DAYS: Final = 30
_RUN_DAYS: Final = 31  # a day more than backfilling looks back
_EVENT_HOURS: Final = 48
_OTP_DAYS, _OTP_USE_DAYS = 7, 2  # limits look back for a day at most


class Upkeep(Loops):
    """Loops that any number of control processes may run at once."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._fronts = Fronts()
        super().__init__(
            ("seal", self.seal, _SEAL_SECONDS),
            ("audit", partial(audit_log.seal, app), _AUDIT_SECONDS),
            ("audit head", partial(audit_log.log_head, app), _DAILY),
            ("sweep", self.sweep, app.settings.sweep_seconds),
            ("campaigns", self.sweep_campaigns, app.settings.sweep_seconds),
            ("tidy", self.tidy, _HOURLY),
            ("receipts", self.judge_receipts, _RECEIPTS_SECONDS),
        )

    async def seal(self) -> None:
        """Seal committed events until none is left."""
        while True:
            async with self._app.db.leader() as conn:
                sealed = await outbox.seal(conn)
                if sealed is not None:
                    await failpoint("unsealed")
            if sealed is None:
                return

    async def sweep(self) -> int:
        """Judge the ledger: end what is over, and start recovery workflows for what is overdue.

        Returns how many notifications were handed to recovery workflows.
        """
        grace = self._app.settings.sweep_grace_seconds
        async with self._app.db.leader() as conn:
            ended = await sweep.find_ended(conn, grace=grace, most=MOST_SWEPT)
            await close_overdue(conn, ended)
            await settle_abandoned(conn, ended)
            waiting = await sweep.find_unmatched_receipts(conn, most=MOST_SWEPT)
            moved = await receipts.join(conn, waiting)
            await fold(conn, moved)
            woken = await escalations.stopped_now(conn, moved)
        await wake_all(self._app, woken)
        if not await self._app.temporal.healthy():
            return 0
        async with self._app.db.leader() as conn:
            fronts = self._fronts.seen(await sweep.find_fronts(conn), grace)
            stale = await sweep.find_stale(conn, grace=grace, most=MOST_SWEPT, fronts=fronts)
        return sum([await self._recover(group) for group in _groups(stale)])

    async def sweep_campaigns(self) -> int:
        """Bring campaigns back to work whose workflows are lost; return how many that were."""
        return await campaign_sweep.sweep(self._app)

    async def judge_receipts(self) -> None:
        """Open the circuits of accounts whose receipts come too late."""
        async with self._app.db.leader() as conn:
            slow = await slow_receipts.find_too_many(
                conn, window=circuit.SLOW_WINDOW_SECONDS, least=circuit.LEAST_SLOW
            )
            wait = circuit.WAIT_SECONDS * self._app.settings.retry_scale
            opened = await account_states.trip(
                conn, slow, wait=wait, doublings=circuit.MOST_DOUBLINGS
            )
        for id in opened:
            log.warning("circuit.opened", account=str(id), why=slow[id])

    async def tidy(self) -> None:
        """Forget what is past its retention and create coming partitions."""
        async with self._app.db.leader() as conn:
            await outbox.purge(conn, days=_OUTBOX_DAYS)
            await sandbox.purge(conn, days=_SANDBOX_DAYS)
            stats_before = datetime.now(UTC) - timedelta(days=_STATS_DAYS)
            await account_states.purge_stats(conn, before=stats_before)
            await otps.purge(conn, days=_OTP_DAYS, days_of_uses=_OTP_USE_DAYS)
            await webhook_calls.purge(conn, days=_CALL_DAYS)
            await webhook_deliveries.purge(conn, days=_CALL_DAYS)
            await imports.purge(conn, days=_IMPORT_DAYS)
            await schedule_runs.purge(conn, days=_RUN_DAYS)
            await events.purge(conn, hours=_EVENT_HOURS)
            await erasure.scrub_late(conn)
            for statement in _EXPIRED:
                await conn.execute(text(statement))
        async with self._app.db.leader() as conn:
            await migrate.create_partitions(conn)

    async def _recover(self, rows: Sequence[Any]) -> int:
        workflow_id = encode("recovery", new_id())
        ids: list[UUID] = sorted(row.id for row in rows)
        async with self._app.db.leader() as conn:
            ids = await sweep.assign(conn, ids, workflow_id)
        if not ids:
            return 0
        order = Order(workflow_id, [encode("ntf", id) for id in ids], rows[0].priority)
        channels = tuple(sorted({channel for row in rows for channel in row.channels}))
        facts = Facts(rows[0].module_key, rows[0].category, channels)
        try:
            await self._app.temporal.start(order, summary=f"recovery of {len(ids)}", facts=facts)
        except TemporalDown:
            return 0
        log.info("sweep.recovered", notifications=len(ids), workflow=workflow_id)
        return len(ids)


_EXPIRED: Final = (
    "DELETE FROM idempotency WHERE created_at < now() - interval '24 hours'",
    "DELETE FROM sessions WHERE expires_at < now()",
    "DELETE FROM look_ups WHERE due_at < now() - interval '7 days'",
    "DELETE FROM sign_in_failures WHERE locked_until < now() - interval '1 day'",
)


def _groups(stale: Sequence[Any]) -> list[list[Any]]:
    """Let neighbours of a module and lane share a workflow; fewer each time they are swept again,
    so that one that brings its group down is alone in the end.
    """
    by_lane: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in stale:
        by_lane[(row.module_key, row.priority, row.sweeps)].append(row)
    groups: list[list[Any]] = []
    for (_, _, sweeps), rows in by_lane.items():
        size = max(1, MOST_TOGETHER >> (2 * max(0, sweeps - 1)))
        groups += [rows[first : first + size] for first in range(0, len(rows), size)]
    return groups
