"""How a module looks to its recipients, on the pages that they open from its messages."""

import base64
import binascii
import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field

from domain.contract.base import Line, Request

MOST_LOGO_BYTES: Final = 65_536
_LEAST_CONTRAST: Final = 4.5
"""Of white words on the colour (WCAG 2.2, 1.4.3)."""
_COLOUR: Final = re.compile(r"#[0-9a-fA-F]{6}")


def check_colour(value: str) -> str:
    """Return a colour #rrggbb that white words can be read on; raises ValueError."""
    if not _COLOUR.fullmatch(value):
        raise ValueError("must be a colour such as #0b57d0")
    if (contrast := contrast_with_white(value)) < _LEAST_CONTRAST:
        raise ValueError(
            f"is too light for white words on it: their contrast is {contrast:.1f}, and"
            f" {_LEAST_CONTRAST} is needed"
        )
    return value.lower()


def contrast_with_white(colour: str) -> float:
    """Return the contrast ratio of white and #rrggbb, 1 to 21 (WCAG 2.2, relative luminance)."""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts
    )
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _check_base64(value: str) -> str:
    try:
        size = len(base64.b64decode(value, validate=True))
    except (binascii.Error, ValueError):
        raise ValueError("is not base64") from None
    if not 0 < size <= MOST_LOGO_BYTES:
        raise ValueError(f"has {size:,} bytes; at most {MOST_LOGO_BYTES:,} are allowed")
    return value


class Logo(Request):
    """A small picture; its alternative text is the brand's name."""

    content_type: Literal["image/png", "image/jpeg", "image/webp"]
    base64: Annotated[str, AfterValidator(_check_base64)]


class Brand(Request):
    """The name that stands for the module, the colour of buttons, a picture; null takes away."""

    name: Annotated[Line, Field(min_length=1, max_length=100)] | None = None
    colour: Annotated[Line, AfterValidator(check_colour)] | None = None
    logo: Logo | None = None
