"""When a campaign may send: the site's clock or the recipient's, also when clocks change."""

from datetime import UTC, datetime, time

import pytest

from domain.campaign_window import OFF_HOURS, OpenHours, held_until, site_opens_at
from domain.rules import Rule, RuleKind

NIGHT = OpenHours(time(22), time(6))
LATEST = datetime(2027, 1, 1, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "zone", "until"),
    [
        ("2026-06-10T12:00", "Europe/Paris", "2026-06-10T20:00"),
        ("2026-06-10T21:00", "Europe/Paris", None),
        ("2026-06-10T12:00", "America/New_York", "2026-06-11T02:00"),
        ("2026-06-10T12:00", None, "2026-06-10T22:00"),
        # The clock goes forward on 29 March at 01:00 UTC: 22:00 is 20:00 UTC from then on.
        ("2026-03-29T05:00", "Europe/Paris", "2026-03-29T20:00"),
        # And back on 25 October: 06:00 is 05:00 UTC again.
        ("2026-10-25T04:59", "Europe/Paris", None),
        ("2026-10-25T05:00", "Europe/Paris", "2026-10-25T21:00"),
    ],
)
def test_hours_are_on_the_recipients_clock(now: str, zone: str | None, until: str | None) -> None:
    held = held_until(NIGHT, [], at(now), zone, latest=LATEST)
    assert held == ((at(until), OFF_HOURS) if until else None)


def test_the_recipients_hours_never_keep_the_campaign_itself() -> None:
    noon = at("2026-06-10T12:00")
    assert site_opens_at(NIGHT, noon) is None
    assert site_opens_at(None, noon) is None


def test_hours_of_a_site_are_on_its_clock_for_all() -> None:
    hours = OpenHours(time(22), time(6), "Europe/Paris")
    noon = at("2026-06-10T12:00")
    assert site_opens_at(hours, noon) == at("2026-06-10T20:00")
    assert site_opens_at(hours, at("2026-06-10T23:00")) is None
    assert held_until(hours, [], noon, "America/New_York", latest=LATEST) is None


def test_the_hours_of_a_rule_bind_as_well() -> None:
    day = {"start": "23:00", "end": "23:30", "timezone": "UTC"}
    rule = Rule("late", RuleKind.HOURS, None, day)
    shut = held_until(NIGHT, [rule], at("2026-06-10T12:00"), "Europe/Paris", latest=LATEST)
    assert shut == (at("2026-06-10T23:00"), "late")
