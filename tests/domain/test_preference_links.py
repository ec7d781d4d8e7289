"""Signed links: only what we signed is read, until it expires, across a change of keys."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import new_id
from domain.preference_links import Link, LinkExpired, LinkRing, Purpose
from domain.signed_tokens import TokenWrong

NOW = datetime(2030, 1, 1, tzinfo=UTC)
RING = LinkRing(["new", "old"])
LINK = Link(Purpose.PROFILE, new_id(), NOW + timedelta(days=1), "marketing", "email")
TOKEN = RING.sign(LINK)


def test_a_link_reads_as_it_was_signed() -> None:
    assert RING.read(TOKEN, NOW) == LINK
    assert set(TOKEN) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


def test_a_link_expires() -> None:
    with pytest.raises(LinkExpired):
        RING.read(TOKEN, LINK.expires_at)


def test_a_new_key_in_front_breaks_no_link_and_a_lost_one_does() -> None:
    assert RING.read(LinkRing(["old"]).sign(LINK), NOW) == LINK
    with pytest.raises(TokenWrong):
        LinkRing(["another"]).read(TOKEN, NOW)


@given(st.integers(0, len(TOKEN) - 2), st.sampled_from("aZ09-_=+/ é"))
def test_a_changed_link_is_none(place: int, letter: str) -> None:
    changed = TOKEN[:place] + letter + TOKEN[place + 1 :]
    if changed != TOKEN:
        with pytest.raises(TokenWrong):
            RING.read(changed, NOW)


@given(st.text(max_size=700))
def test_anything_else_is_none(text: str) -> None:
    with pytest.raises(TokenWrong):
        RING.read(text, NOW)
