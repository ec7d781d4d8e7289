"""Rotas: at each moment one is on duty, whatever clocks do, and who comes next."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.rota import Override, Rota, Turn, next_of

A, B, C, D = (UUID(int=number) for number in range(1, 5))
PARIS = "Europe/Paris"
ZONES = (
    "UTC", PARIS, "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "America/Sao_Paulo",
    "Asia/Kathmandu", "Africa/Casablanca",
)  # fmt: skip
MOMENTS = st.integers(1_262_304_000, 2_051_222_400).map(lambda at: datetime.fromtimestamp(at, UTC))


def paris(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(PARIS)).astimezone(UTC)


def a_rota(**given: object) -> Rota:
    usual = {
        "members": (A, B, C), "every": Turn.WEEK, "start": date(2030, 1, 7),
        "handover": time(9), "timezone": PARIS,
    }  # fmt: skip
    return Rota(**{**usual, **given})  # type: ignore[arg-type]


@st.composite
def rotas(draw: st.DrawFn) -> Rota:
    overrides = draw(
        st.lists(
            st.builds(
                lambda who, start, days: Override(who, start, start + days),
                st.sampled_from([A, D]), MOMENTS,
                st.timedeltas(timedelta(minutes=1), timedelta(days=40)),
            ),
            max_size=3,
        )
    )  # fmt: skip
    return Rota(
        members=tuple(draw(st.lists(st.sampled_from([A, B, C]), min_size=1, max_size=4))),
        every=draw(st.sampled_from(Turn)),
        start=draw(st.dates(date(2009, 1, 1), date(2012, 6, 1))),
        handover=draw(st.times()).replace(second=0, microsecond=0),
        timezone=draw(st.sampled_from(ZONES)),
        overrides=tuple(overrides),
    )


@settings(max_examples=60, deadline=None)
@given(rotas(), MOMENTS)
def test_exactly_one_turn_runs_at_each_moment_from_the_start_on(rota: Rota, at: datetime) -> None:
    number = rota.turn(at)
    assert rota.begins(number) <= at < rota.begins(number + 1) or (
        # Where a zone leaves out the day of a handover, the turn of that day has no time.
        rota.begins(number) == rota.begins(number + 1)
    )
    days = 7 if rota.every is Turn.WEEK else 1
    shown = rota.begins(number).astimezone(ZoneInfo(rota.timezone))
    wanted = datetime.combine(rota.start + timedelta(days=number * days), rota.handover)
    assert shown.replace(tzinfo=None) >= wanted
    if at < rota.begins(0):
        assert number < 0
        assert rota.on_duty(at) in {None, A, D}
    else:
        assert rota.on_duty(at) is not None


@settings(max_examples=60, deadline=None)
@given(rotas(), MOMENTS, st.timedeltas(timedelta(minutes=1), timedelta(days=60)))
def test_shifts_cover_the_time_once_and_agree_with_who_is_on_duty(
    rota: Rota, start_at: datetime, span: timedelta
) -> None:
    end_at = start_at + span
    shifts = rota.shifts(start_at, end_at)
    assert all(one.start_at < one.end_at for one in shifts)
    if start_at >= rota.begins(0):
        assert shifts[0].start_at == start_at
        assert shifts[-1].end_at == end_at
        assert all(one.end_at == other.start_at for one, other in pairwise(shifts))
    for one in shifts:
        for at in (one.start_at, one.start_at + (one.end_at - one.start_at) / 2):
            assert rota.on_duty(at) == one.profile_id


@settings(max_examples=60, deadline=None)
@given(rotas(), MOMENTS)
def test_the_order_begins_with_who_is_on_duty_and_names_each_once(rota: Rota, at: datetime) -> None:
    order = rota.order(at)
    assert order[:1] == [one for one in [rota.on_duty(at)] if one]
    assert len(order) == len(set(order))
    if order and rota.turn(at) >= 0:
        assert set(order) == {*rota.members, order[0]}


@pytest.mark.parametrize(
    ("at", "on_duty"),
    [
        (paris(2030, 1, 7, 8, 59), None),
        (paris(2030, 1, 7, 9), A),
        (paris(2030, 1, 14, 8, 59), A),
        (paris(2030, 1, 14, 9), B),
        # Clocks go forward on 31 March 2030, and back on 27 October: handovers stay at 09:00.
        (paris(2030, 4, 1, 8, 59), C),
        (paris(2030, 4, 1, 9), A),
        (paris(2030, 10, 28, 8, 59), C),
        (paris(2030, 10, 28, 9), A),
    ],
)
def test_turns_are_handed_over_on_the_wall_clock(at: datetime, on_duty: UUID | None) -> None:
    assert a_rota().on_duty(at) == on_duty


def test_a_handover_in_a_gap_is_its_end_and_a_repeated_one_happens_once() -> None:
    daily = a_rota(every=Turn.DAY, handover=time(2, 30), start=date(2030, 3, 30))
    assert daily.begins(1) == datetime(2030, 3, 31, 1, tzinfo=UTC)  # 02:30 is 03:00 then
    back = a_rota(every=Turn.DAY, handover=time(2, 30), start=date(2030, 10, 26))
    first = datetime(2030, 10, 27, 0, 30, tzinfo=UTC)
    assert [back.turn(first + timedelta(minutes=n)) for n in (-1, 0, 59, 60, 61)] == [0, 1, 1, 1, 1]


def test_an_override_stands_in_and_who_is_replaced_comes_last() -> None:
    away = Override(D, paris(2030, 1, 15), paris(2030, 1, 17))
    rota = a_rota(overrides=(away,))
    assert rota.order(paris(2030, 1, 16)) == [D, C, A, B]
    assert rota.order(paris(2030, 1, 17)) == [B, C, A]
    swapped = a_rota(overrides=(Override(C, away.start_at, away.end_at),))
    assert swapped.order(paris(2030, 1, 16)) == [C, A, B]
    # Before the start only who stands in can be asked.
    early = a_rota(overrides=(Override(D, paris(2030, 1, 1), paris(2030, 1, 2)),))
    assert early.order(paris(2030, 1, 1, 12)) == [D]
    assert a_rota(members=()).order(paris(2030, 1, 16)) == []
    both = a_rota(overrides=(away, Override(A, paris(2030, 1, 16), paris(2030, 2, 1))))
    assert both.on_duty(paris(2030, 1, 16, 1)) == A


def test_the_next_is_who_was_not_told_yet_and_then_who_was_told_longest_ago() -> None:
    assert next_of([A, B, C], []) == A
    assert next_of([A, B, C], [A]) == B
    assert next_of([A, B, C], [D, B]) == A
    assert next_of([A, B, C], [A, B, C]) == A
    assert next_of([A, B, C], [A, B, C, A]) == B
    assert next_of([], [A]) is None
