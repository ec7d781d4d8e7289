"""The front of a queue is remembered for a while, and no longer."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest

from workers.fronts import Fronts

AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_front_is_remembered_between_two_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    fronts, queue = Fronts(), (uuid4(), "low")
    assert fronts.seen({queue: AT}, 15) == {queue: AT}
    now = 114.0
    assert fronts.seen({}, 15) == {queue: AT}
    now = 116.0
    assert fronts.seen({}, 15) == {}
