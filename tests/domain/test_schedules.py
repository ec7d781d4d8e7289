"""When schedules fire: against slow, plain readings of the same rules, over ten years."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.calendars import BadField, parse
from domain.cron import parse_cron
from domain.schedules import Every, Once, Timing, count, jittered, next_time, next_times, times

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2036, 1, 1, tzinfo=UTC)
ZONES = ("Europe/Paris", "America/New_York", "Australia/Lord_Howe", "America/Sao_Paulo", "UTC",
         "Asia/Kathmandu", "Africa/Casablanca", "Pacific/Auckland")  # fmt: skip
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def cron(line: str, zone: str = "UTC", **more: Any) -> Timing:
    return Timing(parse_cron(line), BEGIN, zone, **more)


def calendar(zone: str = "UTC", **fields: Any) -> Timing:
    return Timing((parse(fields),), BEGIN, zone)


def within(timing: Timing, begin: datetime = BEGIN, end: datetime = END) -> list[datetime]:
    found = []
    for moment in times(timing, begin - timedelta(microseconds=1)):
        if moment >= end:
            break
        found.append(moment)
    return found


@cache
def first_shown(day: date, clock: time, zone: ZoneInfo) -> datetime:
    """The first minute at which a zone's clocks show a time or, leaving it out, a later one."""
    local = datetime.combine(day, clock)
    moment = datetime.combine(day, clock, UTC) - timedelta(hours=14)
    while moment.astimezone(zone).replace(tzinfo=None) < local:
        moment += timedelta(minutes=1)
    return moment


def days_of(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days)]


@settings(max_examples=20, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    months=st.none() | st.sets(st.integers(1, 12), min_size=1, max_size=4),
    days=st.none() | st.sets(st.integers(1, 31) | st.just("last"), min_size=1, max_size=4),
    weekdays=st.none() | st.sets(st.integers(0, 6), min_size=1, max_size=3),
    skip=st.sets(st.dates(date(2026, 1, 1), date(2035, 12, 31)), max_size=20),
    clock=st.times(time(4), time(21)).map(lambda t: t.replace(second=0, microsecond=0)),
)
def test_a_calendar_fires_on_exactly_its_days_for_ten_years(
    zone: str, months: Any, days: Any, weekdays: Any, skip: set[date], clock: time
) -> None:
    """At hours that every zone always has; the next test is about the others."""
    fields = {
        name: sorted(value, key=str)
        for name, value in (("month", months), ("day", days), ("weekday", weekdays))
        if value is not None
    }
    timing = Timing(
        (parse({**fields, "hour": clock.hour, "minute": clock.minute}),), BEGIN, zone,
        skip=frozenset(skip),
    )  # fmt: skip

    def wanted(day: date) -> bool:
        last = day.day == monthrange(day.year, day.month)[1]
        return (
            day not in skip
            and (months is None or day.month in months)
            and (days is None or day.day in days or (last and "last" in days))
            and (weekdays is None or (day.weekday() + 1) % 7 in weekdays)
        )

    here = ZoneInfo(zone)
    expected = [
        datetime.combine(day, clock, here).astimezone(UTC)
        for day in days_of(date(2025, 12, 30), date(2036, 1, 3))
        if wanted(day)
    ]
    assert within(timing) == [moment for moment in expected if BEGIN <= moment < END]


