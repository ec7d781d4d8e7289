"""Where a phone number belongs: its country, and the range of numbers that it is one of."""

from typing import Final

from phonenumbers import NumberParseException, parse, region_code_for_number

_WITHIN_A_RANGE: Final = 4
"""Last digits that number the lines of a range; ranges of 10,000 are what carriers are given."""


def country_of(number: str) -> str:
    """Return the ISO 3166 code of an E.164 number's country, 001 for numbers of no country, or
    nothing for numbers that nobody has.
    """
    try:
        return region_code_for_number(parse(number)) or ""
    except NumberParseException:
        return ""


def range_of(number: str) -> str:
    """Return the leading digits that an E.164 number shares with its neighbours."""
    return number[:-_WITHIN_A_RANGE]
