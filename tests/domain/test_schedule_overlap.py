"""Overlap policies: no time is forgotten, and none fires out of turn."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.contract.schedule import Overlap
from domain.schedule_overlap import MOST_WAITING, decide

DUE = [datetime(2030, 1, 1, tzinfo=UTC) + timedelta(minutes=n) for n in range(4)]


@given(
    overlap=st.sampled_from(Overlap),
    due=st.integers(0, 4),
    busy=st.booleans(),
    waiting=st.integers(0, MOST_WAITING + 1),
)
def test_every_time_has_one_fate(overlap: Overlap, due: int, busy: bool, waiting: int) -> None:
    found = decide(overlap, DUE[:due], busy=busy, waiting=waiting)
    assert sorted(found.fire + found.wait + found.drop) == DUE[:due]
    if overlap not in (Overlap.ALLOW_ALL, Overlap.CANCEL_OTHER):
        assert len(found.fire) <= (0 if busy or waiting else 1)
        assert not found.cancel


@pytest.mark.parametrize(
    ("overlap", "busy", "waiting", "fates"),
    [
        (Overlap.ALLOW_ALL, True, 0, (4, 0, 0)),
        (Overlap.SKIP, False, 0, (1, 0, 3)),
        (Overlap.SKIP, True, 0, (0, 0, 4)),
        (Overlap.BUFFER_ONE, False, 0, (1, 1, 2)),
        (Overlap.BUFFER_ONE, True, 0, (0, 1, 3)),
        (Overlap.BUFFER_ONE, True, 1, (0, 0, 4)),
        (Overlap.BUFFER_ALL, True, 7, (0, 4, 0)),
        (Overlap.CANCEL_OTHER, True, 0, (1, 0, 3)),
    ],
)
def test_each_policy(
    overlap: Overlap, busy: bool, waiting: int, fates: tuple[int, int, int]
) -> None:
    found = decide(overlap, DUE, busy=busy, waiting=waiting)
    assert (len(found.fire), len(found.wait), len(found.drop)) == fates


def test_the_newest_takes_the_place_of_what_is_cancelled() -> None:
    found = decide(Overlap.CANCEL_OTHER, DUE, busy=True, waiting=0)
    assert (found.fire, found.cancel) == (DUE[-1:], True)
