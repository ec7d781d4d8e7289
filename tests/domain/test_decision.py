"""No message breaks a rule, and none is kept back that no rule forbids."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from hypothesis import given
from hypothesis import strategies as st

from domain.caps import LENGTHS, Cap, Counted, Period, granted
from domain.category import Category
from domain.decision import Decision, Effect, Question, decide
from domain.preferences import Preferences
from domain.quiet_hours import QuietHours, zone_of
from domain.vocabulary import CategoryClass, Channel, Priority, State

NEWS = Category("news", "News", CategoryClass.BULK, mandatory=False, priority=Priority.LOW)
OFFERS = Category(
    "offers", "Offers", CategoryClass.MARKETING, mandatory=False, priority=Priority.LOW
)
ALARM = Category(
    "alarm", "Alarm", CategoryClass.TRANSACTIONAL, mandatory=True, priority=Priority.HIGH
)
OTP = Category("otp", "Codes", CategoryClass.OTP, mandatory=False, priority=Priority.HIGH)
CATEGORIES = (NEWS, OFFERS, ALARM, OTP)
CHANNELS = (Channel.EMAIL, Channel.SMS)
START = datetime(2026, 10, 24, 12, tzinfo=UTC)
"""The evening before Europe's clocks are set back."""

clocks = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
quiet_hours = st.none() | st.builds(QuietHours, clocks, clocks).filter(lambda q: q.start != q.end)
caps = st.builds(
    Cap, st.integers(1, 3), st.sampled_from(list(Period)), st.sampled_from([None, "news", "offers"])
)
choices = st.builds(
    Preferences,
    categories=st.dictionaries(
        st.sampled_from(["news", "offers", "alarm", "otp"]),
        st.dictionaries(st.sampled_from(CHANNELS), st.booleans()),
    ),
    quiet_hours=quiet_hours,
    frequency=st.lists(caps, max_size=3).map(tuple),
    unsubscribed=st.sets(st.sampled_from(CHANNELS), max_size=1).map(frozenset),
)
zones = st.sampled_from([None, "Europe/Paris", "America/New_York", "Asia/Kathmandu"])


@dataclass(frozen=True)
class Wish:
    """Somebody wants to send something, so many minutes after the last one."""

    category: Category
    channel: Channel
    minutes: int
    lifetime: int
    suppressed: str


wishes = st.lists(
    st.builds(
        Wish,
        st.sampled_from(CATEGORIES),
        st.sampled_from(CHANNELS),
        st.integers(0, 400),
        st.integers(1, 2_000),
        st.sampled_from(["", "", "", "hard_bounce"]),
    ),
    max_size=25,
)


@dataclass(frozen=True)
class Sent:
    at: datetime
    category: Category


def counts(chosen: Preferences, sent: Sequence[Sent], at: datetime) -> list[Counted]:
    """Count as the ledger does: what is mandatory takes no place."""
    return [
        Counted(cap, sum(cap.covers(one.category.key) and one.at > cap.since(at)
                         for one in sent if one.category in (NEWS, OFFERS)))
        for cap in chosen.frequency
    ]  # fmt: skip


def ask(
    chosen: Preferences, wish: Wish, at: datetime, expires: datetime, zone: str | None,
    sent: Sequence[Sent],
) -> Decision:  # fmt: skip
    question = Question(wish.category, wish.channel, at, wish.suppressed, zone, expires)
    return decide(chosen, question, counts(chosen, sent, at))


def refused(chosen: Preferences, wish: Wish) -> bool:
    switched_off = chosen.categories.get(wish.category.key, {}).get(wish.channel) is False
    return switched_off or wish.channel in chosen.unsubscribed


def is_quiet(chosen: Preferences, at: datetime, zone: str | None) -> bool:
    quiet = chosen.quiet_hours
    return quiet is not None and at.astimezone(zone_of(zone)).time() in quiet


def is_full(chosen: Preferences, wish: Wish, sent: Sequence[Sent], at: datetime) -> bool:
    return any(
        one.sent >= one.cap.limit and one.cap.category in (None, wish.category.key)
        for one in counts(chosen, sent, at)
    )


