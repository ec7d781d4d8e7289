"""Workflows that run while a new version is put in place go on: recorded stories replay.

`python -m tests.workflows.record` records a new story.
"""

from pathlib import Path
from typing import Any, cast

import pytest
from temporalio import workflow
from temporalio.client import Client, WorkflowHistory
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner
from temporalio.workflow import NondeterminismError

from config.settings import Settings
from domain.orders import Order
from domain.vocabulary import Priority
from services.app import App
from tests.workflows.record import FOLDER, SCHEDULES, STORIES
from workers import lanes, scheduling
from workflows.notification import NotificationWorkflow

RECORDED = sorted(FOLDER.glob("*.json"))


@workflow.defn(name="NotificationWorkflow")
class AlwaysDelivers(NotificationWorkflow):
    """The product's workflow with one careless change: nothing is prepared any more."""

    @workflow.run
    async def run(self, order: Order) -> dict[str, int]:
        return self._done(await self._deliver(order))


def history_of(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(f"recorded_{path.stem}", path.read_text())


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the product gives its worker of a lane, with the workflows of the control lane."""
    monkeypatch.setattr(lanes, "Worker", lambda _client, **given: given)
    settings = Settings(_env_file=None)
    monkeypatch.setattr(scheduling, "Worker", lambda _client, **given: given)
    lane = lanes.serve(cast(Client, None), Priority.HIGH, [], settings)
    control = scheduling.serve_schedules(cast(Client, None), cast(App, None))
    worker, other = cast(dict[str, Any], lane), cast(dict[str, Any], control)
    return {**worker, "workflows": [*worker["workflows"], *other["workflows"]]}


@pytest.fixture
def replayer(served: dict[str, Any]) -> Replayer:
    return Replayer(workflows=served["workflows"], workflow_runner=served["workflow_runner"])


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_story_goes_on(replayer: Replayer, path: Path) -> None:
    await replayer.replay_workflow(history_of(path))


def test_every_story_is_recorded() -> None:
    assert [path.stem for path in RECORDED] == sorted([*STORIES, *SCHEDULES])
    assert RECORDED


def test_every_workflow_of_the_product_has_a_story(served: dict[str, Any]) -> None:
    told = {
        history_of(path).events[0].workflow_execution_started_event_attributes.workflow_type.name
        for path in RECORDED
    }
    assert told == {one.__name__ for one in served["workflows"]}


async def test_a_changed_workflow_does_not_replay() -> None:
    replayer = Replayer(workflows=[AlwaysDelivers], workflow_runner=UnsandboxedWorkflowRunner())
    with pytest.raises(NondeterminismError):
        await replayer.replay_workflow(history_of(FOLDER / "scheduled.json"))
