"""A ramp never goes back, never beyond its pace, and how long it takes is what its rates say."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.campaign_pace import Pace, Ramp
from domain.contract.campaign_pace import Pace as Asked
from domain.errors import Invalid
from services.fields import validated

SECONDS = st.floats(1, 10_000)


@st.composite
def paces(draw: st.DrawFn) -> Pace:
    per_second = draw(st.floats(0.1, 100_000))
    start = per_second * draw(st.floats(0.001, 0.999))
    over, doubles = draw(st.sampled_from([(True, False), (False, True)]))
    seconds = draw(SECONDS)
    return Pace(per_second, Ramp(start, seconds if over else None, seconds if doubles else None))


@given(paces(), st.lists(st.floats(0, 1e7), min_size=2))
def test_it_rises_from_its_start_to_its_pace(pace: Pace, times: list[float]) -> None:
    ramp = pace.ramp
    assert ramp is not None
    rates = [pace.rate_at(one) for one in sorted(times)]
    assert rates == sorted(rates)
    assert all(ramp.start_per_second <= one <= pace.per_second for one in rates)
    assert pace.rate_at(0) == pytest.approx(ramp.start_per_second)
    assert pace.rate_at(1e9) == pace.per_second


@settings(max_examples=50, deadline=None)
@given(paces(), st.floats(0, 1))
def test_the_seconds_for_messages_are_those_in_which_its_rates_let_so_many_go(
    pace: Pace, share: float
) -> None:
    ramp = pace.ramp
    assert ramp is not None
    span = ramp.over_seconds or (ramp.doubles_every_seconds or 0) * 12
    end, steps = span * share * 2, 2_400
    width = end / steps
    sent = sum(pace.rate_at((n + 0.5) * width) * width for n in range(steps))
    assert pace.seconds_for(sent) == pytest.approx(end, rel=0.02, abs=width)


def test_a_mailbox_warms_up_by_doubling_each_day() -> None:
    pace = Pace(10, Ramp(1, doubles_every_seconds=86_400))
    days = [pace.rate_at(day * 86_400 + 5) for day in range(6)]
    assert days == [1, 2, 4, 8, 10, 10]


def ramped(**ramp: float) -> dict[str, object]:
    return {"per_second": 5, "ramp": ramp}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({"per_second": 0}, "per_second"),
        ({"per_second": -1}, "per_second"),
        ({"per_second": "nan"}, "per_second"),
        ({"ramp": {"start_per_second": 1, "over_seconds": 5}}, "per_second"),
        (ramped(start_per_second=5, over_seconds=9), "ramp.start_per_second"),
        (ramped(start_per_second=0, over_seconds=9), "ramp.start_per_second"),
        (ramped(start_per_second=1), "ramp.over_seconds"),
        (ramped(start_per_second=1, over_seconds=0), "ramp.over_seconds"),
        (
            ramped(start_per_second=1, over_seconds=9, doubles_every_seconds=9),
            "ramp.over_seconds",
        ),
    ],
)
def test_nonsense_is_named(document: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        validated(Asked, document)
    assert [one.field for one in refused.value.errors] == [field]
