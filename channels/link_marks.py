"""Where a mail's links are: found once in its template, and marked, so that no mail is searched.

The mark of a link is put around its address in the source of the template, goes through rendering
as any other text does, and is lifted out of what comes out. Marks hold only letters and digits, so
nothing escapes them, and a chance that no data can know. Links are left unmarked whose text a
template may take apart after it was made: in what is assigned, filtered or called. So are links in
comments (Outlook's own), and those that stand in data.
"""

import re
import secrets
from collections.abc import Iterator
from typing import Final, NamedTuple

from jinja2 import nodes

from channels.budget import MAX_FIELD
from channels.compiled import parse
from channels.html_tags import TAGS_IN_PAGE, value_spans
from channels.html_templates import HtmlTemplate, prepare
from channels.markup_outline import Unreadable
from channels.markup_tags import NamedSource, with_names
from channels.source_cache import SourceCache

_MARK: Final = f"link{secrets.token_hex(8)}"
_LINKS: Final = frozenset({"a", "area"})
_TAG_NAME: Final = re.compile(r"\{%[-+]?\s*(\w+)")
_ASSIGNS: Final = re.compile(r"\{%[-+]?\s*set\s[\w\s.,]*=")
_RECURSIVE: Final = re.compile(r"\srecursive\s*[-+]?%\}")
_CAPTURES: Final = frozenset({"filter", "call", "macro"})
_ENDS: Final = frozenset({"endset", "endfilter", "endcall", "endmacro"})


class MarksBroken(ValueError):
    """What was rendered does not hold its marks as they were made."""


class Spot(NamedTuple):
    """Where the address of a link stands in html, and the link's number in its template."""

    number: int
    start: int
    end: int


def prepare_marked(source: str) -> HtmlTemplate:
    """Return a mail's HTML template with its links marked, from the cache if it is there.

    Raises BadTemplate.
    """
    return _cache.get((source,))


def lift(html: str) -> tuple[str, list[Spot]]:
    """Return rendered html without its marks, and where the marked addresses are.

    Raises MarksBroken.
    """
    first, *others = html.split(_MARK)
    made, length = [first], len(first)
    spots: list[Spot] = []
    number = start = 0
    for part in others:
        if part[:1] == "e" and number:
            text = part[1:]
            spots.append(Spot(number, start, length))
            number = 0
        else:
            told, begins, text = part.partition("s")
            if number or not begins or not told.isdecimal():
                raise MarksBroken("a mark was taken apart")
            number, start = int(told), length
        made.append(text)
        length += len(text)
    if number:
        raise MarksBroken("a mark does not end")
    return "".join(made), spots


def _prepare(key: tuple[str]) -> HtmlTemplate:
    (source,) = key
    ready = prepare(source)
    try:
        named = with_names(ready.source)
    except Unreadable:
        return ready
    spans = list(_link_spans(named))
    if not spans:
        return ready
    made, after = [], 0
    for number, (start, end) in enumerate(spans, 1):
        made += [named.text[after:start], f"{_MARK}{number}s", named.text[start:end], f"{_MARK}e"]
        after = end
    text = named.restore("".join([*made, named.text[after:]]))
    if len(text) > MAX_FIELD:
        return ready
    return HtmlTemplate(text, same_lines=False, inline_each=ready.inline_each)


def _link_spans(named: NamedSource) -> Iterator[tuple[int, int]]:
    """Yield where the addresses of links begin and end, outside of what may be taken apart."""
    if any(one.kind == "block" and _RECURSIVE.search(one.text) for one in named.pieces):
        return
    captured = _captured(named)
    for tag in TAGS_IN_PAGE.finditer(named.text):
        if tag[3] is None or tag[3].lower() not in _LINKS:
            continue
        if any(start <= tag.start() < end for start, end in captured):
            continue
        for name, start, end in value_spans(tag[4]):
            if named.name.sub("", name) == "href" and start < end:
                yield tag.start(4) + start, tag.start(4) + end


def _captured(named: NamedSource) -> list[tuple[int, int]]:
    """Return the parts of a source that are no output where they stand."""
    opens = _CAPTURES if not _macros_are_written(named) else _CAPTURES - {"macro"}
    found: list[tuple[int, int]] = []
    depth = begun = 0
    for name in named.name.finditer(named.text):
        piece = named.pieces[int(name[1])]
        word = _TAG_NAME.match(piece.text) if piece.kind == "block" else None
        if word is None:
            continue
        if word[1] in opens or (word[1] == "set" and not _ASSIGNS.match(piece.text)):
            begun = begun if depth else name.start()
            depth += 1
        elif word[1] in _ENDS and depth and not (word[1] == "endmacro" and "macro" not in opens):
            depth -= 1
            if not depth:
                found.append((begun, name.end()))
    return found


def _macros_are_written(named: NamedSource) -> bool:
    """Whether every macro is called for nothing but to be written where it is called."""
    tree = parse(named.restore(named.text))
    macros = {one.name for one in tree.find_all(nodes.Macro)}
    captures = [*tree.find_all((nodes.AssignBlock, nodes.FilterBlock, nodes.CallBlock))]
    if any(_uses(block, macros) for block in captures):
        return False
    written = sum(
        isinstance(one, nodes.Call) and isinstance(one.node, nodes.Name) and one.node.name in macros
        for output in tree.find_all(nodes.Output)
        for one in output.nodes
    )
    return written == _uses(tree, macros)


def _uses(node: nodes.Node, macros: set[str]) -> int:
    return sum(one.name in macros and one.ctx == "load" for one in node.find_all(nodes.Name))


_cache: Final = SourceCache(_prepare, entries=1024, characters=16 * MAX_FIELD)
