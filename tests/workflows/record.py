"""Records the stories that test_replay replays: `python -m tests.workflows.record [name …]`.

Every story is started, woken and run by the product's own code; only the activities are scripted.
A recorded history stands for the workflows that run while a new version is put in place: add
stories freely, but record one again only when no such workflow has to survive the change.
"""

import asyncio
import json
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from temporalio import activity
from temporalio.api.enums.v1 import EventType
from temporalio.api.testservice.v1 import LockTimeSkippingRequest, UnlockTimeSkippingRequest
from temporalio.client import Client, WorkflowHistory
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.firing import Firing
from config.settings import Settings
from domain.campaign import workflow_id
from domain.ids import encode
from domain.orders import CONTROL_QUEUE, CampaignOrder, Order, Progress
from domain.vocabulary import Priority
from services.temporal import Temporal, register_attributes
from tests.workflows.campaign_stories import CAMPAIGNS, CampaignStory, CampaignTeller
from workers.lanes import serve
from workflows.attributes import Facts
from workflows.schedule import ScheduleWorkflow

FOLDER: Final = Path(__file__).parent / "histories"
SERVER: Final = Path(sysconfig.get_path("scripts")) / "temporal-test-server"
SOMEBODY: Final = "worker@example.com"


@dataclass(frozen=True)
class Step:
    """What one activity finds; `comes_back` counts from now."""

    comes_back: timedelta | None = None
    why: str = ""
    states: Mapping[str, int] = field(default_factory=dict)
    crashes: bool = False
    wakes: bool = False


@dataclass(frozen=True)
class Story:
    """The steps of a workflow; `woken` means that a wake comes while it is held."""

    steps: tuple[Step, ...]
    ids: int = 1
    due_in: timedelta | None = None
    woken: bool = False


MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
SENT: Final = Step(states={"sent": 1})
HELD: Final = Step(2 * DAY, "email: scheduled", {"planned": 1})
RETRY: Final = Step(HOUR, "email: rate_account, retry 1 of 8", {"deferred": 1})

STORIES: Final[Mapping[str, Story | CampaignStory]] = {
    **CAMPAIGNS,
    "sent": Story((SENT,)),
    "scheduled": Story((HELD, SENT), due_in=2 * DAY),
    "changed_while_held": Story(
        (HELD, Step(HOUR, "email: scheduled", {"planned": 1}), SENT), due_in=2 * DAY, woken=True
    ),
    "cancelled_while_held": Story(
        (HELD, Step(states={"cancelled": 1})), due_in=2 * DAY, woken=True
    ),
    "changed_while_delivered": Story((Step(HOUR, "email: quiet hours", wakes=True), SENT)),
    "retried": Story((RETRY, RETRY, SENT)),
    "expired": Story((RETRY, Step(states={"expired": 1}))),
    "several": Story(
        (
            Step(MINUTE, "email: throttled", {"sent": 1, "deferred": 2}),
            Step(states={"sent": 2, "failed": 1}),
        ),
        ids=3,
    ),
    "escalated": Story(
        (
            Step(5 * MINUTE, "push: step 2, unless read before", {"sent": 1}),
            Step(10 * MINUTE, "sms: step 3, unless acknowledged before", {"sent": 2}),
            Step(states={"sent": 3}),
        )
    ),
    "acknowledged": Story(
        (Step(HOUR, "sms: step 2, unless acknowledged before", {"sent": 1}), SENT), woken=True
    ),
    "worker_died": Story((Step(crashes=True), SENT)),
    "moved_to_another_workflow": Story((HELD, Step()), due_in=2 * DAY, woken=True),
}

SCHEDULES: Final = {"schedule_fired": 3}
"""Stories of schedules, and how many times were due."""


class Teller:
    """Activities of the product's names that tell a story step by step."""

    def __init__(self, story: Story, env: WorkflowEnvironment, temporal: Temporal) -> None:
        self._steps = list(story.steps)
        self._env = env
        self._temporal = temporal

    @activity.defn
    async def prepare(self, order: Order) -> Progress:
        """Tell the next step."""
        return await self._next(order)

    @activity.defn
    async def deliver(self, order: Order) -> Progress:
        """Tell the next step."""
        return await self._next(order)

    async def _next(self, order: Order) -> Progress:
        step = self._steps.pop(0)
        if step.crashes:
            raise ConnectionError("the database is away")
        if step.wakes:
            await self._temporal.wake(order.workflow_id)
        now = await self._env.get_current_time()
        due = None if step.comes_back is None else now + step.comes_back
        return Progress(due, step.why, dict(step.states))


