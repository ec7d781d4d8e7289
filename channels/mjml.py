"""MJML made into HTML by mrml: https://documentation.mjml.io

MJML is a template like any other, and it is compiled once for each source, before anything is
rendered: compiling it for each recipient would cost a hundred times more. Its template tags are
replaced by names while mrml reads it, so that it need not understand them, and put back into the
HTML, which is then an HTML template whose values are escaped as always. The price: MJML that a
template tag would write, and numbers that MJML computes with (the width of a column), are known
too late; both are refused.
"""

import re
from typing import Final

import mrml

from channels.compiled import BadTemplate
from channels.markup_outline import Unreadable
from channels.markup_tags import NamedSource, with_names
from channels.style_sheets import with_implied_bodies

MOST_CHARACTERS: Final = 300_000
_MOST_DEPTH: Final = 200
"""mrml reads and writes recursively, and would end the process long after this."""

_MOST_MATCHES: Final = 2_000_000
_ROOT: Final = re.compile(r"<mjml[\s>]", re.IGNORECASE)
_DOCUMENT: Final = re.compile(
    r"((?:\s|<!--[^<>]*-->)*)(<mjml[\s>].*</mjml\s*>)((?:\s|<!--[^<>]*-->)*)", re.DOTALL
)
_DECLARATION: Final = re.compile(r"<[?!]")
_AT: Final = re.compile(r" in root template(?: at position (\d+):\d+)?$")
_OPTIONS: Final = mrml.RenderOptions(fonts={})
"""Without fonts that every opened mail would fetch from Google; <mj-font> still does as it says."""

_OWN_FILES: Final = mrml.ParserOptions(include_loader=mrml.noop_loader())


def is_mjml(source: str) -> bool:
    """Whether a source has the root element of MJML."""
    return _ROOT.search(source) is not None


def to_html(source: str) -> str:
    """Return the HTML template of an MJML template; raises BadTemplate."""
    if len(source) > MOST_CHARACTERS:
        raise BadTemplate(f"is MJML of more than {MOST_CHARACTERS:,} characters")
    try:
        # mrml counts characters where it should count bytes, and gives up on any that has several.
        named = with_names(source, ascii_only=True)
    except Unreadable as fault:
        raise BadTemplate(f"is not MJML: {fault}") from None
    _check(named)
    whole = _DOCUMENT.fullmatch(named.text)
    if whole is None:
        raise BadTemplate("is not MJML: <mjml> must hold everything but template tags")
    html = whole[1].strip() + _compiled(named, whole[2], whole.start(2)) + whole[3].strip()
    if lost := named.lost(html):
        shown = lost[0].text.strip()[:60]
        raise BadTemplate(f"puts {shown} where MJML can do nothing with it", lost[0].line)
    return named.restore(with_implied_bodies(html, named))


def _check(named: NamedSource) -> None:
    """Refuse what mrml would not survive, or take too long for."""
    if named.before.in_tags:
        piece = named.pieces[min(named.before.in_tags)]
        message = f"has {piece.text[:60]} inside a tag; MJML takes it in the value of an attribute"
        raise BadTemplate(message, piece.line or None)
    if _DECLARATION.search(re.sub(rf"<!--{named.name.pattern}-->", "", named.text)):
        raise BadTemplate("is not MJML: it holds a declaration, or a comment that does not end")
    if named.before.depth > _MOST_DEPTH:
        raise BadTemplate(f"is MJML nested more than {_MOST_DEPTH} levels deep")
    if named.text.count("{") * named.text.count("<") > _MOST_MATCHES:
        raise BadTemplate("is MJML with too many rules of style for so many elements")


def _compiled(named: NamedSource, document: str, offset: int) -> str:
    try:
        return mrml.to_html(document, _OWN_FILES, _OPTIONS).content
    except OSError as fault:  # so mrml says that it cannot read a document
        message = str(fault)
        place = _AT.search(message)
        line = named.line_at(offset + int(place[1])) if place and place[1] else None
        raise BadTemplate(f"is not MJML: {_AT.sub('', message)}", line) from None
    except BaseException as fault:  # a panic of Rust is no Exception; it must not end a worker
        if type(fault).__name__ != "PanicException":
            raise
        raise BadTemplate("is MJML that cannot be compiled") from None
