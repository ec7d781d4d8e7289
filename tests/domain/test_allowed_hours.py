"""Quiet and allowed hours together: looked at again and again, nothing breaks or drops too much."""

from datetime import UTC, datetime, time, timedelta

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from domain.allowed_hours import within_hours
from domain.category import Category
from domain.decision import Decision, Effect, Question, decide, strictest
from domain.decision import Rule as Told
from domain.preferences import Preferences
from domain.quiet_hours import QuietHours, quiet_until, zone_of
from domain.rules import Rule, RuleKind
from domain.rules_hours import opens_at
from domain.vocabulary import CategoryClass, Channel, Priority, State

NEWS = Category("news", "News", CategoryClass.BULK, mandatory=False, priority=Priority.LOW)
ZONE = "Europe/Paris"
START = datetime(2026, 10, 24, 12, tzinfo=UTC)
"""The day before its clocks are set back."""

clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
quiet_hours = st.builds(QuietHours, clocks, clocks).filter(lambda one: one.start != one.end)


def office(start: time, end: time, days: list[int]) -> Rule:
    clock = {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}", "timezone": "recipient"}
    return Rule("office", RuleKind.HOURS, None, {**clock, "days": days})


def look(chosen: Preferences, rule: Rule, at: datetime, expires_at: datetime) -> Decision:
    asked = Question(NEWS, Channel.EMAIL, at, timezone=ZONE, expires_at=expires_at)
    return within_hours(decide(chosen, asked), [rule], at, ZONE, expires_at=expires_at)


@settings(deadline=None, max_examples=80)
@given(
    quiet_hours,
    clocks,
    clocks,
    st.lists(st.integers(1, 7), min_size=1, max_size=7, unique=True),
    st.integers(0, 5_000),
    st.integers(1, 8_000),
)
def test_it_goes_as_soon_as_both_are_open_and_never_before(
    quiet: QuietHours, start: time, end: time, days: list[int], minutes: int, lifetime: int
) -> None:
    assume(start != end)
    rule, chosen = office(start, end, days), Preferences(quiet_hours=quiet)
    began = START + timedelta(minutes=minutes)
    expires_at = began + timedelta(minutes=lifetime)
    at, found = began, look(chosen, rule, began, expires_at)
    while found.state is State.HELD and at < expires_at:
        assert found.due_at is not None
        assert at < found.due_at <= expires_at
        assert found.rules[-1].effect is Effect.HOLDS
        at, found = found.due_at, look(chosen, rule, found.due_at, expires_at)

    def open_at(moment: datetime) -> bool:
        shut = opens_at(rule.settings, moment, ZONE)
        return shut is None and quiet_until(quiet, moment, zone_of(ZONE)) is None

    sent = found.state is State.ACCEPTED and at < expires_at
    assert not sent or open_at(at)
    moment, until = began, at if sent else expires_at
    while moment < until:
        assert not open_at(moment), "kept back by no rule"
        moment += timedelta(minutes=15)


@given(st.permutations([State.ACCEPTED, State.HELD, State.SUPPRESSED]))
def test_of_several_decisions_the_strictest_holds(states: list[State]) -> None:
    later, sooner = START + timedelta(hours=2), START + timedelta(hours=1)
    made = [Decision(one, one, (), sooner if one is State.HELD else None) for one in states]
    assert strictest(made).state is State.SUPPRESSED
    waiting = [one for one in made if one.state is not State.SUPPRESSED]
    longest = Decision(State.HELD, "longest", (), later)
    assert strictest([*waiting, longest]) == longest


def test_what_is_not_sent_anyhow_is_not_asked_about_hours() -> None:
    refused = Decision(State.SUPPRESSED, "x", (Told("x", Effect.SUPPRESSES, ""),))
    rule = office(time(9), time(17), [1])
    assert within_hours(refused, [rule], START, ZONE, expires_at=START) == refused
