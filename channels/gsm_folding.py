"""Typographic signs written in the GSM alphabet, so that a text message needs fewer parts."""

import unicodedata
from typing import Final

from domain.sms_segments import GSM7, Segments, count_segments

_QUOTES: Final = "\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4`\u2039\u203a"
_DOUBLE_QUOTES: Final = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"
_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_SPACES: Final = "\t\u00a0\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f"
_UNSEEN: Final = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_BULLETS: Final = "\u2022\u00b7"
_SIGNS: Final = str.maketrans(
    {
        **dict.fromkeys(_QUOTES, "'"),
        **dict.fromkeys(_DOUBLE_QUOTES, '"'),
        **dict.fromkeys(_DASHES, "-"),
        **dict.fromkeys(_SPACES, " "),
        **dict.fromkeys(_UNSEEN, ""),
        **dict.fromkeys(_BULLETS, "*"),
        **dict.fromkeys("\u2028\u2029", "\n"),
        "\u2026": "...",
    }
)
"""What looks almost the same in the basic table of 3GPP TS 23.038; what is not seen is left out."""


def fold(text: str) -> tuple[str, Segments]:
    """Return a text with its signs folded, and how it is counted.

    It stays as it is where folding brings nothing: other characters need UCS-2 all the same, or
    the three dots of an ellipsis would fill another part.
    """
    folded = unicodedata.normalize("NFC", text).translate(_SIGNS)
    before, after = count_segments(text), count_segments(folded)
    if after.encoding == GSM7 and after.count <= before.count:
        return folded, after
    return text, before