async def record(
    env: WorkflowEnvironment, name: str, story: Story | CampaignStory
) -> dict[str, Any]:
    """Let a story happen and return its history, which names no machine."""
    temporal = Temporal(env.client.service_client.config.target_host, env.client.namespace)
    client = await temporal.client()
    if isinstance(story, CampaignStory):
        return await _record_campaign(env, story, temporal, client)
    due = await env.get_current_time() + story.due_in if story.due_in else None
    ids = [f"ntf_{number}" for number in range(story.ids)]
    order = Order(f"recorded_{name}", ids, Priority.MEDIUM.value, due)
    teller = Teller(story, env, temporal)
    work = [teller.prepare, teller.deliver]
    async with serve(client, Priority.MEDIUM, work, Settings(_env_file=None)):
        facts = Facts("default", "transactional", ("email",))
        await temporal.start(order, summary="transactional to 1 recipient", facts=facts)
        if story.woken:
            await _held(env, order.workflow_id)
            await temporal.wake(order.workflow_id)
        await _finished(env, order.workflow_id)
    return scrub(await _history(env, order.workflow_id), client)


async def _record_campaign(
    env: WorkflowEnvironment, story: CampaignStory, temporal: Temporal, client: Client
) -> dict[str, Any]:
    teller = CampaignTeller(story, env)
    order = CampaignOrder(encode("cmp", UUID(int=7)), 1, Priority.LOW)
    id = workflow_id(UUID(int=7), 1)
    async with serve(client, Priority.LOW, teller.all, Settings(_env_file=None)):
        facts = Facts("default", "bulk", ("email",))
        await temporal.start_campaign(order, summary="Spring", facts=facts)
        await _held(env, id)
        await temporal.wake(id)
        await _finished(env, id)
    return scrub(await _history(env, id), client)


async def record_schedule(env: WorkflowEnvironment, name: str, due: int) -> dict[str, Any]:
    """Let a schedule's time come and return the history."""

    async def fire(_schedule_id: str) -> int:
        return due

    async with Worker(
        env.client,
        task_queue=CONTROL_QUEUE,
        workflows=[ScheduleWorkflow],
        activities=[Firing(fire).fire],
    ):
        await env.client.execute_workflow(
            ScheduleWorkflow.run, "sch_one", id=f"recorded_{name}", task_queue=CONTROL_QUEUE
        )
    return scrub(await _history(env, f"recorded_{name}"), env.client)


def scrub(history: WorkflowHistory, client: Client) -> dict[str, Any]:
    """Return a history without who recorded it and where."""
    text = history.to_json().replace(client.identity, SOMEBODY)
    cleaned: dict[str, Any] = json.loads(text, object_hook=_without_traces)
    return cleaned


def _without_traces(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if key != "stackTrace"}


async def _history(env: WorkflowEnvironment, id: str) -> WorkflowHistory:
    return await env.client.get_workflow_handle(id).fetch_history()


async def _held(env: WorkflowEnvironment, id: str) -> None:
    started = EventType.EVENT_TYPE_TIMER_STARTED
    while started not in {event.event_type for event in (await _history(env, id)).events}:
        await asyncio.sleep(0.05)


async def _finished(env: WorkflowEnvironment, id: str) -> None:
    await env.client.test_service.unlock_time_skipping(UnlockTimeSkippingRequest())
    await env.client.get_workflow_handle(id).result()
    await env.client.test_service.lock_time_skipping(LockTimeSkippingRequest())


async def main(names: list[str]) -> None:
    """Record the named stories, or all; each on a server of its own, whose clock starts now."""
    for name in names or [*STORIES, *SCHEDULES]:
        async with await WorkflowEnvironment.start_time_skipping(
            test_server_existing_path=str(SERVER)
        ) as env:
            await register_attributes(env.client)
            if name in SCHEDULES:
                history = await record_schedule(env, name, SCHEDULES[name])
            else:
                history = await record(env, name, STORIES[name])
        (FOLDER / f"{name}.json").write_text(json.dumps(history, indent=1) + "\n")
        print(f"{name}: {len(history['events'])} events")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
