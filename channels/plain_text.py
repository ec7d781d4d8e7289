"""The text part of a mail that has only html: what a reader would see, without the looks."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import unescape
from typing import Final

from channels.html_tags import SPACE, TAG, attributes

_BLOCKS: Final = {
    **dict.fromkeys(("blockquote", "dl", "figure", "hr", "ol", "p", "pre", "table", "ul"), 2),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), 2),
    **dict.fromkeys(("address", "article", "aside", "body", "center", "dd", "div", "dt"), 1),
    **dict.fromkeys(("figcaption", "footer", "form", "header", "html", "legend", "li"), 1),
    **dict.fromkeys(("main", "nav", "section", "summary", "tr"), 1),
}
"""Line breaks that stand before and after an element."""

_GAPS: Final = _BLOCKS | {f"/{name}": gap for name, gap in _BLOCKS.items()}

_UNSEEN: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*+>?|<(script|style|title)\b[^>]*+>.*?(?:</\1[^>]*+>?|\Z)"
    r"|<(div|span)\b(?=[^<>]*?\bdisplay\s*+:\s*+none)[^<>]*+>[^<]*+</\2\s*+>",
    re.IGNORECASE | re.DOTALL,
)
"""Comments, what is no text, and the hidden line that lists of mails show beside the subject."""

_LINKS: Final = ("http://", "https://", "mailto:", "tel:")


def html_to_text(html: str) -> str:
    """Return html as plain text: blocks on lines of their own, links in angle brackets.

    Space is collapsed except in <pre>; list items get dashes or numbers; of images the alternative
    text is told. The mails of a campaign differ in a few words: what has the tags of one that was
    read lately is read along it.
    """
    before, *rest = TAG.split(_UNSEEN.sub("", html))
    page = _Tokens(tuple(rest[::3]), rest[1::3], [before, *rest[2::3]])
    kept = _outlines.get(page.tags)
    text = kept.retold(page) if kept is not None else None
    if text is None:
        outline = _Outline.of(page)
        if len(html) <= _LONGEST_KEPT:
            _keep(outline)
        text = outline.text
    return text


def _keep(outline: "_Outline") -> None:
    if len(_outlines) >= _MOST_OUTLINES:
        _outlines.pop(next(iter(_outlines)), None)
    _outlines[outline.page.tags] = outline


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A page in pieces: `texts[n]` stands before tag n, whose attributes are `insides[n]`."""

    tags: tuple[str, ...]
    insides: list[str]
    texts: list[str]


@dataclass(frozen=True, slots=True)
class _Told:
    """A link that is told after its words: where these begin, its own place, where it leads."""

    begin: int
    end: int
    link: str


@dataclass(frozen=True, slots=True)
class _Outline:
    """A page that was read: where its pieces came from."""

    page: _Tokens
    pieces: list[str]
    said: Mapping[int, int]
    """The place among the pieces of each text that is nothing but words."""
    links: Mapping[int, _Told]
    """By the places of the tags that begin them."""
    hides_links: bool
    """Whether links are left out that their words name already."""
    edges: Mapping[int, tuple[bool, bool, bool]]
    """How each text in `said` begins and ends."""

    @classmethod
    def of(cls, page: _Tokens) -> "_Outline":
        """Read a page, one tag after the other."""
        reader = _Page()
        said: dict[int, int] = {}
        links: dict[int, _Told] = {}
        begun, hides = -1, False
        _say(reader, page.texts[0], 0, said)
        for place, (tag, inside) in enumerate(zip(page.tags, page.insides, strict=True)):
            name, before, link = tag.lower(), len(reader.pieces), reader.link
            if name in _GAPS and (gap := _GAPS[name]) > reader.gap:
                reader.gap = gap
            if name in _ACTIONS:
                _ACTIONS[name](reader, inside)
            if name == "a":
                begun = place
            elif name == "/a" and len(reader.pieces) > before:
                links[begun] = _Told(reader.link_from, len(reader.pieces) - 1, link)
            elif name == "/a":
                hides = hides or _is_told(link)
            _say(reader, page.texts[place + 1], place + 1, said)
        edges = {place: _edges(page.texts[place]) for place in said}
        return cls(page, reader.pieces, said, links, hides, edges)

    @property
    def text(self) -> str:
        """What the page says."""
        return _joined(self.pieces)

    def retold(self, page: _Tokens) -> str | None:
        """Return the text of a page with the same tags; None where it must be read by itself."""
        pieces = self.pieces.copy()
        for place, (text, known) in enumerate(zip(page.texts, self.page.texts, strict=True)):
            if text != known:
                if self.hides_links or self.edges.get(place) != _edges(text):
                    return None
                pieces[self.said[place]] = _words(text)
        links = dict(self.links)
        for place, (inside, known) in enumerate(zip(page.insides, self.page.insides, strict=True)):
            if inside != known and not self._relink(page, place, links, pieces):
                return None
        if any(one.link in _names(one, pieces) for one in links.values()):
            return None
        return _joined(pieces)

    def _relink(
        self, page: _Tokens, place: int, links: dict[int, _Told], pieces: list[str]
    ) -> bool:
        """Take the other attributes of a tag over; False where that could change more."""
        name, inside, known = page.tags[place].lower(), page.insides[place], self.page.insides
        if name == "img":
            return _attribute(inside, "alt") == _attribute(known[place], "alt")
        if name != "a":
            return True
        link = _attribute(inside, "href")
        if place not in links or not _is_told(link):
            return False
        links[place] = replace(links[place], link=link)
        pieces[links[place].end] = f"<{_bare(link)}>"
        return True


