"""Telegram's HTML read as Telegram reads it: https://core.telegram.org/bots/api#html-style"""

from html import unescape
from html.parser import HTMLParser
from typing import Final

_TAGS: Final = frozenset({
    "a", "b", "blockquote", "code", "del", "em", "i", "ins", "pre", "s", "span", "strike",
    "strong", "tg-emoji", "tg-spoiler", "tg-time", "u",
})  # fmt: skip
_BARE: Final = "holds a bare <; write &lt;"
_DECLARED: Final = "holds a comment or a declaration, which Telegram does not know"


class BadHtml(ValueError):
    """A text that Telegram would refuse; the message says what to mend."""


def read(text: str) -> str:
    """Return what a reader sees of an HTML text; raises BadHtml."""
    reading = _Reading(convert_charrefs=False)
    try:
        reading.feed(text)
        reading.close()
    except AssertionError:  # so the parser says that a declaration is none
        raise BadHtml(_DECLARED) from None
    if reading.begun:
        raise BadHtml(f"begins <{reading.begun[-1]}> and does not end it")
    return "".join(reading.seen)


class _Reading(HTMLParser):
    """One pass over a text; `begun` are the elements that are open."""

    def reset(self) -> None:
        super().reset()
        self.seen: list[str] = []
        self.begun: list[str] = []

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _TAGS:
            raise BadHtml(f"holds <{tag}>, which Telegram does not know; write &lt; for a bare <")
        self.begun.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.begun or self.begun.pop() != tag:
            raise BadHtml(f"ends <{tag}> where it is not what was begun last")

    def handle_data(self, data: str) -> None:
        if "<" in data:
            raise BadHtml(_BARE)
        self.seen.append(data)

    def handle_entityref(self, name: str) -> None:
        self.seen.append(unescape(f"&{name};"))

    def handle_charref(self, name: str) -> None:
        self.seen.append(unescape(f"&#{name};"))

    def handle_comment(self, _data: str) -> None:
        raise BadHtml(_DECLARED)

    def handle_decl(self, _decl: str) -> None:
        raise BadHtml(_DECLARED)

    def handle_pi(self, _data: str) -> None:
        raise BadHtml(_DECLARED)

    def unknown_decl(self, _data: str) -> None:
        raise BadHtml(_DECLARED)