CHANGES = (
    ("Europe/Paris", date(2027, 3, 28)), ("Europe/Paris", date(2027, 10, 31)),
    ("America/New_York", date(2028, 3, 12)), ("America/New_York", date(2028, 11, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)), ("Australia/Lord_Howe", date(2027, 4, 4)),
    ("Pacific/Apia", date(2011, 12, 30)), ("Asia/Beirut", date(2022, 3, 27)),
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(
    change=st.sampled_from(CHANGES),
    hours=st.sets(st.integers(0, 23), min_size=1, max_size=4),
    minutes=st.sets(st.sampled_from((0, 5, 15, 29, 30, 31, 45, 59)), min_size=1, max_size=3),
)
def test_where_clocks_change_each_time_of_the_wall_fires_once(
    change: tuple[str, date], hours: set[int], minutes: set[int]
) -> None:
    zone, day = change
    timing = calendar(zone, hour=sorted(hours), minute=sorted(minutes))
    days = days_of(day - timedelta(days=1), day + timedelta(days=2))
    expected = {
        first_shown(one, time(hour, minute), ZoneInfo(zone))
        for one in days
        for hour in hours
        for minute in minutes
    }
    begin, end = (first_shown(one, time(), ZoneInfo(zone)) for one in (days[0], days[-1]))
    last_day = end + timedelta(hours=23)
    found = within(timing, begin, last_day)
    assert found == sorted(moment for moment in expected if begin <= moment < last_day)


def test_a_gap_fires_at_its_end_and_a_repeated_hour_once() -> None:
    daily = cron("30 2 * * *", "Europe/Paris")
    assert next_time(daily, at(2027, 3, 27, 12)) == at(2027, 3, 28, 1)
    assert next_times(daily, at(2027, 10, 30, 12), 2) == [
        at(2027, 10, 31, 0, 30), at(2027, 11, 1, 1, 30),
    ]  # fmt: skip
    quarters = cron("*/15 2 * * *", "Europe/Paris")
    assert next_times(quarters, at(2027, 3, 27, 12), 2) == [at(2027, 3, 28, 1), at(2027, 3, 29, 0)]


PERIODS = st.one_of(
    st.builds(Every, seconds=st.integers(3_600, 90_000_000)),
    st.builds(Every, days=st.integers(1, 800)),
    st.builds(Every, months=st.integers(1, 50)),
)
MOMENTS = st.integers(0, 3 * 366 * 86_400).map(lambda n: BEGIN + timedelta(seconds=n))


@settings(max_examples=30, deadline=None)
@given(every=PERIODS, anchor=MOMENTS, zone=st.sampled_from(ZONES))
def test_periods_keep_their_step_for_ten_years(every: Every, anchor: datetime, zone: str) -> None:
    timing, here = Timing(every, anchor, zone, start_at=anchor), ZoneInfo(zone)
    found = within(timing)
    assert found[:1] == [anchor]
    assert all(one < next_ for one, next_ in pairwise(found))
    wall = anchor.astimezone(here)
    if every.seconds:
        assert {(two - one).total_seconds() for one, two in pairwise(found)} <= {every.seconds}
        return
    for moment in found:
        shown = moment.astimezone(here)
        if every.days:
            assert (shown.date() - wall.date()).days % every.days == 0
        else:
            months = (shown.year - wall.year) * 12 + shown.month - wall.month
            assert (months % every.months, shown.day) == (0, wall.day)
        exact = shown.replace(tzinfo=None).time() == wall.replace(tzinfo=None).time()
        assert (
            exact
            or shown.utcoffset() != (moment - timedelta(seconds=1)).astimezone(here).utcoffset()
        )
    if every.days:
        steps = {(two - one) // timedelta(hours=1) for one, two in pairwise(found)}
        assert all(abs(step - 24 * every.days) <= 2 for step in steps)
    else:
        assert len(found) <= 1 + 120 // every.months
        if wall.day <= 28:
            assert len(found) >= (2036 - anchor.year - 1) * 12 // every.months


def test_the_29th_of_february_is_in_leap_years_only() -> None:
    leap = [at(2028, 2, 29, 9), at(2032, 2, 29, 9)]
    assert within(Timing(Every(months=12), at(2028, 2, 29, 9))) == leap
    assert within(cron("0 9 29 2 *")) == leap
    assert within(calendar(month="feb", day=29, hour=9)) == leap


def test_the_end_of_the_month_is_asked_for_by_name() -> None:
    thirty_first = within(Timing(Every(months=1), at(2026, 1, 31, 9)))
    assert len(thirty_first) == 70
    assert {moment.day for moment in thirty_first} == {31}
    last = within(calendar(day="last", hour=9))
    assert len(last) == 120
    assert {(moment + timedelta(days=1)).day for moment in last} == {1}
    assert within(cron("0 9 L * *")) == last


def test_weekdays_of_the_month() -> None:
    assert within(calendar(weekday="mon#1"), at(2026, 1, 1), at(2026, 4, 1)) == [
        at(2026, 1, 5), at(2026, 2, 2), at(2026, 3, 2),
    ]  # fmt: skip
    assert within(cron("0 0 * * 5L"), at(2026, 1, 1), at(2026, 4, 1)) == [
        at(2026, 1, 30), at(2026, 2, 27), at(2026, 3, 27),
    ]  # fmt: skip
    assert within(calendar(weekday="fri-mon"), at(2026, 1, 5), at(2026, 1, 11)) == [
        at(2026, 1, 5), at(2026, 1, 9), at(2026, 1, 10),
    ]  # fmt: skip


def test_cron_takes_either_day_or_weekday_when_both_are_given() -> None:
    found = within(cron("0 0 13 * fri"), at(2026, 2, 1), at(2026, 3, 1))
    assert [moment.day for moment in found] == [6, 13, 20, 27]
    found = within(cron("0 0 1 * 7"), at(2026, 2, 1), at(2026, 2, 16))
    assert [moment.day for moment in found] == [1, 8, 15]
    assert within(cron("@monthly")) == within(calendar(day=1))


@pytest.mark.parametrize("line", ["0 0 30 2 *", "0 0 31 4,6,9,11 *"])
def test_what_never_comes_is_found_out(line: str) -> None:
    assert next_time(cron(line), BEGIN) is None


def test_a_rare_day_is_found() -> None:
    assert next_time(calendar(month=2, day=29, weekday="mon"), BEGIN) == at(2044, 2, 29)


@pytest.mark.parametrize(
    "line",
    ["", "* * * *", "* * * * * *", "60 * * * *", "0 24 * * *", "0 0 0 * *", "0 0 * 13 *",
     "0 0 * * mun", "*/0 * * * *", "5-1 * * * *", "a b c d e", "@reboot", "0 0 * * 1#6"],
)  # fmt: skip
def test_a_line_that_is_no_cron_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"five fields|minute|hour|day|month|weekday"):
        parse_cron(line)


@pytest.mark.parametrize(
    ("field", "value"),
    [("second", 60), ("minute", "x"), ("day", 0), ("month", "13"), ("year", "1970"),
     ("weekday", "mon#9"), ("hour", [1, "25"]), ("day", "9-3"), ("hour", "*/99999")],
)  # fmt: skip
def test_a_field_that_is_none_is_named(field: str, value: Any) -> None:
    with pytest.raises(BadField) as refused:
        parse({field: value})
    assert refused.value.field == field


def test_start_and_end_belong_to_it_and_skipped_days_do_not() -> None:
    first, last = at(2026, 6, 1, 9), at(2026, 6, 5, 9)
    daily = cron("0 9 * * *", start_at=first, end_at=last, skip=frozenset({date(2026, 6, 3)}))
    assert [moment.day for moment in within(daily)] == [1, 2, 4, 5]
    once = Timing(Once(first), BEGIN)
    assert within(once) == [first]
    assert next_time(once, first) is None


def test_a_day_is_skipped_as_the_zone_has_it() -> None:
    every = Timing(
        Every(seconds=21_600), at(2026, 6, 1), "America/New_York",
        skip=frozenset({date(2026, 6, 1)}),
    )  # fmt: skip
    assert next_times(every, at(2026, 5, 31, 23), 2) == [at(2026, 6, 1), at(2026, 6, 2, 6)]


@settings(max_examples=15, deadline=None)
@given(
    line=st.sampled_from(["*/7 1-3 * * *", "30 2 * * sun", "0 0 29 2 *", "59 23 L * *"]),
    zone=st.sampled_from(ZONES),
    begin=MOMENTS,
    taken=st.integers(0, 30),
)
def test_it_can_be_taken_up_anywhere(line: str, zone: str, begin: datetime, taken: int) -> None:
    timing = cron(line, zone)
    whole = next_times(timing, begin, 40)
    taken = min(taken, len(whole) - 5)
    assert next_times(timing, whole[taken - 1] if taken else begin, 5) == whole[taken : taken + 5]
    assert count(timing, begin, whole[-1], 1_000) == len(whole)


def test_jitter_is_bounded_and_always_alike() -> None:
    put_off = [jittered("sch_1", BEGIN + timedelta(minutes=n), 60) for n in range(200)]
    delays = {(moment - BEGIN).total_seconds() % 60 for moment in put_off}
    assert put_off == [jittered("sch_1", BEGIN + timedelta(minutes=n), 60) for n in range(200)]
    assert all(0 <= (moment - BEGIN - timedelta(minutes=n)).total_seconds() <= 60
               for n, moment in enumerate(put_off))  # fmt: skip
    assert len(delays) > 30
    assert jittered("sch_1", BEGIN, 0) == BEGIN
