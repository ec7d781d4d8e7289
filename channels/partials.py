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
_NAME: Final = r"""\s+(["'])([A-Za-z0-9][A-Za-z0-9._-]*)\1\s*[-+]?%\}\s*"""
_INCLUDE: Final = re.compile(r"\{%[-+]?\s*include" + _NAME)
_EXTENDS: Final = re.compile(r"\{%[-+]?\s*extends" + _NAME)
_BLOCK: Final = re.compile(r"\{%[-+]?\s*block\s+(\w+)\s*[-+]?%\}\s*")
_END: Final = re.compile(r"\{%[-+]?\s*endblock(?:\s+\w+)?\s*[-+]?%\}\s*")
_SUPER: Final = re.compile(r"\{\{[-+]?\s*super\(\s*\)\s*[-+]?\}\}\s*")

Find = Callable[[str], str | None]
Pieces = list[tuple[str, str, int]]


def names(source: str) -> set[str]:
    """Return the partials and layouts that a source names itself; none for a broken one."""
    if not _may_name(source):
        return set()
    try:
        pieces = list(split(source))
    except BadTemplate:
        return set()
    found = (_INCLUDE.fullmatch(text) or _EXTENDS.fullmatch(text) for _, text, _ in pieces)
    return {one[2] for one in found if one}


def expand(source: str, find: Find) -> str:
    """Return a source with its partials in it; `find` gives a partial's source by its key.

    Raises BadTemplate for a partial that is not there or names itself, and for what is too large.
    """
    return _expand(source, find, ()) if _may_name(source) else source


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


def _expand(source: str, find: Find, above: tuple[str, ...]) -> str:
    pieces = list(split(source))
    first = next((one for one in pieces if one[1].strip() and one[0] != "comment"), None)
    layout = _EXTENDS.fullmatch(first[1]) if first else None
    if layout and first:
        pieces = _laid_out(pieces, layout[2], first[2], find, above)
        above = (*above, layout[2])
    made, length = [], 0
    for _, text, line in pieces:
        found = _INCLUDE.fullmatch(text)
        made.append(_included(found[2], line, find, above) if found else text)
        length += len(made[-1])
        if length > MAX_FIELD:
            raise BadTemplate(f"has more than {MAX_FIELD:,} characters with its partials", line)
    return "".join(made)


def _included(key: str, line: int, find: Find, above: tuple[str, ...]) -> str:
    return _expand(_found(key, line, find, above), find, (*above, key))


def _found(key: str, line: int, find: Find, above: tuple[str, ...]) -> str:
    if key in above or len(above) >= _DEEPEST:
        raise BadTemplate(f"uses the partial {key} inside itself", line)
    source = find(key)
    if source is None:
        raise BadTemplate(f"uses the partial {key}, which does not exist", line)
    return source


def _laid_out(pieces: Pieces, key: str, line: int, find: Find, above: tuple[str, ...]) -> Pieces:
    """Return a layout's pieces with the blocks of the source that extends it."""
    given: dict[str, str] = {}
    for name, inner, at in _blocks(pieces):
        if name:
            given[name] = inner
        elif inner.strip() and not _EXTENDS.fullmatch(inner) and not inner.startswith("{#"):
            raise BadTemplate("has words outside of blocks, which its layout would drop", at)
    layout = _expand(_found(key, line, find, above), find, (*above, key))
    made = []
    for name, inner, _ in _blocks(list(split(layout))):
        own = given.get(name, inner) if name else inner
        made.append(inner.join(_SUPER.split(own)) if name else own)
    return list(split("".join(made)))


def _blocks(pieces: Pieces) -> Iterator[tuple[str, str, int]]:
    """Yield (name, text, line) of outer blocks in order; the name is empty for what is between."""
    name, inner, begun, depth = "", [""], 0, 0
    for _, text, line in pieces:
        opens, ends = _BLOCK.fullmatch(text), _END.fullmatch(text)
        if opens:
            depth += 1
            if depth == 1:
                name, inner, begun = opens[1], [], line
                continue
        elif ends:
            depth -= 1
            if depth == 0:
                yield name, "".join(inner), begun
                name = ""
                continue
        if depth:
            inner.append(text)
        else:
            yield "", text, line
