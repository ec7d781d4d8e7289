"""How many parts a text message is sent in (3GPP TS 23.038 §6.2, TS 23.040 §9.2.3.24.1)."""

from dataclasses import dataclass
from typing import Final

GSM7: Final = "gsm7"
UCS2: Final = "ucs2"
_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
# Units of a message alone, and of each part of a longer one, whose header takes 6 bytes.
_ROOM: Final = {GSM7: (160, 153), UCS2: (70, 67)}


@dataclass(frozen=True, slots=True)
class Segments:
    """A text as it is charged: `units` are septets (gsm7) or 16-bit units (ucs2).

    `unusual` are the characters, in order, that make a text ucs2.
    """

    encoding: str
    units: int
    count: int
    unusual: str = ""


def count_segments(text: str) -> Segments:
    """Return encoding, length and number of parts; an empty text is one part."""
    unusual = "".join(
        dict.fromkeys(char for char in text if char not in _BASIC and char not in _EXTENDED)
    )
    encoding = UCS2 if unusual else GSM7
    sizes = [_size(char, encoding) for char in text]
    alone, part = _ROOM[encoding]
    units = sum(sizes)
    return Segments(encoding, units, 1 if units <= alone else _parts(sizes, part), unusual)


def _size(char: str, encoding: str) -> int:
    if encoding == GSM7:
        return 2 if char in _EXTENDED else 1
    return 2 if ord(char) > 0xFFFF else 1


def _parts(sizes: list[int], room: int) -> int:
    """Fill parts in order: an escaped character or a surrogate pair is never split."""
    parts, left = 1, room
    for size in sizes:
        if size > left:
            parts, left = parts + 1, room
        left -= size
    return parts
