"""The outline of a markup source: its elements in order, and where names stand in it."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

VOID: Final = frozenset({
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track",
    "wbr",
})  # fmt: skip
_FRAME: Final = frozenset({"html", "head", "body", "tbody", "colgroup"})
"""Elements that HTML reads even where no tag of theirs is written."""

_RAW: Final = frozenset({"style", "script", "title", "textarea"})
_MJML_RAW: Final = frozenset({"mj-accordion-title", "mj-preview", "mj-style", "mj-title"})
"""Elements that hold text and no comments."""


@dataclass(slots=True)
class Outline:
    """What a source holds; `names` are looked for, and told by their numbers.

    `events` are tags and names in order, without the frame. `in_values` tells the attributes
    that names stand in. `in_tags` are names that stand in a tag, outside of a quoted value.
    """

    events: list[str] = field(default_factory=list)
    depth: int = 0
    in_text: set[int] = field(default_factory=set)
    in_raw: set[int] = field(default_factory=set)
    in_values: dict[int, str] = field(default_factory=dict)
    in_tags: set[int] = field(default_factory=set)


class Unreadable(ValueError):
    """A source that is not markup."""


def outline(source: str, name: re.Pattern[str]) -> Outline:
    """Return a source's outline; `name` finds names, its first group is their number.

    Raises Unreadable.
    """
    reading = _Reading(name)
    try:
        reading.feed(source)
        reading.close()
    except AssertionError as fault:  # so the parser says that a declaration is none
        raise Unreadable(f"cannot be read: {fault}") from None
    return reading.found


class _Reading(HTMLParser):
    def __init__(self, name: re.Pattern[str]) -> None:
        super().__init__(convert_charrefs=False)
        self.found = Outline()
        self._name = name
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note_tag(tag, attrs)
        if tag not in VOID:
            self._open.append(tag)
            self.found.depth = max(self.found.depth, len(self._open))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note_tag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        # Only what was begun last is taken as ended, so that the depth is never told too small.
        if self._open and self._open[-1] == tag:
            self._open.pop()
        if tag not in VOID:
            self._note(f"/{tag}")

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        numbers = [int(found[1]) for found in self._name.finditer(data)]
        if inside in _RAW or inside in _MJML_RAW:
            self.found.in_raw.update(numbers)
        else:
            self.found.in_text.update(numbers)
            self.found.events += [str(number) for number in numbers]

    def handle_comment(self, data: str) -> None:
        numbers = [int(found[1]) for found in self._name.finditer(data)]
        self.found.events += [str(number) for number in numbers]

    def _note_tag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag)
        written = self.get_starttag_text() or ""
        if not self._name.search(written):
            return
        for attribute, value in attrs:
            for found in self._name.finditer(value or ""):
                self.found.in_values[int(found[1])] = attribute
        for found in self._name.finditer(written):
            if int(found[1]) not in self.found.in_values:
                self.found.in_tags.add(int(found[1]))

    def _note(self, tag: str) -> None:
        if tag.removeprefix("/") not in _FRAME:
            self.found.events.append(tag)
