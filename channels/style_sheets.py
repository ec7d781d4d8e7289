"""Rules of <style> put into the elements, for mail programs that read no style sheets.

Rules that cannot stand in an element (@media, a:hover) stay where they are. It is done once for
each template where that comes to the same as doing it for each mail.
"""

import re
from typing import Final

from css_inline import CSSInliner, InlineError

from channels.markup_outline import Unreadable, outline
from channels.markup_tags import NamedSource, with_names

_MOST_CHARACTERS: Final = 500_000
_MOST_TAGS: Final = 2000
"""Elements that may stand one in another: the inliner is recursive, and would end the process at
several times as many. So many tags make at most as deep a tree, however they are read."""

_MOST_MATCHES: Final = 4_000_000
_STYLE: Final = re.compile(r"<style\b[^>]*+>(.*?)</style\s*>", re.DOTALL | re.IGNORECASE)
_BEGINS: Final = re.compile(r"<style\b", re.IGNORECASE)
_TAG: Final = re.compile(r"<[A-Za-z]")
_LIMITED: Final = re.compile(
    r"""<style\b(?=[^>]*?\bmedia\s*=\s*+["']?+(?!\s*(?:all|screen)\s*["'\s>]))""", re.IGNORECASE
)
_BY_PLACE: Final = re.compile(r":(?:nth|first|last|only|empty|has|not|is|where)\b|[+~]")
"""Selectors that ask where an element stands, which loops and conditions decide."""

_MARKUP_FROM_ELSEWHERE: Final = re.compile(
    r"\|\s*safe\b|^\{%[-+]?\s*(?:macro|call|filter|set\s+\w+\s*(?:\||[-+]?%\}))"
)
"""Template tags by which markup comes to stand where it is not written."""

_FRAME: Final = re.compile(r"<(?:html|head|body)\b", re.IGNORECASE)
_BODY: Final = re.compile(r"<body\b", re.IGNORECASE)
_INLINER: Final = CSSInliner(
    keep_style_tags=True,
    remove_inlined_selectors=True,
    keep_link_tags=True,
    load_remote_stylesheets=False,
)


def has_styles(html: str) -> bool:
    """Whether there is a <style> at all."""
    return _BEGINS.search(html) is not None


def inline(html: str) -> str:
    """Return html with its rules inlined; as it is, where that would be too much.

    Nothing is fetched: <link> and @import stay what they are.
    """
    if not has_styles(html) or not _fits(html):
        return html
    try:
        # The inliner knows no media of a whole <style>: those are left to who reads them.
        made = _INLINER.inline(_LIMITED.sub('<style data-css-inline="ignore"', html))
    except InlineError:
        return html
    return made if _FRAME.search(html) else _without_frame(made)


def inline_template(source: str) -> str | None:
    """Return an HTML template with its rules inlined.

    None where only the rendered mail can tell what they come to, or what the author wrote is
    read as something else. Raises BadTemplate.
    """
    try:
        named = with_names(source)
        if not _is_certain(named):
            return None
        made = inline(named.text)
        after = outline(made, named.name)
    except Unreadable:
        return None
    if made == named.text or after.events != named.before.events or named.lost(made):
        return None
    return named.restore(with_implied_bodies(made, named))


def with_implied_bodies(html: str, named: NamedSource) -> str:
    """Put names before the first row of a table into the <tbody> that the row implied.

    Readers of HTML leave comments outside of it: a loop would begin outside and end inside.
    """
    name = named.name.pattern.replace("(", "(?:")
    return re.sub(rf"((?:<!--{name}-->\s*)+)<tbody>(?=\s*<tr[\s>])", r"<tbody>\1", html)


def _without_frame(html: str) -> str:
    """Return a part of a page as a part again."""
    for tags in ("<html><head>", "</head><body>", "</body></html>"):
        html = html.replace(tags, "", 1)
    return html


def _is_certain(named: NamedSource) -> bool:
    """Whether the rules meet the same elements in every mail."""
    seen, css = named.before, "".join(_STYLE.findall(named.text)).lower()
    dynamic = set(seen.in_values.values())
    blocks = {number for number, piece in enumerate(named.pieces) if piece.kind == "block"}
    return not (
        seen.in_tags
        or dynamic & {"class", "id"}
        or any(f"[{attribute}" in css for attribute in dynamic)
        or blocks & seen.in_raw
        or any(_MARKUP_FROM_ELSEWHERE.search(piece.text) for piece in named.pieces)
        or (blocks & seen.in_text and (_BY_PLACE.search(css) or _half_framed(named.text)))
    )


def _half_framed(text: str) -> bool:
    """Whether <body> is implied, perhaps where a condition would take it away."""
    return _FRAME.search(text) is not None and _BODY.search(text) is None


def _fits(html: str) -> bool:
    css = "".join(_STYLE.findall(html))
    tags = len(_TAG.findall(html))
    matches = (css.count("{") + css.count(",")) * tags
    return len(html) <= _MOST_CHARACTERS and tags <= _MOST_TAGS and matches <= _MOST_MATCHES
