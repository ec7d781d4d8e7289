"""A code is hidden wherever it can be read, and comes back exactly where it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.code_masks import hide, hides, reveal

CODE = "120345"
WRITTEN = [
    "120345",
    "Your code is 120345.",
    "120 345",
    "120-345",
    "1 2 0 3 4 5",
    "1\u00a02\u200b0\u20603·4.5",
    "<b>1</b><b>2</b><b>0</b><b>3</b><b>4</b><b>5</b>",
    '<span class="d">120</span>&nbsp;<span class="d">345</span>',
    "1&#8203;20&#x200b;345",
    "@example.com #120345",
    "https://example.com/?code=120345&x=1",
    "120345120345",
    "a 120345 b 120-345 c 1 20345",
    '12<b title="120345">0345</b>',
]


@pytest.mark.parametrize("text", WRITTEN)
def test_hidden_and_shown_again(text: str) -> None:
    hidden = hide(text, CODE)
    assert hides(hidden)
    assert CODE not in hidden
    assert "345" not in hidden or text == WRITTEN[-1]
    assert reveal(hidden, CODE) == text
    assert "•" in reveal(hidden, None)
    assert not hides(reveal(hidden, None))


def test_what_is_around_stays_readable() -> None:
    assert reveal(hide("Your code is 120-345.", CODE), None) == "Your code is •••-•••."
    tagged = hide("<b>1</b><b>2</b><b>0</b>345", CODE)
    assert reveal(tagged, None) == "<b>•</b><b>•</b><b>•</b>•••"


def test_bullets_of_the_text_are_left_alone() -> None:
    text = "• 120345\n• other"
    assert reveal(hide(text, CODE), None) == "• ••••••\n• other"
    assert reveal(hide(text, CODE), CODE) == text


def test_every_text_of_a_content_is_searched() -> None:
    content = {"subject": CODE, "n": 7, "none": None, "more": [{"x": f"={CODE}="}, ("120 345",)]}
    hidden = hide(content, CODE)
    assert "345" not in repr(hidden)
    assert reveal(hidden, CODE) == {**content, "more": [{"x": f"={CODE}="}, ["120 345"]]}
    assert hides(hidden)
    assert not hides(content)


@given(
    st.text(alphabet="120345 <b>-&;x•", max_size=60),
    st.text(alphabet="012345", min_size=4, max_size=8),
)
def test_whatever_is_hidden_comes_back(text: str, code: str) -> None:
    hidden = hide(text, code)
    assert code not in hidden
    assert reveal(hidden, code) == text


def test_a_long_text_without_the_code_is_read_quickly() -> None:
    text = "1 2 0 3 4 < 1<b>2<b>0" * 20_000
    assert hide(text, CODE) == text