def judge(
    chosen: Preferences, wish: Wish, at: datetime, expires: datetime, zone: str | None,
    sent: Sequence[Sent], found: Decision,
) -> None:  # fmt: skip
    """Check one decision against the rules, told another way."""
    free = wish.category in (ALARM, OTP)
    match found.state:
        case State.ACCEPTED:
            assert not wish.suppressed
            assert free or not (
                refused(chosen, wish)
                or is_quiet(chosen, at, zone)
                or is_full(chosen, wish, sent, at)
            )
        case State.HELD:
            assert not free
            assert is_quiet(chosen, at, zone)
            assert found.due_at is not None
            assert at < found.due_at < expires
            assert not is_quiet(chosen, found.due_at, zone)
        case State.EXPIRED:
            assert not free
            assert is_quiet(chosen, at, zone)
            assert is_quiet(chosen, expires - timedelta(seconds=1), zone)
        case _:
            assert wish.suppressed or (
                not free and (refused(chosen, wish) or is_full(chosen, wish, sent, at))
            )


@given(choices, wishes, zones)
def test_nothing_breaks_a_rule_and_nothing_is_lost(
    chosen: Preferences, wished: Sequence[Wish], zone: str | None
) -> None:
    now, sent = START, list[Sent]()
    waiting: list[tuple[datetime, Wish, datetime]] = []
    for wish in wished:
        now += timedelta(minutes=wish.minutes)
        waiting.append((now, wish, now + timedelta(minutes=wish.lifetime)))
    while waiting:
        waiting.sort(key=lambda one: one[0])
        at, wish, expires = waiting.pop(0)
        found = ask(chosen, wish, at, expires, zone, sent)
        judge(chosen, wish, at, expires, zone, sent, found)
        assert [rule.effect for rule in found.rules].count(Effect.SUPPRESSES) <= 1
        if found.state is State.ACCEPTED:
            sent.append(Sent(at, wish.category))
        elif found.state is State.HELD and found.due_at is not None:
            waiting.append((found.due_at, wish, expires))
    for cap in chosen.frequency:
        moments = [
            one.at for one in sent
            if one.category in (NEWS, OFFERS) and cap.category in (None, one.category.key)
        ]  # fmt: skip
        for first, after in zip(moments, moments[cap.limit :], strict=False):
            assert after - first >= LENGTHS[cap.per]


@given(choices, st.sampled_from(CATEGORIES), st.integers(0, 5))
def test_a_grant_counts_against_the_caps_of_its_category(
    chosen: Preferences, category: Category, before: int
) -> None:
    counted = [Counted(cap, before) for cap in chosen.frequency]
    after = granted(counted, category.key)
    assert [one.cap for one in after] == list(chosen.frequency)
    for one in after:
        assert one.sent == before + (one.cap.category in (None, category.key))


@given(choices, wishes, zones)
def test_who_is_deactivated_gets_nothing(
    chosen: Preferences, wished: Sequence[Wish], zone: str | None
) -> None:
    for wish in wished:
        question = Question(wish.category, wish.channel, START, wish.suppressed, zone, active=False)
        found = decide(chosen, question, counts(chosen, [], START))
        assert (found.state, found.reason) == (State.SUPPRESSED, "inactive")
        assert [rule.rule for rule in found.rules] == ["inactive"]


def test_a_recipient_who_chose_nothing_gets_everything() -> None:
    for category in CATEGORIES:
        found = decide(Preferences(), Question(category, Channel.SMS, START), [])
        assert (found.state, found.reason) == (State.ACCEPTED, "")


def test_the_rules_say_what_they_did() -> None:
    chosen = Preferences(
        categories={"news": {Channel.EMAIL: True}},
        quiet_hours=QuietHours(time(22), time(7)),
        frequency=(Cap(2, Period.DAY, "news"),),
    )
    found = decide(
        chosen,
        Question(NEWS, Channel.EMAIL, START, timezone="Europe/Paris"),
        [Counted(chosen.frequency[0], 1)],
    )
    assert found.record() == [
        {"rule": "preference", "effect": "allows", "detail": "news is switched on on email"},
        {"rule": "quiet_hours", "effect": "allows",
         "detail": "quiet at 22:00-07:00; it is 14:00 in Europe/Paris"},
        {"rule": "frequency_cap", "effect": "allows",
         "detail": "at most 2 news per day; 1 so far"},
    ]  # fmt: skip
