"""Which account a message goes over."""

import random
from collections import Counter
from collections.abc import Callable
from uuid import UUID

import hypothesis.strategies as st
import pytest
from hypothesis import given

from domain.routing import Candidate, Wanted, choose_route, region_of
from domain.vocabulary import CategoryClass, Channel


def number(n: int) -> UUID:
    return UUID(int=n)


def an_account(n: int, **given: object) -> Candidate:
    return Candidate(id=number(n), name=f"account {n}", **given)  # type: ignore[arg-type]


def wants(**given: object) -> Wanted:
    usual: dict[str, object] = {
        "channel": Channel.SMS, "address": "+14155550100", "category": "billing",
        "class_": CategoryClass.TRANSACTIONAL,
    }  # fmt: skip
    return Wanted(**{**usual, **given})  # type: ignore[arg-type]


def a_die(*values: float) -> Callable[[], float]:
    """A die that shows these values in turn."""
    left = iter(values)
    return lambda: next(left, 0.5)


def test_the_cheapest_comes_first() -> None:
    accounts = [an_account(1, cost=0.02), an_account(2, cost=0.01), an_account(3, cost=0.03)]
    assert choose_route(accounts, wants(), a_die()).order == (number(2), number(1), number(3))


def test_equal_costs_share_by_weight() -> None:
    accounts = [an_account(1, weight=3), an_account(2, weight=1)]
    dice = random.Random(7).random
    firsts = Counter(choose_route(accounts, wants(), dice).order[0] for _ in range(5_000))
    assert 0.70 < firsts[number(1)] / 5_000 < 0.80


@pytest.mark.parametrize(
    ("rules", "wanted", "why"),
    [
        ({"countries": frozenset({"DE"})}, {}, "not for US"),
        ({"countries": frozenset({"+4179"})}, {"address": "+41761234567"}, "not for CH"),
        ({"categories": frozenset({"news"})}, {}, "not for the category billing"),
        (
            {"platforms": frozenset({"ios"})},
            {"channel": Channel.PUSH, "address": "token", "platform": "android"},
            "not for android",
        ),
        ({"unusable": "circuit open since 09:00:00 UTC: x"}, {}, "circuit open since"),
    ],
)
def test_who_is_passed_over_is_named_with_the_reason(
    rules: dict[str, object], wanted: dict[str, object], why: str
) -> None:
    route = choose_route([an_account(1, **rules), an_account(2)], wants(**wanted), a_die())
    assert route.order == (number(2),)
    [skip] = route.skipped
    assert (skip.account, skip.why.startswith(why)) == ("account 1", True)


@pytest.mark.parametrize("rule", ["US", "+1", "+1415", "+14155550100"])
def test_regions_and_prefixes_fit(rule: str) -> None:
    account = an_account(1, countries=frozenset({rule}))
    assert choose_route([account], wants(), a_die()).order == (number(1),)


def test_countries_are_of_no_matter_to_a_mail() -> None:
    account = an_account(1, countries=frozenset({"DE"}))
    wanted = wants(channel=Channel.EMAIL, address="sam@example.com")
    assert choose_route([account], wanted, a_die()).order == (number(1),)


def test_accounts_that_failed_are_not_asked_again() -> None:
    wanted = wants(tried=frozenset({number(1)}))
    route = choose_route([an_account(1), an_account(2)], wanted, a_die())
    assert (route.order, route.skipped) == ((number(2),), ())


@pytest.mark.parametrize(
    ("phone", "region"),
    [("+14155550100", "US"), ("+4915112345678", "DE"), ("nonsense", ""), ("", "")],
)
def test_regions_of_numbers(phone: str, region: str) -> None:
    assert region_of(phone) == region


@given(
    costs=st.lists(st.sampled_from([0.0, 0.01, 1.0]), max_size=6),
    sick=st.sets(st.integers(0, 5)),
    tried=st.sets(st.integers(0, 5)),
    rolls=st.lists(st.floats(0, 0.999), min_size=6),
)
def test_every_account_is_ordered_skipped_or_tried(
    costs: list[float], sick: set[int], tried: set[int], rolls: list[float]
) -> None:
    accounts = [
        an_account(n, cost=cost, unusable="ill" if n in sick else "")
        for n, cost in enumerate(costs)
    ]
    wanted = wants(tried=frozenset(number(n) for n in tried))
    route = choose_route(accounts, wanted, a_die(*rolls))
    untried = [n for n in range(len(costs)) if n not in tried]
    assert sorted(route.order) == [number(n) for n in untried if n not in sick]
    assert {skip.account for skip in route.skipped} == {
        f"account {n}" for n in untried if n in sick
    }
    ordered = [costs[id.int] for id in route.order]
    assert ordered == sorted(ordered)
