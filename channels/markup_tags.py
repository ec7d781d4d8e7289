"""A template of markup made readable for what knows only markup, and back again.

Template tags and comments are replaced by names: by a comment where text may stand, because a
comment is allowed between the rows of a table and between the sections of MJML, and by a bare
word in attributes and style sheets.
"""

import re
from dataclasses import dataclass
from typing import Final

from channels.compiled import split
from channels.markup_outline import Outline, outline

_KEPT_OR_COMMENT: Final = re.compile(
    r"(<style\b.*?</style\s*>)|<!--.*?-->", re.DOTALL | re.IGNORECASE
)
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class Piece:
    """What a name stands for; `kind` is variable, block, comment or text.

    `line` counts from 1; it is 0 where it is not known.
    """

    kind: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class NamedSource:
    """A source with names in it; `before` is its outline while all names were bare words."""

    text: str
    pieces: tuple[Piece, ...]
    before: Outline
    name: re.Pattern[str]

    def restore(self, text: str) -> str:
        """Return text with what its names stand for, also inside comments that were replaced."""
        found = re.compile(rf"<!--({self.name.pattern})-->|({self.name.pattern})")
        for _ in range(2):
            text = found.sub(lambda one: self.pieces[int(one[2] or one[4])].text, text)
        return text

    def lost(self, text: str) -> list[Piece]:
        """Return what of the author's tags is not in a text that was made of this one."""
        kept, standing = self._numbers(text), self._numbers(self.text)
        return [
            piece
            for number, piece in enumerate(self.pieces)
            if number not in kept and number in standing and piece.kind in ("variable", "block")
        ]

    def line_at(self, position: int) -> int:
        """Return the line of the author's source that a position of `text` is in."""
        return self.restore(self.text[:position]).count("\n") + 1

    def _numbers(self, text: str) -> set[int]:
        return {int(found[1]) for found in self.name.finditer(text)}


def with_names(source: str, *, ascii_only: bool = False) -> NamedSource:
    """Return a source with names for its tags and comments; raises BadTemplate, Unreadable.

    With `ascii_only`, what is not ASCII gets names as well, always bare words.
    """
    word = "tag"
    while word in source.lower():
        word += "q"
    name = re.compile(rf"{word}(\d+)z")
    pieces: list[Piece] = []

    def named(kind: str, text: str, line: int) -> str:
        pieces.append(Piece(kind, text, line))
        return f"{word}{len(pieces) - 1}z"

    text = "".join(
        text if kind == "data" else named(kind, text, line) for kind, text, line in split(source)
    )
    text = _KEPT_OR_COMMENT.sub(lambda found: found[1] or named("comment", found[0], 0), text)
    if ascii_only:
        text = _NOT_ASCII.sub(lambda found: named("text", found[0], 0), text)
    seen = outline(text, name)

    def as_comment(found: re.Match[str]) -> str:
        number = int(found[1])
        bare = number not in seen.in_text or pieces[number].kind == "text"
        return found[0] if bare else f"<!--{found[0]}-->"

    return NamedSource(name.sub(as_comment, text), tuple(pieces), seen, name)
