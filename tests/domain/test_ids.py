"""Ids: readable, reversible, sorted by time."""

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import InvalidId, created_at, decode, encode, floor_id, new_id


@given(st.uuids())
def test_every_uuid_survives_the_round_trip(value: UUID) -> None:
    assert decode("ntf", encode("ntf", value)) == value


@given(st.text(max_size=40))
def test_any_other_text_is_refused_not_crashed_on(text: str) -> None:
    with contextlib.suppress(InvalidId):
        assert encode("ntf", decode("ntf", text)) == text


def test_another_prefix_is_refused() -> None:
    with pytest.raises(InvalidId):
        decode("prf", encode("ntf", new_id()))


def test_new_ids_are_version_7_and_carry_their_moment() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=2)
    value = new_id()
    assert value.version == 7
    assert value.variant == "specified in RFC 4122"
    assert before <= created_at(value) <= datetime.now(UTC)


def test_what_was_made_first_sorts_first_also_in_threads() -> None:
    with ThreadPoolExecutor(4) as pool:
        lists = list(pool.map(lambda _: [new_id() for _ in range(5_000)], range(4)))
    assert all(made == sorted(made) for made in lists)
    assert len({id for made in lists for id in made}) == 20_000


def test_ids_go_on_when_the_clock_goes_back_a_little_and_follow_it_when_it_goes_far(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = time.time_ns()
    made = []
    for back in (0, 400_000_000, 3_600_000_000_000):
        monkeypatch.setattr(time, "time_ns", lambda back=back: moment - back)
        made.append(new_id())
    assert made[2] < made[0] < made[1]


@given(
    st.datetimes(datetime(1971, 1, 1), datetime(9000, 1, 1)),  # noqa: DTZ001
    st.timedeltas(timedelta(milliseconds=1), timedelta(days=400)),
)
def test_floors_sort_by_time_in_both_forms(moment: datetime, later: timedelta) -> None:
    first = floor_id(moment.replace(tzinfo=UTC))
    second = floor_id(moment.replace(tzinfo=UTC) + later)
    if created_at(first) != created_at(second):
        assert first < second
        assert encode("ntf", first) < encode("ntf", second)


def test_a_floor_is_not_above_an_id_of_its_moment() -> None:
    value = new_id()
    assert floor_id(created_at(value)) <= value
