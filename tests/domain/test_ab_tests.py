"""Variants are dealt in balance and the same each time; the best one wins, by a rule for all."""

from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from domain.ab_tests import Count, Dealer, DecidedBy, decide, place_of
from domain.contract.campaign_waves import AbTest, Canary
from domain.errors import Invalid
from services.fields import validated

COUNTS = st.lists(
    st.integers(0, 60).flatmap(
        lambda sent: st.builds(Count, st.just(sent), st.integers(0, sent))
    ),
    min_size=2, max_size=5,
)  # fmt: skip


@st.composite
def shares(draw: st.DrawFn) -> list[float]:
    weights = draw(st.lists(st.integers(1, 100), min_size=2, max_size=5))
    return [one / (sum(weights) + draw(st.integers(0, 400))) for one in weights]


@given(shares(), st.integers(0, 600))
def test_at_any_moment_each_variant_has_its_share(given_shares: list[float], number: int) -> None:
    dealer = Dealer(given_shares)
    dealt = [dealer.deal() for _ in range(number)]
    for variant, share in enumerate(given_shares):
        assert abs(dealt.count(variant) - share * number) <= 2
    assert dealer.tested == number - dealt.count(None)
    again = Dealer(given_shares)
    assert [again.deal() for _ in range(number)] == dealt


@given(st.permutations([UUID(int=number) for number in range(20)]))
def test_who_stands_where_depends_on_recipient_and_campaign_alone(keys: list[UUID]) -> None:
    first, second = (sorted(keys, key=lambda key: place_of(UUID(int=n), key)) for n in (1, 2))
    assert first == sorted(sorted(keys), key=lambda key: place_of(UUID(int=1), key))
    assert first != second


@given(COUNTS, st.integers(1, 40))
def test_the_best_share_wins_and_ties_go_to_the_first(counts: list[Count], at_least: int) -> None:
    decision = decide(counts, at_least)
    able = {n: Fraction(one.hits, one.sent) for n, one in enumerate(counts) if one.sent >= at_least}
    if not able:
        assert (decision.winner, decision.by) == (0, DecidedBy.TOO_LITTLE_DATA)
        return
    best = [number for number, share in able.items() if share == max(able.values())]
    assert decision.winner == best[0]
    assert decision.by is (DecidedBy.TIE if len(best) > 1 else DecidedBy.MEASURE)


def test_a_variant_that_could_not_be_sent_does_not_win() -> None:
    assert decide([Count(3, 3), Count(100, 20)], 10).winner == 1


def asked(*shares: float, same: bool = False, **more: object) -> dict[str, object]:
    variants = [
        {"template": "t" if same else f"t{n}", "share": share} for n, share in enumerate(shares)
    ]
    usual = {"variants": variants, "decide_after_seconds": 60, "measure": "clicked"}
    return {**usual, **more}


@pytest.mark.parametrize(
    ("model", "document", "field"),
    [
        (AbTest, asked(0.1), "variants"),
        (AbTest, asked(0.1, 0.1, same=True), "variants"),
        (AbTest, asked(0.6, 0.6), "variants"),
        (AbTest, asked(0.1, 0), "variants[1].share"),
        (AbTest, asked(0.1, 0.1, measure="event"), "event_type"),
        (AbTest, asked(0.1, 0.1, event_type="x"), "event_type"),
        (Canary, {"share": 0}, "share"),
        (Canary, {"share": 0.1, "bounds": {"bounced": 1}}, "bounds.bounced"),
        (
            Canary,
            {"share": 0.1, "bounds": {"bounced": None, "complained": None, "failed": None}},
            "bounds",
        ),
    ],
)
def test_nonsense_is_named(model: type[BaseModel], document: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        validated(model, document)
    assert [one.field for one in refused.value.errors] == [field]
