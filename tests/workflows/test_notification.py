"""The notification's story on the time-skipping server: holds, wakes, retries, the end."""

import asyncio
import sysconfig
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio import activity
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from domain.orders import Order, Progress
from services.temporal import register_attributes
from workflows.notification import NotificationWorkflow

SERVER = Path(sysconfig.get_path("scripts")) / "temporal-test-server"


class Scripted:
    """Activities of the same names that answer from a script, and note what they were asked."""

    def __init__(self, script: Sequence[Progress]) -> None:
        self.script = list(script)
        self.asked: list[str] = []
        self.times: list[datetime] = []

    @activity.defn
    async def prepare(self, order: Order) -> Progress:
        """Answer the next line of the script."""
        return self._next("prepare")

    @activity.defn
    async def deliver(self, order: Order) -> Progress:
        """Answer the next line of the script."""
        return self._next("deliver")

    def _next(self, name: str) -> Progress:
        self.asked.append(name)
        self.times.append(activity.info().current_attempt_scheduled_time)
        return self.script.pop(0)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(SERVER)
    ) as env:
        await register_attributes(env.client)
        yield env


async def start(
    env: WorkflowEnvironment, queue: str, due_at: datetime | None = None
) -> WorkflowHandle[NotificationWorkflow, dict[str, int]]:
    order = Order(f"ntf_{uuid4()}", ["ntf_one"], "medium", due_at)
    return await env.client.start_workflow(
        NotificationWorkflow.run, order, id=order.workflow_id, task_queue=queue
    )


DONE = Progress(states={"sent": 1})

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def run(
    env: WorkflowEnvironment, script: Sequence[Progress], due_in: timedelta | None = None
) -> tuple[Scripted, dict[str, int], timedelta]:
    scripted, queue = Scripted(script), str(uuid4())
    async with Worker(
        env.client,
        task_queue=queue,
        workflows=[NotificationWorkflow],
        activities=[scripted.prepare, scripted.deliver],
    ):
        begun = await env.get_current_time()
        handle = await start(env, queue, begun + due_in if due_in else None)
        result = await handle.result()
        return scripted, result, scripted.times[-1] - begun


async def test_what_is_due_now_is_prepared_and_delivered_in_one_activity(
    environment: WorkflowEnvironment,
) -> None:
    scripted, result, _ = await run(environment, [DONE])
    assert (scripted.asked, result) == (["deliver"], {"sent": 1})


async def test_a_scheduled_one_sleeps_until_it_is_due(environment: WorkflowEnvironment) -> None:
    due = await environment.get_current_time() + timedelta(days=2)
    script = [Progress(due, "email: scheduled"), DONE]
    scripted, _, elapsed = await run(environment, script, timedelta(days=2))
    assert scripted.asked == ["prepare", "deliver"]
    assert timedelta(days=2) - timedelta(minutes=1) < elapsed < timedelta(days=2, minutes=5)


async def test_retries_sleep_as_the_ledger_says(environment: WorkflowEnvironment) -> None:
    now = await environment.get_current_time()
    script = [
        Progress(now + timedelta(hours=1), "sms: rate_account, retry 1 of 8"),
        Progress(now + timedelta(hours=5), "sms: rate_account, retry 2 of 8"),
        DONE,
    ]
    scripted, _, elapsed = await run(environment, script)
    assert scripted.asked == ["deliver"] * 3
    assert elapsed >= timedelta(hours=4, minutes=55)


async def test_a_digest_is_carried_by_the_workflow_that_opened_it(
    environment: WorkflowEnvironment,
) -> None:
    # Its row went to another's workflow: nothing of its own waits any more.
    joined, result, _ = await run(environment, [Progress(states={"held": 1})])
    assert (joined.asked, result) == (["deliver"], {"held": 1})
    leaves = await environment.get_current_time() + timedelta(hours=1)
    waiting = Progress(leaves, "email: digest", {"held": 1})
    opener, result, elapsed = await run(environment, [waiting, Progress(states={"sent": 3})])
    assert (opener.asked, result) == (["deliver"] * 2, {"sent": 3})
    assert elapsed >= timedelta(minutes=55)


async def test_the_steps_of_an_escalation_each_come_in_their_time(
    environment: WorkflowEnvironment,
) -> None:
    begun = await environment.get_current_time()
    waits = [timedelta(minutes=5), timedelta(minutes=15)]
    script = [Progress(begun + one, "sms: step 2, unless read before", {}) for one in waits]
    scripted, result, _ = await run(environment, [*script, Progress(states={"sent": 3})])
    assert (scripted.asked, result) == (["deliver"] * 3, {"sent": 3})
    elapsed = [at - begun for at in scripted.times]
    assert all(one >= wait for one, wait in zip(elapsed[1:], waits, strict=True))
    assert elapsed[-1] < timedelta(minutes=16)


async def test_an_acknowledgement_ends_the_wait_for_the_next_step(
    environment: WorkflowEnvironment,
) -> None:
    due = await environment.get_current_time() + timedelta(days=1)
    script = [Progress(due, "sms: step 2, unless acknowledged before"), DONE]
    scripted, queue = Scripted(script), "acknowledged"
    async with Worker(
        environment.client,
        task_queue=queue,
        workflows=[NotificationWorkflow],
        activities=[scripted.prepare, scripted.deliver],
    ):
        handle = await start(environment, queue)
        while not scripted.asked:
            await asyncio.sleep(0.01)
        await handle.signal(NotificationWorkflow.wake)
        assert await handle.result() == {"sent": 1}
    assert scripted.asked == ["deliver", "deliver"]
    assert scripted.times[-1] < due


async def test_a_due_time_in_the_past_does_not_make_it_spin(
    environment: WorkflowEnvironment,
) -> None:
    past = await environment.get_current_time() - timedelta(hours=1)
    scripted, _, elapsed = await run(environment, [*[Progress(past, "late")] * 5, DONE])
    assert len(scripted.asked) == 6
    assert elapsed >= timedelta(seconds=1)


async def test_a_wake_ends_the_hold_and_looks_at_the_rows_again(
    environment: WorkflowEnvironment,
) -> None:
    due = await environment.get_current_time() + timedelta(days=30)
    scripted, queue = Scripted([Progress(due, "held"), Progress(states={"cancelled": 1})]), "wake"
    async with Worker(
        environment.client,
        task_queue=queue,
        workflows=[NotificationWorkflow],
        activities=[scripted.prepare, scripted.deliver],
    ):
        handle = await start(environment, queue, due)
        await handle.signal(NotificationWorkflow.wake)
        assert await handle.result() == {"cancelled": 1}
    assert scripted.asked[-1] == "deliver"


async def test_a_crashed_activity_is_tried_again_by_temporal(
    environment: WorkflowEnvironment,
) -> None:
    class Crashing(Scripted):
        @activity.defn(name="deliver")
        async def deliver(self, order: Order) -> Progress:
            if activity.info().attempt < 3:
                raise ConnectionError("the database is away")
            return self._next("deliver")

    scripted, queue = Crashing([DONE]), "crash"
    async with Worker(
        environment.client,
        task_queue=queue,
        workflows=[NotificationWorkflow],
        activities=[scripted.prepare, scripted.deliver],
    ):
        handle = await start(environment, queue)
        assert await handle.result() == {"sent": 1}
