"""Every lane is served, and every point at which a crash test may kill is used by one."""

import ast
from typing import Any, cast

import pytest
from temporalio.client import Client

from config.settings import Settings
from domain.orders import LANES
from domain.vocabulary import Priority
from tests.acceptance.windows import CLASSES, IN_CAMPAIGNS, IN_ESCALATIONS, WINDOWS
from tests.guards.test_shape import product_files
from workers import lanes


def failpoints() -> set[str]:
    """Names with which the product calls failpoint()."""
    calls = [
        node
        for file in product_files()
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and _is_failpoint(node.func)
    ]
    return {str(ast.literal_eval(call.args[0])) for call in calls}


def _is_failpoint(called: ast.expr) -> bool:
    return (isinstance(called, ast.Name) and called.id == "failpoint") or (
        isinstance(called, ast.Attribute) and called.attr == "failpoint"
    )


def test_every_failpoint_is_killed_at() -> None:
    assert failpoints() == {window.failpoint for window in WINDOWS} | {
        *IN_CAMPAIGNS,
        *IN_ESCALATIONS,
    }


@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.failpoint)
def test_every_window_says_how_each_class_ends(window: Any) -> None:
    assert all(window.expected(one).state for one in CLASSES)


def test_every_priority_has_a_queue_of_its_own() -> None:
    assert set(LANES) == set(Priority)
    assert len(set(LANES.values())) == len(LANES)


def test_every_lane_can_be_served() -> None:
    assert {*(lane.value for lane in LANES), lanes.CONTROL} == set(lanes.ALL_LANES)


@pytest.mark.parametrize("lane", LANES)
def test_a_lane_is_served_on_its_queue(lane: Priority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "Worker", lambda _client, **given: given)
    worker = lanes.serve(cast(Client, None), lane, [], Settings(_env_file=None))
    assert cast(dict[str, Any], worker)["task_queue"] == LANES[lane]


async def test_a_lane_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="lanes are"):
        await lanes.run(Settings(_env_file=None), ["high", "middle"])
