"""Tags and attributes of any html, read in linear time, as forgiving as browsers are."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

TAG: Final = re.compile(
    r"""<(/?[A-Za-z][^\s/>]*+)((?:[^>"'=]++|=\s*+(?:"[^"]*+"|'[^']*+')?+|["'])*+)(?:>|\Z)"""
)
"""What is never closed swallows the rest, as in browsers; so any html takes only linear time."""

SPACE: Final = re.compile(r"[ \t\r\n\f]+")
_ATTRIBUTE: Final = re.compile(
    r"""([^\s"'=/]++)(?:\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"']++)))?+"""
)
_NO_TAGS: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*+>?|(<(script|style|title)\b[^>]*+>).*?(?:</\2[^>]*+>?|\Z)",
    re.IGNORECASE | re.DOTALL,
)
"""Comments and declarations, and what is inside of elements that hold no tags."""

TAGS_IN_PAGE: Final = re.compile(f"{_NO_TAGS.pattern}|{TAG.pattern}", re.IGNORECASE | re.DOTALL)
"""TAG where it stands in a page, as groups 3 and 4; they are None where no tags can be."""


def open_tags(html: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield (name, attributes) of each tag that opens an element, names in lower case."""
    for tag in TAG.finditer(_NO_TAGS.sub(lambda found: found[1] or "", html)):
        if not tag[1].startswith("/"):
            yield tag[1].lower(), dict(attributes(tag[2]))


def value_spans(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield (name, start, end) of the values of a tag's attributes, names in lower case."""
    for one in _ATTRIBUTE.finditer(text):
        group = next((number for number in (2, 3, 4) if one[number] is not None), None)
        if group is not None:
            yield one[1].lower(), one.start(group), one.end(group)


def attributes(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of a tag's attributes in order, the first of a name last of all."""
    found = [
        (one[1].lower(), SPACE.sub(" ", unescape(one[2] or one[3] or one[4] or "")).strip())
        for one in _ATTRIBUTE.finditer(text)
    ]
    yield from reversed(found)
