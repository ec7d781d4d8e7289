"""The balance: every row is in exactly one number."""

from hypothesis import given
from hypothesis import strategies as st

from domain.balance import FIELDS, balance, balanced
from domain.vocabulary import State

counts = st.dictionaries(st.sampled_from([state.value for state in State]), st.integers(0, 10**6))


@given(counts)
def test_the_sum_always_holds_for_known_states(states: dict[str, int]) -> None:
    figures = balance(states)
    assert tuple(figures) == FIELDS
    assert figures["asked"] == sum(states.values())
    assert balanced(figures)


def test_a_state_nobody_knows_breaks_the_sum_and_is_seen() -> None:
    assert not balanced(balance({"sent": 2, "lost": 1}))
