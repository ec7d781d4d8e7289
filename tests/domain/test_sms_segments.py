"""Segments at their edges: 160 and 153 septets, 70 and 67 units, nothing split."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sms_segments import GSM7, UCS2, Segments, count_segments


@pytest.mark.parametrize(
    ("text", "units", "count"),
    [
        ("", 0, 1),
        ("a" * 160, 160, 1),
        ("a" * 161, 161, 2),
        ("a" * 306, 306, 2),
        ("a" * 307, 307, 3),
        ("€" * 80, 160, 1),
        ("€" * 81, 162, 2),
        ("Ünïque".replace("ï", "i") + "@£¤§", 10, 1),
    ],
)
def test_the_seven_bit_alphabet(text: str, units: int, count: int) -> None:
    assert count_segments(text) == Segments(GSM7, units, count)


@pytest.mark.parametrize(
    ("text", "units", "count"),
    [
        ("я" * 70, 70, 1),
        ("я" * 71, 71, 2),
        ("я" * 134, 134, 2),
        ("я" * 135, 135, 3),
        ("😀" * 35, 70, 1),
    ],
)
def test_sixteen_bit_units(text: str, units: int, count: int) -> None:
    counted = count_segments(text)
    assert (counted.encoding, counted.units, counted.count) == (UCS2, units, count)


def test_an_escaped_character_is_not_split() -> None:
    # The 153rd septet of the first part would be the escape of the last character.
    assert count_segments("a" * 152 + "€" + "a" * 152).count == 3
    assert count_segments("a" * 151 + "€" + "a" * 153).count == 2


def test_a_surrogate_pair_is_not_split() -> None:
    assert count_segments("я" * 66 + "😀" + "я" * 66).count == 3
    assert count_segments("я" * 65 + "😀" + "я" * 67).count == 2


def test_the_characters_outside_the_alphabet_are_named_once() -> None:
    assert count_segments("“a” “b” ç Ç").unusual == "“”ç"


@given(st.text(max_size=2000))
def test_the_parts_have_room_for_all_units(text: str) -> None:
    counted = count_segments(text)
    alone, part = (160, 153) if counted.encoding == GSM7 else (70, 67)
    if counted.units <= alone:
        assert counted.count == 1
    else:
        assert counted.units <= counted.count * part
        assert counted.units > (counted.count - 1) * (part - 1)
