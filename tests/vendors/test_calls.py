"""Calls of any shape either can be read or raise ValueError."""

from datetime import UTC, datetime
from typing import Any

import pytest

from vendors.calls import objects, part, read_json, time_of, word


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"[" * 100_000])
def test_no_json(body: bytes) -> None:
    with pytest.raises(ValueError, match="not JSON"):
        read_json(body)


@pytest.mark.parametrize("value", [{}, "text", 1, [1], [[]], [{}, None]])
def test_no_list_of_objects(value: Any) -> None:
    with pytest.raises(ValueError, match="list of objects"):
        objects(value)


def test_lists_and_parts_that_are_there() -> None:
    assert objects([{"a": 1}]) == [{"a": 1}]
    assert objects(None) == []
    assert part({"a": {"b": 1}}, "a") == {"b": 1}
    assert part({"a": [1]}, "a") == part(None, "a") == {}


def test_words() -> None:
    given: list[Any] = ["a", 7, True, None, 1.5, []]
    assert [word(one) for one in given] == ["a", "7", "", "", "", ""]


@pytest.mark.parametrize("seconds", [0, "0", 0.0])
def test_times(seconds: Any) -> None:
    assert time_of(seconds) == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [None, "", "soon", "nan", "inf", 1e30, [], {}])
def test_no_times(seconds: Any) -> None:
    with pytest.raises(ValueError, match="no number of seconds"):
        time_of(seconds)
