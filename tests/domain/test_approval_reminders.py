"""Reminders: at once, after each interval, before the deadline; each once, however late we look."""

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import given

from domain.approval_reminders import LAST_CALL, REMIND_EVERY, Asking, asking
from domain.approvals import Policy

START = datetime(2030, 1, 31, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def heard(about: Asking, looks: list[datetime]) -> list[datetime]:
    """Return the looks at which approvers were reminded."""
    reminded: list[datetime] = []
    for now in looks:
        if about.is_due(now, reminded[-1] if reminded else None):
            reminded.append(now)
    return reminded


def walked(about: Asking, most: int = 200) -> list[datetime]:
    """Look whenever there is something to do, and return when that was."""
    looks = [about.asked_at]
    while len(looks) < most and (coming := about.next(looks[-1])) is not None:
        looks.append(coming)
    return looks


def test_a_day_apart_and_two_hours_before_the_deadline() -> None:
    about = asking([], START, START + 50 * HOUR)
    assert heard(about, walked(about)) == [START + n * HOUR for n in (0, 24, 48)]
    about = asking([], START, START + 54 * HOUR)
    assert heard(about, walked(about)) == [START + n * HOUR for n in (0, 24, 48, 52)]
    assert walked(about)[-1] == about.deadline
    assert about.is_over(START + 54 * HOUR)
    assert not about.is_over(START + 54 * HOUR - timedelta(microseconds=1))


def test_the_shortest_interval_and_the_earliest_deadline_count() -> None:
    weekly = Policy("a", remind_every=7 * 24 * HOUR, deadline=72 * HOUR)
    often = Policy("b", remind_every=6 * HOUR)
    about = asking([weekly, often], START, START + 80 * HOUR)
    assert (about.every, about.deadline) == (6 * HOUR, START + 72 * HOUR)
    assert asking([weekly], START, START + HOUR).deadline == START + HOUR
    assert asking([Policy("c")], START, None).every is None
    assert asking([], START, None).every == REMIND_EVERY


@given(
    st.none() | st.integers(1, 60), st.none() | st.integers(1, 4_000),
    st.lists(st.integers(0, 4_200), max_size=40),
)  # fmt: skip
def test_each_moment_is_made_up_for_once(
    every: int | None, deadline: int | None, minutes: list[int]
) -> None:
    minute = timedelta(minutes=1)
    ends = deadline * minute if deadline else None
    about = Asking(START, every * minute if every else None, START + ends if ends else None)
    moments = {START} | ({START + n * every * minute for n in range(4_300)} if every else set())
    if ends is not None:
        moments.add(START + ends - min(LAST_CALL, ends / 2))
    looks = sorted(START + n * minute for n in minutes)
    reminded: datetime | None = None
    for now in looks:
        over = about.deadline is not None and now >= about.deadline
        open_ = [one for one in moments if one <= now and (reminded is None or one > reminded)]
        due = about.is_due(now, reminded)
        assert due == (bool(open_) and not over)
        reminded = now if due else reminded
        coming = [one for one in moments if one > now]
        coming += [about.deadline] if about.deadline and about.deadline > now else []
        assert about.next(now) == (None if over else min(coming, default=None))
