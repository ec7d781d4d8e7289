"""Calls of any shape either can be read or raise ValueError."""

from datetime import UTC, datetime
from typing import Any

import pytest

from vendors.calls import objects, part, read_json, time_in_words, time_of, with_plus, word


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


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-11-25T11:59:58.250+0200", datetime(2026, 11, 25, 9, 59, 58, 250_000, tzinfo=UTC)),
        ("2026-11-25 09:59:58 +0000", datetime(2026, 11, 25, 9, 59, 58, tzinfo=UTC)),
        ("2026-11-25T09:59:58", datetime(2026, 11, 25, 9, 59, 58, tzinfo=UTC)),
        ("0", datetime(1970, 1, 1, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        ("9" * 30, None),
    ],
)
def test_times_in_words(text: str, at: datetime | None) -> None:
    assert time_in_words(text) == at


@pytest.mark.parametrize(
    ("number", "shown"),
    [("447700900000", "+447700900000"), ("+447700900000", "+447700900000"), ("12345", "12345"),
     ("Acme", "Acme"), ("", "")],
)  # fmt: skip
def test_numbers_get_their_plus(number: str, shown: str) -> None:
    assert with_plus(number) == shown
