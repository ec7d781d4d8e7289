"""Numbers are counted with their neighbours and by country."""

import pytest

from domain.phone_ranges import country_of, range_of


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+14155550100", "US"),
        ("+12045550100", "CA"),
        ("+33612345678", "FR"),
        ("+491701234567", "DE"),
        ("+80012345678", "001"),
        ("+999123456789", ""),
    ],
)
def test_the_country_of_a_number(number: str, country: str) -> None:
    assert country_of(number) == country


def test_neighbours_share_a_range() -> None:
    assert range_of("+14155550100") == range_of("+14155559999") == "+1415555"
    assert range_of("+14155560100") != "+1415555"
