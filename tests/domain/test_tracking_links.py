"""Tokens of tracked links: only what we signed is read, and it leads where it was signed for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import new_id
from domain.signed_tokens import TokenWrong
from domain.tracking_links import LONGEST_URL, Click, Opening, TrackingRing

RING = TrackingRing(["new", "old"])
ATTEMPT = new_id()
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
[TOKEN] = RING.clicks(ATTEMPT, [(3, b"https://example.com/a?b=c#d")])


@given(st.lists(st.tuples(st.integers(1, 70_000), st.text(st.characters(codec="utf-8")))))
def test_a_token_reads_as_it_was_signed(links: list[tuple[int, str]]) -> None:
    urls = [(link, f"https://example.com/{rest[:300]}") for link, rest in links]
    tokens = RING.clicks(ATTEMPT, [(link, url.encode()) for link, url in urls])
    assert [RING.read(one) for one in tokens] == [
        Click(ATTEMPT, min(link, 65_535), len(links), url) for link, url in urls
    ]
    assert set("".join(tokens)) <= set(LETTERS)
    assert RING.read(RING.opening(ATTEMPT)) == Opening(ATTEMPT)


def test_the_longest_address_is_read_and_an_empty_one_is_the_trap() -> None:
    longest = b"https://example.com/".ljust(LONGEST_URL, b"a")
    [token] = RING.clicks(ATTEMPT, [(1, longest)])
    assert RING.read(token) == Click(ATTEMPT, 1, 1, longest.decode())
    trap = RING.read(RING.trap(ATTEMPT, 5))
    assert trap == Click(ATTEMPT, 0, 5, "")
    assert isinstance(trap, Click)
    assert trap.is_trap


def test_a_new_key_in_front_breaks_no_token_and_a_lost_one_does() -> None:
    assert RING.read(TrackingRing(["old"]).opening(ATTEMPT)) == Opening(ATTEMPT)
    with pytest.raises(TokenWrong):
        TrackingRing(["another"]).read(TOKEN)


@given(st.integers(0, len(TOKEN) - 2), st.sampled_from("aZ09-_=+/ é"))
def test_a_changed_token_is_none(place: int, letter: str) -> None:
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]
    if changed != TOKEN:
        with pytest.raises(TokenWrong):
            RING.read(changed)


@given(st.text(max_size=200) | st.binary(max_size=100).map(lambda one: one.hex()))
def test_anything_else_is_none(token: str) -> None:
    with pytest.raises(TokenWrong):
        RING.read(token)
