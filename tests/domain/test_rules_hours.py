"""Allowed hours: for any clock and zone, only inside of them, and as soon as they open."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.rules import Rule, RuleKind
from domain.rules_hours import hold_until, opens_at

ZONES = ["UTC", "America/New_York", "Europe/Paris", "Asia/Kathmandu", "Australia/Lord_Howe"]
clocks = st.times().map(lambda one: one.strftime("%H:%M"))
moments = st.datetimes(datetime(2024, 1, 1), datetime(2031, 1, 1)).map(  # noqa: DTZ001
    lambda one: one.replace(tzinfo=UTC, microsecond=0)
)
NEVER = datetime(2050, 1, 1, tzinfo=UTC)


def hours(start: str, end: str, zone: str = "recipient", **more: object) -> dict[str, object]:
    return {"start": start, "end": end, "timezone": zone, **more}


def inside(asked: dict[str, object], moment: datetime, zone: str) -> bool:
    """Whether a clock on the wall shows a time between start and end; days are not looked at."""
    wall = moment.astimezone(ZoneInfo(zone)).time().replace(tzinfo=None)
    start = time.fromisoformat(str(asked["start"]))
    end = time.fromisoformat(str(asked["end"]))
    return start <= wall < end if start < end else wall >= start or wall < end


@settings(deadline=None, max_examples=60)
@given(clocks, clocks, moments, st.sampled_from(ZONES))
def test_a_message_waits_until_it_may_go_and_no_longer(
    start: str, end: str, now: datetime, zone: str
) -> None:
    assume(start != end)
    asked = hours(start, end)
    until = opens_at(asked, now, zone)
    if until is None:
        return
    assert now < until <= now + timedelta(days=3)
    assert opens_at(asked, until, zone) is None, "open when it is said to open"
    assert opens_at(asked, until - timedelta(seconds=1), zone) == until, "and not before"


@settings(deadline=None, max_examples=60)
@given(clocks, clocks, moments, st.sampled_from(["UTC", "Asia/Kathmandu"]))
def test_it_agrees_with_the_clock_on_the_wall(
    start: str, end: str, now: datetime, zone: str
) -> None:
    """In zones whose clock never changes; elsewhere the two differ for the hour of a change."""
    assume(start != end)
    asked = hours(start, end)
    assert (opens_at(asked, now, zone) is None) == inside(asked, now, zone)


@settings(deadline=None, max_examples=60)
@given(moments, st.lists(st.integers(1, 7), min_size=1, max_size=7), st.sampled_from(ZONES))
def test_days_are_those_of_the_place(now: datetime, days: list[int], zone: str) -> None:
    asked = hours("09:00", "17:00", days=days)
    at = opens_at(asked, now, zone) or now
    assert at.astimezone(ZoneInfo(zone)).isoweekday() in days
    assert inside(asked, at, zone)


def test_hours_are_counted_where_the_recipient_is() -> None:
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    asked = hours("09:00", "17:00")
    assert opens_at(asked, now, "Europe/Paris") is None
    assert opens_at(asked, now, "America/New_York") == datetime(2026, 3, 2, 14, tzinfo=UTC)
    assert opens_at(asked, now, None) is None, "UTC, where no zone is known"
    assert opens_at(asked, now, "No/Where") is None
    there = hours("09:00", "17:00", "America/New_York")
    assert opens_at(there, now, "Europe/Paris") == datetime(2026, 3, 2, 14, tzinfo=UTC)


def test_hours_past_midnight_belong_to_the_day_they_start_on() -> None:
    friday = hours("22:00", "02:00", "UTC", days=[5])
    assert opens_at(friday, datetime(2026, 3, 7, 1, 0, tzinfo=UTC), None) is None
    at = opens_at(friday, datetime(2026, 3, 7, 2, 0, tzinfo=UTC), None)
    assert at == datetime(2026, 3, 13, 22, 0, tzinfo=UTC)


def test_a_gap_of_the_clock_moves_the_opening_to_its_end() -> None:
    # 2026-03-08: 02:00 EST becomes 03:00 EDT.
    asked = hours("02:30", "06:00", "America/New_York")
    before = datetime(2026, 3, 8, 6, 0, tzinfo=UTC)
    assert opens_at(asked, before, None) == datetime(2026, 3, 8, 7, 30, tzinfo=UTC)
    lost = hours("02:15", "02:45", "America/New_York")
    at = opens_at(lost, before, None)
    assert at is not None
    assert opens_at(lost, at, None) is None


@settings(deadline=None, max_examples=60)
@given(moments, clocks, clocks, clocks, clocks)
def test_all_rules_must_be_open(now: datetime, a: str, b: str, c: str, d: str) -> None:
    assume(a != b and c != d)
    rules = [
        Rule("one", RuleKind.HOURS, None, hours(a, b)),
        Rule("two", RuleKind.HOURS, None, hours(c, d)),
    ]
    held = hold_until(rules, now, "UTC", latest=NEVER)
    if held is None:
        assert all(opens_at(one.settings, now, "UTC") is None for one in rules)
        return
    until, name = held
    assert name in ("one", "two")
    assert until >= NEVER or all(opens_at(one.settings, until, "UTC") is None for one in rules)


def test_what_may_never_go_is_held_to_its_end() -> None:
    rules = [
        Rule("morning", RuleKind.HOURS, None, hours("08:00", "09:00", "UTC")),
        Rule("evening", RuleKind.HOURS, None, hours("20:00", "21:00", "UTC")),
    ]
    now = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
    latest = now + timedelta(days=1)
    held = hold_until(rules, now, None, latest=latest)
    assert held is not None
    assert held[0] >= latest
    assert held[1] == "morning"
