"""Runs the lanes of a process: high, medium and low are task queues, control is upkeep."""

import asyncio
import contextlib
import gc
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from config.settings import Settings
from domain.orders import BUILD, LANES
from domain.vocabulary import Priority
from services.app import close_app, open_app
from services.temporal import TemporalDown, register_attributes
from workers.announcing import Announcing
from workers.connections import open_work
from workers.importing import Importing
from workers.reconciling import Reconciling
from workers.scheduling import Scheduling, serve_schedules
from workers.upkeep import Upkeep
from workflows.campaign import CampaignWorkflow
from workflows.notification import NotificationWorkflow

log = structlog.get_logger()

CONTROL = "control"
ALL_LANES = (*(priority.value for priority in Priority), CONTROL)
_OURS = (
    "activities", "channels", "config", "domain", "stores", "transport", "vendors", "workflows",
)  # fmt: skip
_GRACE = timedelta(seconds=20)
_HURRIED = frozenset({Priority.HIGH, Priority.MEDIUM})
_NICE = 10
_COLLECTED_AFTER = 20_000
"""New objects, net, after which cycles are looked for."""
_AUTOGROUP = Path("/proc/self/autogroup")


async def run(settings: Settings, lanes: Sequence[str]) -> None:
    """Serve lanes until SIGTERM or SIGINT; what is being sent is finished first.

    Raises ValueError for a lane that does not exist.
    """
    unknown = sorted(set(lanes) - set(ALL_LANES))
    if unknown or not lanes:
        raise ValueError(f"lanes are {', '.join(ALL_LANES)}; not {', '.join(unknown) or 'none'}")
    if _HURRIED.isdisjoint(lanes):
        _stand_back()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    app = open_app(settings)
    work, router = open_work(app)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(close_app, app)
        stack.push_async_callback(router.close)
        if CONTROL in lanes:
            await stack.enter_async_context(Upkeep(app))
            await stack.enter_async_context(Announcing(app))
            await stack.enter_async_context(Importing(app))
            await stack.enter_async_context(Reconciling(app, router.accounts))
            await stack.enter_async_context(Scheduling(app))
        client = await _client(app.temporal.client, stop)
        if client is None:
            return
        if CONTROL in lanes:
            await stack.enter_async_context(serve_schedules(client, app))
        for lane in (Priority(lane) for lane in lanes if lane != CONTROL):
            await stack.enter_async_context(serve(client, lane, work.all, settings))
        _spare_collecting()
        log.info("worker.serving", lanes=list(lanes))
        await stop.wait()
        log.info("worker.stopping", lanes=list(lanes))


def _spare_collecting() -> None:
    """Let the collector of cycles pass over what stays for good, and come less often: looking
    through all libraries again and again took a twentieth of a busy worker's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECTED_AFTER)


def _stand_back() -> None:
    """Let this process, whose lanes can wait, have the processor after those that are urgent.

    Where Linux weighs sessions and not processes (autogroup, see sched(7)), the leader of one
    lowers its session too.
    """
    os.nice(_NICE)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):  # no autogroups here, or not allowed
            _AUTOGROUP.write_text(f"{_NICE}\n")


async def _client(connect: Callable[[], Awaitable[Client]], stop: asyncio.Event) -> Client | None:
    """Wait for Temporal as long as it takes; None when the process is told to stop first."""
    while not stop.is_set():
        try:
            client = await connect()
            await register_attributes(client)
            return client
        except TemporalDown:
            try:
                await asyncio.wait_for(stop.wait(), 1)
            except TimeoutError:
                continue
    return None


def serve(
    client: Client, lane: Priority, work: Sequence[Callable[..., Any]], settings: Settings
) -> Worker:
    """Return the worker of a lane: its workflows and its activities."""
    return Worker(
        client,
        task_queue=LANES[lane],
        workflows=[NotificationWorkflow, CampaignWorkflow],
        activities=work,
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules(*_OURS)
        ),
        build_id=BUILD,
        max_concurrent_workflow_tasks=20,
        max_concurrent_activities=settings.worker_concurrency,
        max_cached_workflows=1_000,
        workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(maximum=5),
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(maximum=5),
        graceful_shutdown_timeout=_GRACE,
    )
