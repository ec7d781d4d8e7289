"""Filters and ties of events: equality as JSON has it."""

from typing import Any

import pytest

from domain.events import MISSING, correlation, matches, value_at

EVENT: dict[str, Any] = {
    "type": "x", "data": {"n": 1, "yes": True, "none": None, "lines": [{"id": "a"}, {"id": "b"}]},
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "value"),
    [("type", "x"), ("data.n", 1), ("data.lines.1.id", "b"), ("data.none", None),
     ("data.lines.2", MISSING), ("data.n.x", MISSING), ("data.lines.-1", MISSING)],
)  # fmt: skip
def test_a_path_leads_to_a_value(path: str, value: Any) -> None:
    assert value_at(EVENT, path) == value


@pytest.mark.parametrize(
    ("filter", "fits"),
    [
        ({}, True),
        ({"data.n": 1.0, "type": "x"}, True),
        ({"data.n": True}, False),
        ({"data.yes": 1}, False),
        ({"data.yes": [False, True]}, True),
        ({"data.none": None}, True),
        ({"data.nothing": None}, False),
        ({"data.n": "1"}, False),
        ({"data.lines": [[{"id": "a"}, {"id": "b"}]]}, True),
    ],
)
def test_a_filter_is_equality(filter: dict[str, Any], fits: bool) -> None:
    assert matches(filter, EVENT) is fits


def test_what_is_equal_is_tied_together() -> None:
    one = correlation({"data": {"cart": 7, "b": "x"}}, ["data.cart", "data.b"])
    assert one == correlation({"data": {"id": 7.0, "b": "x"}}, ["data.id", "data.b"])
    assert one != correlation({"data": {"id": "7", "b": "x"}}, ["data.id", "data.b"])
    assert correlation({"data": {"cart": None}}, ["data.cart"]) is None
    assert correlation({"data": {}}, ["data.cart"]) is None
