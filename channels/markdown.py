"""Telegram's MarkdownV2: values freed of markup, and a text read as Telegram reads it.

https://core.telegram.org/bots/api#markdownv2-style
"""

import re
from typing import Final

_RESERVED: Final = "_*[]()~`>#+-=|{}.!\\"
_SPECIAL: Final = re.compile(f"[{re.escape(_RESERVED)}]")
_PLAIN: Final = re.compile(rf"[^{re.escape(_RESERVED)}\n]+")
_LINK_END: Final = re.compile(r"(?:[^)\\]|\\.)*+\)", re.DOTALL)
_TWINS: Final = ("_", "|")
_CODE: Final = ("`", "```")
_LANGUAGE: Final = re.compile(r"[^\s`]*\n")
_WORDS: Final = {
    "*": "bold", "_": "italic", "__": "underline", "~": "strikethrough", "||": "spoiler",
    "`": "code", "```": "pre", "[": "link", "![": "emoji",
}  # fmt: skip


class BadMarkdown(ValueError):
    """A text that Telegram would refuse; the message says what to mend."""


def escape(text: str) -> str:
    """Return text that MarkdownV2 shows as it is, wherever it stands."""
    return _SPECIAL.sub(r"\\\g<0>", text)


def read(text: str) -> str:
    """Return what a reader sees of a MarkdownV2 text; raises BadMarkdown."""
    return _Reading(text).run()


class _Reading:
    """One pass over a text; `open` are the entities that have begun, as they were written."""

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._open: list[str] = []
        self._seen: list[str] = []
        self._in_quote = False

    def run(self) -> str:
        """Return what is seen."""
        while self._at < len(self._text):
            if plain := _PLAIN.match(self._text, self._at):
                self._show(plain[0], len(plain[0]))
            else:
                self._step(self._text[self._at])
        if self._open:
            name = _WORDS[self._open[-1]]
            raise BadMarkdown(f"begins {name} by '{self._open[-1]}' and does not end it")
        return "".join(self._seen)

    def _step(self, char: str) -> None:
        following = self._text[self._at + 1 : self._at + 2]
        if char == "\\" and following and ord(following) <= 126:
            self._show(following, 2)
        elif self._open and self._open[-1] in _CODE and char != "`":
            self._show(char, 1)
        elif char == "\n":
            self._in_quote = False
            self._show(char, 1)
        elif char == ">" and self._begins_line():
            self._in_quote = True
            self._at += 1
        elif char == "\\":
            self._show(char, 1)
        else:
            self._mark(self._mark_at(char))

    def _mark_at(self, char: str) -> str:
        """Return the mark that stands here, which may be of several characters."""
        inside = self._open[-1] if self._open else ""
        if char == "`":
            triple = inside != "`" and self._text.startswith("```", self._at)
            return "```" if triple else "`"
        if char == "!" and self._text.startswith("![", self._at):
            return "!["
        if char in _TWINS and self._text.startswith(char * 2, self._at):
            return char * 2
        return char

    def _mark(self, mark: str) -> None:
        inside = self._open[-1] if self._open else ""
        after = self._at + len(mark)
        if mark == inside:
            self._open.pop()
            self._at = after
        elif mark == "]" and inside in ("[", "!["):
            self._open.pop()
            self._at = after
            self._skip_link()
        elif mark == "||" and self._in_quote and self._text[after : after + 1] in ("", "\n"):
            self._at = after  # the end of a quotation that can be unfolded
        elif mark in _WORDS and inside not in _CODE:
            self._open.append(mark)
            self._at = after
            if mark == "```" and (language := _LANGUAGE.match(self._text, self._at)):
                self._at = language.end()
        else:
            raise BadMarkdown(f"holds '{mark}', which MarkdownV2 reads as markup; write \\{mark}")

    def _skip_link(self) -> None:
        if not self._text.startswith("(", self._at):
            return
        end = _LINK_END.match(self._text, self._at + 1)
        if end is None:
            raise BadMarkdown("begins the address of a link by ( and does not end it")
        self._at = end.end()

    def _begins_line(self) -> bool:
        line = self._text.rfind("\n", 0, self._at) + 1
        return self._text[line : self._at] in ("", "**")

    def _show(self, char: str, width: int) -> None:
        self._seen.append(char)
        self._at += width
