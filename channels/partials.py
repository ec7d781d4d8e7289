"""Partials and layouts written into the sources that name them, before anything is compiled.

`{% include "footer" %}` becomes the partial's source. A source that begins with
`{% extends "layout" %}` becomes the layout's, with its own blocks in place of the layout's. What
comes out is one template like any other: nothing is looked up while it is rendered, so that the
same version always says the same. Names are fixed texts; computed ones are refused.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from channels.budget import MAX_FIELD
from channels.compiled import BadTemplate, split

_DEEPEST: Final = 10
_MOST_USES: Final = 500
_NAME: Final = r"""\s+(["'])([A-Za-z0-9][A-Za-z0-9._-]*)\1\s*[-+]?%\}\s*"""
_INCLUDE: Final = re.compile(r"\{%[-+]?\s*include" + _NAME)
_EXTENDS: Final = re.compile(r"\{%[-+]?\s*extends" + _NAME)
_BLOCK: Final = re.compile(r"\{%[-+]?\s*block\s+(\w+)\s*[-+]?%\}\s*")
_END: Final = re.compile(r"\{%[-+]?\s*endblock(?:\s+\w+)?\s*[-+]?%\}\s*")
_LEFT: Final = re.compile(r"^(\{[%{#])[-+]")
_RIGHT: Final = re.compile(r"[-+]([%}#]\})\s*$")
"""Signs that take space away; that has been done already when a source is in pieces."""

_SUPER: Final = re.compile(r"\{\{[-+]?\s*super\(\s*\)\s*[-+]?\}\}\s*")

Find = Callable[[str], str | None]
Piece = tuple[str, str, int]


def names(source: str) -> set[str]:
    """Return the partials and layouts that a source names itself; none for a broken one."""
    if not _may_name(source):
        return set()
    try:
        found = [_match(one, _INCLUDE) or _match(one, _EXTENDS) for one in split(source)]
    except BadTemplate:
        return set()
    return {one[2] for one in found if one}


def expand(source: str, find: Find) -> str:
    """Return a source with its partials in it; `find` gives a partial's source by its key.

    Raises BadTemplate for a partial that is not there or names itself, and for what is too large.
    """
    return _Expansion(find).whole(source, ()) if _may_name(source) else source


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a content."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def _may_name(source: str) -> bool:
    return "{%" in source and ("include" in source or "extends" in source)


def _match(piece: Piece, pattern: re.Pattern[str]) -> re.Match[str] | None:
    kind, text, _ = piece
    return pattern.fullmatch(text) if kind == "block" else None


class _Expansion:
    """One source being put together; `left` bounds the work, also where partials are empty."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._left = _MOST_USES

    def whole(self, source: str, above: tuple[str, ...]) -> str:
        """Return a source with everything that it names, without the marks of blocks."""
        made = split(self._of(source, above))
        return "".join(one[1] for one in made if not (_match(one, _BLOCK) or _match(one, _END)))

    def _of(self, source: str, above: tuple[str, ...]) -> str:
        """Return a source with everything that it names; `above` are the partials it is in."""
        pieces = [_bare(one) for one in split(source)]
        first = next((one for one in pieces if one[1].strip() and one[0] != "comment"), None)
        layout = _match(first, _EXTENDS) if first else None
        if layout and first:
            around = self._of(self._found(layout[2], first[2], above), (*above, layout[2]))
            pieces = list(split(_filled(around, _given(pieces))))
            above = (*above, layout[2])
        made, length = [], 0
        for one in pieces:
            found = _match(one, _INCLUDE)
            made.append(self._included(found[2], one[2], above) if found else one[1])
            length += len(made[-1])
            _check_length(length, one[2])
        return "".join(made)

    def _included(self, key: str, line: int, above: tuple[str, ...]) -> str:
        return self.whole(self._found(key, line, above), (*above, key))

    def _found(self, key: str, line: int, above: tuple[str, ...]) -> str:
        if key in above or len(above) >= _DEEPEST:
            raise BadTemplate(f"uses the partial {key} inside itself", line)
        self._left -= 1
        if self._left < 0:
            raise BadTemplate(f"uses partials more than {_MOST_USES} times", line)
        source = self._find(key)
        if source is None:
            raise BadTemplate(f"uses the partial {key}, which does not exist", line)
        return source


def _given(pieces: list[Piece]) -> dict[str, str]:
    """Return the blocks with which a source fills its layout."""
    given: dict[str, str] = {}
    for name, inner, line in _blocks(pieces):
        if name:
            given[name] = inner
        elif inner.strip() and not _EXTENDS.fullmatch(inner) and not inner.startswith("{#"):
            raise BadTemplate("has words outside of blocks, which its layout would drop", line)
    return given


def _filled(layout: str, given: Mapping[str, str]) -> str:
    """Return a layout with blocks in place of its own; the marks stay, for what extends this."""
    made = []
    for name, inner, line in _blocks(list(split(layout))):
        if not name:
            made.append(inner)
            continue
        default = _filled(inner, given)
        parts = _SUPER.split(given.get(name, "{{ super() }}"))
        _check_length(len(default) * len(parts), line)
        made.append(f"{{% block {name} %}}{default.join(parts)}{{% endblock %}}")
    return "".join(made)


def _bare(piece: Piece) -> Piece:
    kind, text, line = piece
    if kind == "data":
        return piece
    return kind, _RIGHT.sub(r"\1", _LEFT.sub(r"\1", text)), line


def _check_length(length: int, line: int) -> None:
    if length > MAX_FIELD:
        raise BadTemplate(f"has more than {MAX_FIELD:,} characters with its partials", line)


def _blocks(pieces: list[Piece]) -> Iterator[tuple[str, str, int]]:
    """Yield (name, text, line) of outer blocks in order; the name is empty for what is between."""
    name, inner, begun, depth = "", [""], 0, 0
    for one in pieces:
        _, text, line = one
        opens = _match(one, _BLOCK)
        depth += 1 if opens else -1 if _match(one, _END) else 0
        if opens and depth == 1:
            name, inner, begun = opens[1], [], line
        elif depth == 0 and name:
            yield name, "".join(inner), begun
            name = ""
        elif depth:
            inner.append(text)
        else:
            yield "", text, line
