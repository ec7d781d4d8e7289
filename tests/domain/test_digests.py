"""When digests leave, on the wall clock of their recipients, and what goes into none."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.category import Category
from domain.decision import ALLOWED, Decision, Question, decide
from domain.delivery import Unplanned
from domain.digest_decisions import collect, wanted
from domain.digests import Daily, Window, next_daily, uncollectable
from domain.ids import new_id
from domain.preferences import Preferences
from domain.quiet_hours import QuietHours
from domain.vocabulary import CategoryClass, Channel, Priority, State
from tests.domain.test_quiet_hours import MOMENTS, TIMES, ZONES

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
NEWS = Category("news", "News", CategoryClass.BULK, False, Priority.LOW)
EIGHT = Daily(time(8))
WINDOW = Window("orders", 3_600)


def asked(**given: object) -> Question:
    usual = {"category": NEWS, "channel": Channel.EMAIL, "at": NOW}
    return Question(**{**usual, **given})  # type: ignore[arg-type]


def a_message(**given: object) -> Unplanned:
    usual = {
        "id": new_id(), "module_id": new_id(), "category": "news", "class_": CategoryClass.BULK,
        "priority": "low", "channels": (Channel.EMAIL,), "channel_policy": "first_success",
        "profile_id": new_id(), "recipient": {}, "used": frozenset(),
        "expires_at": NOW + timedelta(days=3), "window": WINDOW,
    }  # fmt: skip
    return Unplanned(**{**usual, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("at", "zone", "daily", "leaves"),
    [
        ("2026-06-01T05:59:59Z", "Europe/Paris", time(8), "2026-06-01T06:00:00Z"),
        ("2026-06-01T06:00:00Z", "Europe/Paris", time(8), "2026-06-02T06:00:00Z"),
        # On the day before the clock goes forward, the night is an hour shorter.
        ("2026-03-28T07:00:00Z", "Europe/Paris", time(8), "2026-03-29T06:00:00Z"),
        # A time in the gap is the moment after it; one that comes twice counts once.
        ("2026-03-28T12:00:00Z", "Europe/Paris", time(2, 30), "2026-03-29T01:00:00Z"),
        ("2026-10-24T12:00:00Z", "Europe/Paris", time(2, 30), "2026-10-25T00:30:00Z"),
        ("2026-10-25T00:30:00Z", "Europe/Paris", time(2, 30), "2026-10-26T01:30:00Z"),
        # Samoa left out 30 December 2011.
        ("2011-12-29T20:00:00Z", "Pacific/Apia", time(8), "2011-12-30T10:00:00Z"),
    ],
)
def test_a_day_goes_by_the_wall_clock(at: str, zone: str, daily: time, leaves: str) -> None:
    found = next_daily(Daily(daily), datetime.fromisoformat(at), ZoneInfo(zone))
    assert found == datetime.fromisoformat(leaves)


@given(MOMENTS, st.sampled_from(ZONES), TIMES)
def test_it_leaves_later_and_within_a_day_and_what_a_clock_is_set_back(
    at: datetime, zone: str, daily: time
) -> None:
    place = ZoneInfo(zone)
    found = next_daily(Daily(daily), at, place)
    assert timedelta() < found - at <= timedelta(hours=27)
    local = found.astimezone(place)
    before = (found - timedelta(seconds=1)).astimezone(place)
    in_gap = local.utcoffset() != before.utcoffset()
    assert local.time() == daily or in_gap
    assert not local.fold or in_gap


@given(MOMENTS, st.sampled_from(ZONES), TIMES, st.integers(1, 3_600))
def test_whoever_comes_before_it_leaves_leaves_with_it(
    at: datetime, zone: str, daily: time, seconds: int
) -> None:
    place = ZoneInfo(zone)
    found = next_daily(Daily(daily), at, place)
    later = min(at + timedelta(seconds=seconds), found - timedelta(microseconds=1))
    assert next_daily(Daily(daily), later, place) == found


def test_what_the_recipient_chose_comes_before_what_was_asked_for() -> None:
    chosen = Preferences(digest={"news": EIGHT})
    assert wanted(a_message(), Channel.EMAIL, chosen) is EIGHT
    assert wanted(a_message(category="bulk"), Channel.EMAIL, chosen) is WINDOW
    assert wanted(a_message(window=None), Channel.EMAIL, Preferences()) is None


def test_what_is_urgent_or_cannot_be_one_of_several_is_not_collected() -> None:
    chosen = Preferences(digest={"news": EIGHT})
    assert wanted(a_message(priority="high"), Channel.EMAIL, chosen) is None
    with_file = a_message(uncollected=frozenset([Channel.EMAIL]))
    assert wanted(with_file, Channel.EMAIL, chosen) is None
    assert wanted(with_file, Channel.SMS, chosen) is EIGHT
    words: list[dict[str, Any]] = [
        {"email": {"attachments": [{}]}},
        {"whatsapp": {"template": "x"}},
        {"sms": {}},
    ]
    assert uncollectable(words) == [Channel.EMAIL, Channel.WHATSAPP]
    assert uncollectable([{"email": {"attachments": None}}]) == []


def test_a_digest_that_falls_into_quiet_hours_leaves_when_they_end() -> None:
    night = Preferences(quiet_hours=QuietHours(time(22), time(7, 30)), digest={"news": EIGHT})
    early = Preferences(quiet_hours=night.quiet_hours, digest={"news": Daily(time(6))})
    at_night = asked(at=NOW.replace(hour=23))
    for preferences, leaves in ((night, time(8)), (early, time(7, 30))):
        decision = collect(
            decide(preferences, at_night), preferences.digest["news"], preferences, at_night
        )
        assert (decision.state, decision.reason) == (State.HELD, "digest")
        assert decision.due_at == datetime.combine(NOW.date() + timedelta(days=1), leaves, UTC)
        assert [(one.rule, one.effect.value) for one in decision.rules] == [("digest", "holds")]


def test_what_does_not_go_out_is_not_collected_either() -> None:
    refused = Decision(State.SUPPRESSED, "preference", ())
    assert collect(refused, EIGHT, Preferences(), asked()) is refused


def test_what_waited_on_another_channel_in_vain_goes_now() -> None:
    assert collect(ALLOWED, WINDOW, Preferences(), asked(), again=True).due_at == NOW
    first = collect(ALLOWED, WINDOW, Preferences(), asked())
    assert first.due_at == NOW + timedelta(hours=1)
