"""The campaign's story on the time-skipping server: approval, window, shards, pause, the end."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
import pytest_asyncio
from temporalio import activity, workflow
from temporalio.client import WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from domain.orders import CampaignOrder, Outlook, ShardOrder, ShardPass, Stage
from services.temporal import register_attributes
from tests.workflows.test_notification import SERVER
from workflows.campaign import CampaignWorkflow
from workflows.policies import SHARDS_AT_ONCE

APPROVAL = Outlook(Stage.WAIT, "awaiting_approval", why="waits for approval")
OVER = Outlook(Stage.CLOSE, "completed")
MOST_EVENTS = 100
"""After so many the server is taken to say that a history is long; by itself it waits for 4,096."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Scripted:
    """Activities of the product's names that answer from a script, and note what was asked."""

    def __init__(self, looks: Sequence[Outlook], stops: int | None = None) -> None:
        self.looks = list(looks)
        self.stops = stops
        self.asked: list[str] = []
        self.times: list[datetime] = []
        self.running = 0
        self.most = 0

    @activity.defn(name="look_at_campaign")
    async def look(self, order: CampaignOrder) -> Outlook:
        """Answer the next line; the last one for ever."""
        self.asked.append("look")
        self.times.append(activity.info().current_attempt_scheduled_time)
        return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]

    @activity.defn(name="resolve_campaign")
    async def resolve(self, order: CampaignOrder) -> None:
        """Resolve nothing."""
        self.asked.append("resolve")

    @activity.defn(name="deliver_shard")
    async def deliver(self, order: ShardOrder) -> ShardPass:
        """Deliver a shard; from number `stops` on the gate is shut."""
        self.running += 1
        self.most = max(self.most, self.running)
        self.asked.append(f"shard {order.shard}")
        self.running -= 1
        return ShardPass(1_000, self.stops is not None and order.shard >= self.stops)

    @activity.defn(name="close_campaign")
    async def close(self, order: CampaignOrder) -> Outlook:
        """Close."""
        self.asked.append("close")
        return OVER


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environment() -> AsyncIterator[WorkflowEnvironment]:
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(SERVER)
    ) as env:
        await register_attributes(env.client)
        yield env


def worker(env: WorkflowEnvironment, queue: str, scripted: Scripted) -> Worker:
    return Worker(
        env.client,
        task_queue=queue,
        workflows=[CampaignWorkflow],
        activities=[scripted.look, scripted.resolve, scripted.deliver, scripted.close],
    )


async def start(env: WorkflowEnvironment, queue: str) -> WorkflowHandle[CampaignWorkflow, str]:
    order = CampaignOrder("cmp_one", 1, "low")
    return await env.client.start_workflow(
        CampaignWorkflow.run, order, id=str(uuid4()), task_queue=queue
    )


async def test_it_waits_for_approval_however_long_and_then_delivers(
    environment: WorkflowEnvironment,
) -> None:
    scripted, queue = Scripted([Outlook(Stage.RESOLVE, "resolving"), APPROVAL]), str(uuid4())
    async with worker(environment, queue, scripted):
        handle = await start(environment, queue)
        while len(scripted.asked) < 3:
            await environment.sleep(timedelta(seconds=1))
        begun = await environment.get_current_time()
        await environment.sleep(timedelta(weeks=6))
        await handle.signal(CampaignWorkflow.wake)  # by hand: the row says the same
        while scripted.asked.count("look") < 3:
            await environment.sleep(timedelta(seconds=1))
        assert scripted.asked == ["look", "resolve", "look", "look"], "a signal approves nothing"
        scripted.looks = [Outlook(Stage.DELIVER, "sending", shards=[0, 1]), OVER]
        await handle.signal(CampaignWorkflow.wake)
        assert await handle.result() == "completed"
    assert sorted(scripted.asked[5:7]) == ["shard 0", "shard 1"], "in whichever order"
    assert [scripted.asked[4], *scripted.asked[7:]] == ["look", "look", "close"]
    assert scripted.times[-1] - begun >= timedelta(weeks=6)


async def test_a_long_one_begins_new_histories_and_goes_on(
    environment: WorkflowEnvironment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_long(info: workflow.Info) -> bool:
        return info.get_current_history_length() >= MOST_EVENTS

    monkeypatch.setattr(workflow.Info, "is_continue_as_new_suggested", is_long)
    rounds = [Outlook(Stage.DELIVER, "sending", shards=[n]) for n in range(60)]
    scripted, queue = Scripted([*rounds, OVER]), str(uuid4())
    async with worker(environment, queue, scripted):
        handle = await start(environment, queue)
        assert await handle.result() == "completed"
    assert [one for one in scripted.asked if one.startswith("shard")] == [
        f"shard {n}" for n in range(60)
    ]
    lengths, run_id = list[int](), handle.first_execution_run_id
    while run_id:
        history = await environment.client.get_workflow_handle(
            handle.id, run_id=run_id
        ).fetch_history()
        lengths.append(len(history.events))
        last = history.events[-1]
        run_id = last.workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    assert len(lengths) >= 5
    assert max(lengths) <= MOST_EVENTS + 20, "what a look and a shard add at the most"


async def test_it_sleeps_until_the_window_opens(environment: WorkflowEnvironment) -> None:
    opens = await environment.get_current_time() + timedelta(hours=9)
    shut = Outlook(Stage.WAIT, "approved", opens, "waits for 22:00-06:00 in Europe/Paris")
    scripted, queue = Scripted([shut, OVER]), str(uuid4())
    async with worker(environment, queue, scripted):
        await (await start(environment, queue)).result()
    assert scripted.times[1] >= opens


async def test_a_few_shards_are_under_way_and_a_shut_gate_begins_no_more(
    environment: WorkflowEnvironment,
) -> None:
    looks = [Outlook(Stage.DELIVER, "sending", shards=list(range(40))), OVER]
    scripted, queue = Scripted(looks, stops=10), str(uuid4())
    async with worker(environment, queue, scripted):
        await (await start(environment, queue)).result()
    begun = {int(one.split()[1]) for one in scripted.asked if one.startswith("shard")}
    assert begun >= set(range(10))
    assert len(begun) < 10 + 2 * SHARDS_AT_ONCE
    assert scripted.most <= SHARDS_AT_ONCE


async def test_what_is_being_sent_is_waited_for_at_the_end(
    environment: WorkflowEnvironment,
) -> None:
    class Busy(Scripted):
        @activity.defn(name="close_campaign")
        async def close(self, order: CampaignOrder) -> Outlook:
            self.asked.append("close")
            if self.asked.count("close") > 1:
                return Outlook(Stage.CLOSE, "aborted")
            due = self.times[-1] + timedelta(seconds=30)
            return Outlook(Stage.WAIT, "aborted", due, "1 are being sent")

    scripted, queue = Busy([Outlook(Stage.CLOSE, "aborted")]), str(uuid4())
    async with worker(environment, queue, scripted):
        assert await (await start(environment, queue)).result() == "aborted"
    assert scripted.asked == ["look", "close", "close"]
