"""Schedules on the control lane: woken by Temporal, and swept for whatever it did not wake for."""

from typing import Final
from uuid import UUID

import structlog
from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.firing import Firing
from domain.ids import decode, encode
from domain.orders import BUILD, CONTROL_QUEUE
from services import schedule_firing, schedule_sync
from services.app import App
from services.temporal import TemporalDown
from stores import schedules
from stores.database import DATABASE_ERRORS
from workers.looping import Loops
from workflows.schedule import ScheduleWorkflow

log = structlog.get_logger()

GRACE_SECONDS: Final = 3.0
"""How long Temporal may take to wake us, before the sweep fires by itself."""
MOST_SWEPT: Final = 100
_SECONDS: Final = 1.0
_COMPARE_SECONDS: Final = 60.0
_OURS: Final = ("activities", "domain", "workflows")


class Scheduling(Loops):
    """Fires what is overdue and keeps Temporal in line; any number of processes may run it."""

    def __init__(self, app: App) -> None:
        self._app = app
        super().__init__(
            ("schedules", self.fire_overdue, _SECONDS),
            ("schedules_sync", self.sync, _SECONDS),
            ("schedules_compare", self.compare, _COMPARE_SECONDS),
        )

    async def fire_overdue(self) -> int:
        """Fire what Temporal did not wake us for; return how often."""
        async with self._app.db.leader() as conn:
            ids = await schedules.find_overdue(conn, grace=GRACE_SECONDS, most=MOST_SWEPT)
        return sum([await self._fire(id) for id in ids])

    async def sync(self) -> int:
        """Tell Temporal of what has changed."""
        try:
            return await schedule_sync.sync(self._app)
        except TemporalDown:
            return 0

    async def compare(self) -> int:
        """Find what Temporal lost or changed by itself."""
        try:
            return await schedule_sync.compare(self._app)
        except TemporalDown:
            return 0

    async def _fire(self, id: UUID) -> int:
        try:
            return await schedule_firing.fire(self._app, id)
        except DATABASE_ERRORS:
            raise
        except Exception:  # one schedule's trouble must not hold up the others
            log.exception("schedule.firing_failed", schedule=encode("sch", id))
            return 0


def serve_schedules(client: Client, app: App) -> Worker:
    """Return the worker that Temporal's schedules wake."""

    async def fire(schedule_id: str) -> int:
        return await schedule_firing.fire(app, decode("sch", schedule_id))

    return Worker(
        client,
        task_queue=CONTROL_QUEUE,
        workflows=[ScheduleWorkflow],
        activities=[Firing(fire).fire],
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*_OURS)
        ),
        build_id=BUILD,
        max_concurrent_workflow_tasks=5,
        max_concurrent_activities=5,
        max_cached_workflows=50,
        workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(maximum=2),
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(maximum=1),
    )