def _say(reader: "_Page", text: str, place: int, said: dict[int, int]) -> None:
    before = len(reader.pieces)
    reader.say(text)
    if len(reader.pieces) > before and not reader.in_pre:
        said[place] = len(reader.pieces) - 1


def _names(told: _Told, pieces: list[str]) -> tuple[str, ...]:
    """Return the links that the words of one name."""
    shown = "".join(pieces[told.begin : max(told.end - 1, told.begin)]).strip()
    return (shown, f"mailto:{shown}", f"tel:{shown}")


_MOST_OUTLINES: Final = 64
_LONGEST_KEPT: Final = 200_000
_outlines: dict[tuple[str, ...], _Outline] = {}


def _joined(pieces: list[str]) -> str:
    return "".join(pieces).replace("\xa0", " ").strip() + "\n"


def _words(text: str) -> str:
    return _words_of(_characters(text))


def _words_of(text: str) -> str:
    return " ".join(text.split()) if text.isascii() else SPACE.sub(" ", text).strip(" ")


def _edges(text: str) -> tuple[bool, bool, bool]:
    """Return whether space stands before and after the words, and whether there are any."""
    text = _characters(text)
    return text[:1].isspace(), text[-1:].isspace(), bool(_words_of(text))


def _characters(text: str) -> str:
    return unescape(text) if "&" in text else text


def _is_told(link: str) -> bool:
    return link.lower().startswith(_LINKS)


def _bare(link: str) -> str:
    return link.removeprefix("mailto:").removeprefix("tel:")


class _Page:
    """Collects what is to be read; `gap` and `space` stand before the next words."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.gap = 0
        self.space = False
        self.in_pre = False
        self._lists: list[int | None] = []
        self.link = ""
        self.link_from = 0

    def say(self, text: str) -> None:
        """Add what stands between tags."""
        text = _characters(text)
        if self.in_pre:
            self._add(text)
            return
        words = _words_of(text)
        self.space = self.space or text[:1].isspace()
        if words:
            self._add(words)
            self.space = text[-1].isspace()

    def break_line(self, _attributes: str) -> None:
        """Begin a new line; a second time, leave one empty."""
        self.gap = min(self.gap + 1, 2)

    def draw_rule(self, _attributes: str) -> None:
        """Set two parts off."""
        self._add("-----")
        self.gap = 2

    def leave_space(self, _attributes: str) -> None:
        """Keep two cells apart."""
        self.space = True

    def begin_pre(self, _attributes: str) -> None:
        """Keep space as it is."""
        self.in_pre = True

    def end_pre(self, _attributes: str) -> None:
        """Collapse space again."""
        self.in_pre = False

    def begin_list(self, _attributes: str) -> None:
        """Give the items dashes."""
        self._lists.append(None)

    def begin_numbers(self, _attributes: str) -> None:
        """Give the items numbers."""
        self._lists.append(0)

    def end_list(self, _attributes: str) -> None:
        """Go on with the list around this one."""
        if self._lists:
            self._lists.pop()

    def begin_item(self, _attributes: str) -> None:
        """Write a dash or the next number."""
        number = self._lists[-1] if self._lists else None
        if number is None:
            self.say("- ")
        else:
            self._lists[-1] = number + 1
            self.say(f"{number + 1}. ")

    def show_image(self, attributes: str) -> None:
        """Tell what the picture shows."""
        if alt := _attribute(attributes, "alt"):
            self._add(alt)

    def begin_link(self, attributes: str) -> None:
        """Remember where the link leads."""
        self.link, self.link_from = _attribute(attributes, "href"), len(self.pieces)

    def end_link(self, _attributes: str) -> None:
        """Tell where the link leads, unless its words did."""
        link, self.link = self.link, ""
        if not _is_told(link):
            return
        shown = "".join(self.pieces[self.link_from :]).strip()
        bare = _bare(link)
        if shown not in (link, bare):
            space, self.space = self.space, True
            self._add(f"<{bare}>")
            self.space = space

    def _add(self, words: str) -> None:
        if self.pieces:
            self.pieces.append("\n" * self.gap if self.gap else " " if self.space else "")
        self.pieces.append(words)
        self.gap, self.space = 0, False


_ACTIONS: Final = {
    "br": _Page.break_line,
    "hr": _Page.draw_rule,
    "td": _Page.leave_space,
    "th": _Page.leave_space,
    "pre": _Page.begin_pre,
    "/pre": _Page.end_pre,
    "ul": _Page.begin_list,
    "ol": _Page.begin_numbers,
    "/ul": _Page.end_list,
    "/ol": _Page.end_list,
    "li": _Page.begin_item,
    "img": _Page.show_image,
    "a": _Page.begin_link,
    "/a": _Page.end_link,
}
"""What is done at a tag; all others only make their gaps."""


def _attribute(text: str, name: str) -> str:
    return dict(attributes(text)).get(name, "")
