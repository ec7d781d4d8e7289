"""The text part of a mail that has only html: what a reader would see, without the looks."""

import re
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
    text is told.
    """
    page = _Page()
    before, *rest = TAG.split(_UNSEEN.sub("", html))
    page.say(before)
    for tag, inside, text in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        name = tag.lower()
        if name in _GAPS and (gap := _GAPS[name]) > page.gap:
            page.gap = gap
        if name in _ACTIONS:
            _ACTIONS[name](page, inside)
        if text:
            page.say(text)
    return "".join(page.pieces).replace("\xa0", " ").strip() + "\n"


class _Page:
    """Collects what is to be read; `gap` and `space` stand before the next words."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.gap = 0
        self.space = False
        self._in_pre = False
        self._lists: list[int | None] = []
        self._link = ""
        self._link_from = 0

    def say(self, text: str) -> None:
        """Add what stands between tags."""
        if "&" in text:
            text = unescape(text)
        if self._in_pre:
            self._add(text)
            return
        words = " ".join(text.split()) if text.isascii() else SPACE.sub(" ", text).strip(" ")
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
        self._in_pre = True

    def end_pre(self, _attributes: str) -> None:
        """Collapse space again."""
        self._in_pre = False

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
        self._link, self._link_from = _attribute(attributes, "href"), len(self.pieces)

    def end_link(self, _attributes: str) -> None:
        """Tell where the link leads, unless its words did."""
        link, self._link = self._link, ""
        if not link.lower().startswith(_LINKS):
            return
        shown = "".join(self.pieces[self._link_from :]).strip()
        bare = link.removeprefix("mailto:").removeprefix("tel:")
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
