"""Masked addresses: never the whole, always something to recognise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.masking import mask


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("sam@example.com", "s•••@example.com"),
        ("+14155550100", "+141•••100"),
        ("", ""),
        ("42", "4•••"),
    ],
)
def test_known_shapes(address: str, shown: str) -> None:
    assert mask(address) == shown


@given(st.text(min_size=2, max_size=400))
def test_at_least_a_part_is_hidden(address: str) -> None:
    shown = mask(address)
    assert "•••" in shown
    assert address not in shown
