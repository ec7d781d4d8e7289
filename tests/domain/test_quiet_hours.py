"""Quiet hours on the recipient's wall clock, through the days on which it is changed."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.quiet_hours import QuietHours, quiet_until, zone_of

NIGHT = QuietHours(time(22), time(7, 30))
ZONES = (
    "Etc/UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu",
    "Pacific/Apia", "Africa/Casablanca", "Antarctica/Troll", "America/Sao_Paulo",
)  # fmt: skip
CHANGES = tuple(
    datetime.fromisoformat(f"{day}T00:00:00Z")
    for day in (
        "2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04",
        "2011-12-29",  # the day that Samoa left out comes after it
    )
)  # fmt: skip
MOMENTS = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from([*CHANGES, datetime(2026, 6, 1, tzinfo=UTC)]),
    st.integers(-1_440, 2_880),
)
TIMES = st.times().map(lambda value: value.replace(second=0, microsecond=0))
QUIET = st.builds(QuietHours, TIMES, TIMES).filter(lambda one: one.start != one.end)


def reads(at: datetime, zone: str) -> time:
    return at.astimezone(ZoneInfo(zone)).time()


@pytest.mark.parametrize(
    ("at", "until"),
    [
        ("2026-06-01T19:59:59Z", None),
        ("2026-06-01T20:00:00Z", "2026-06-02T05:30:00Z"),
        ("2026-06-02T05:29:59Z", "2026-06-02T05:30:00Z"),
        ("2026-06-02T05:30:00Z", None),
    ],
)
def test_the_zone_of_the_recipient_counts(at: str, until: str | None) -> None:
    found = quiet_until(NIGHT, datetime.fromisoformat(at), ZoneInfo("Europe/Paris"))
    assert found == (until and datetime.fromisoformat(until))


def test_an_end_in_the_gap_of_spring_is_the_moment_after_the_gap() -> None:
    paris = ZoneInfo("Europe/Paris")
    at = datetime(2026, 3, 29, 0, 10, tzinfo=UTC)
    found = quiet_until(QuietHours(time(22), time(2, 30)), at, paris)
    assert found == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
    assert reads(found, "Europe/Paris") == time(3, 0)


def test_a_repeated_hour_is_quiet_twice() -> None:
    paris, quiet = ZoneInfo("Europe/Paris"), QuietHours(time(2), time(2, 30))
    first = datetime(2026, 10, 25, 0, 10, tzinfo=UTC)
    second = first + timedelta(hours=1)
    assert reads(first, "Europe/Paris") == reads(second, "Europe/Paris") == time(2, 10)
    assert quiet_until(quiet, first, paris) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert quiet_until(quiet, second, paris) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_a_clock_set_back_to_a_time_that_is_not_quiet_ends_the_quiet() -> None:
    new_york, quiet = ZoneInfo("America/New_York"), QuietHours(time(1, 30), time(2, 30))
    at = datetime(2026, 11, 1, 5, 45, tzinfo=UTC)
    assert quiet_until(quiet, at, new_york) == datetime(2026, 11, 1, 6, 0, tzinfo=UTC)


def test_a_zone_that_there_is_not_is_utc() -> None:
    assert [zone_of(name) for name in (None, "Mars/Base", "../etc", "")] == [UTC] * 4


@given(QUIET, MOMENTS, st.sampled_from(ZONES))
def test_it_ends_at_the_first_moment_whose_clock_is_not_quiet(
    quiet: QuietHours, at: datetime, zone: str
) -> None:
    found = quiet_until(quiet, at, ZoneInfo(zone))
    if reads(at, zone) not in quiet:
        assert found is None
        return
    assert found is not None
    assert found > at
    assert reads(found, zone) not in quiet
    moment = at
    while moment < found:
        assert reads(moment, zone) in quiet
        moment += timedelta(minutes=5)
    assert reads(found - timedelta(seconds=1), zone) in quiet
