"""Addresses of a profile: one truth for the primary one, and which may be used."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.addresses import PLAIN, TRUSTING, Address, candidates, listed, merged
from domain.vocabulary import CategoryClass, Channel

NAMES = ["a@example.com", "A@EXAMPLE.COM", "b@example.com", "c@example.com"]
one = st.builds(
    Address,
    st.just(Channel.EMAIL),
    st.sampled_from(NAMES),
    st.booleans(),
    st.sampled_from([None, "work"]),
)
lists = st.lists(one, max_size=4, unique_by=lambda given: given.key)


def primaries(given: list[Address], number: int) -> list[Address]:
    """Make one of the given the primary one, or none."""
    return [
        Address(each.channel, each.address, each.verified, each.label, place == number)
        for place, each in enumerate(given)
    ]


changes: st.SearchStrategy[list[Any]] = st.lists(
    st.tuples(
        st.none() | st.builds(dict, email=st.sampled_from([None, *NAMES])),
        st.none() | st.builds(primaries, lists, st.integers(-1, 3)),
    ),
    min_size=1,
    max_size=6,
)


@given(changes)
def test_after_any_changes_there_is_one_primary_address_and_none_twice(
    made: list[tuple[dict[str, Any] | None, list[Address] | None]],
) -> None:
    plain: dict[str, str | None] = dict.fromkeys(PLAIN.values())
    stored: list[dict[str, Any]] = []
    for named, others in made:
        before = plain, stored
        plain, stored = merged(listed(plain, stored), named or {}, others)
        now = listed(plain, stored)
        keys = [each.key for each in now]
        assert len(set(keys)) == len(keys)
        assert [each.primary for each in now] == [place == 0 for place in range(len(now))]
        assert bool(plain["email"]) == bool(now)
        if named and named["email"]:
            assert plain["email"] == named["email"]
        elif not named and others is not None and (first := _named(others)):
            assert plain["email"] == first
        elif not named and before[0]["email"]:
            assert plain["email"] == before[0]["email"], "a field that is not named stays"
        if others is not None:
            assert {each.key for each in others} <= set(keys), "none that was given is lost"
        assert merged(now, {}, None) == (plain, stored)
        assert merged(now, {}, now) == (plain, stored), "what is read can be written"


def _named(given: list[Address]) -> str | None:
    return next((each.address for each in given if each.primary), None)


@given(lists, st.integers(-1, 3), st.sampled_from(CategoryClass))
def test_an_address_nobody_knows_of_is_used_only_where_nothing_else_is(
    given_: list[Address], primary: int, class_: CategoryClass
) -> None:
    plain, stored = merged([], {}, primaries(given_, primary))
    addresses = listed(plain, stored)
    found = candidates(addresses, class_)
    assert bool(found) == bool(addresses), "somebody who has an address is reached"
    if class_ in TRUSTING:
        assert found[:1] == addresses[:1]
        assert {each.key for each in found} == {each.key for each in addresses}
    elif any(each.verified for each in addresses):
        assert all(each.verified for each in found)
    else:
        assert found == addresses[:1]


def test_a_new_address_in_the_field_is_not_verified_by_the_former_one() -> None:
    known = [Address(Channel.EMAIL, "a@example.com", True, "work", True)]
    assert merged(known, {"email": "b@example.com"}, None) == (
        dict.fromkeys(PLAIN.values()) | {"email": "b@example.com"}, [],
    )  # fmt: skip
    plain, stored = merged(known, {"email": "A@example.com"}, None)
    assert listed(plain, stored) == [Address(Channel.EMAIL, "A@example.com", True, "work", True)]
