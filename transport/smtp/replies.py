"""What a mail server says: replies read from bytes, bounded, with their enhanced status codes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MAX_LINE_OCTETS: Final = 4096
MAX_LINES: Final = 128

_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)
_ENHANCED: Final = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?=\s|$)")


class MalformedReply(Exception):
    """The server's bytes are no SMTP reply, or one beyond our bounds (RFC 5321 §4.2)."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply: its code and the text of its lines, undecodable octets escaped."""

    code: int
    lines: tuple[str, ...]

    @property
    def enhanced(self) -> str:
        """The enhanced status code such as `5.1.1` (RFC 3463); empty if there is none that fits."""
        found = _ENHANCED.match(self.lines[0])
        if found is None or found[1] != str(self.code)[0]:
            return ""
        return found[0]

    @property
    def text(self) -> str:
        """The lines' words in one, without the enhanced codes at their beginnings."""
        code = self.enhanced
        lines = (line.removeprefix(code).lstrip() if code else line for line in self.lines)
        return " ".join(line for line in lines if line)

    @property
    def positive(self) -> bool:
        """Whether the command was carried out (2yz)."""
        return 200 <= self.code < 300


class ReplyReader:
    """Cuts a stream of bytes into replies; it does not matter how the bytes are chopped."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._code = 0
        self._lines: list[str] = []

    @property
    def idle(self) -> bool:
        """Whether no part of a further reply has come."""
        return not self._buffer and not self._lines

    def feed(self, data: bytes) -> Iterator[Reply]:
        """Yield the replies that these bytes complete; raises MalformedReply after the last one."""
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end]).removesuffix(b"\r")
            del self._buffer[: end + 1]
            if (reply := self._take(line)) is not None:
                yield reply
        if len(self._buffer) > MAX_LINE_OCTETS:
            raise MalformedReply("a reply line is too long")

    def _take(self, line: bytes) -> Reply | None:
        found = _LINE.fullmatch(line)
        if found is None or len(line) > MAX_LINE_OCTETS:
            raise MalformedReply("a line is no reply, or is too long")
        code = int(found[1])
        if self._lines and code != self._code:
            raise MalformedReply("the lines of one reply have different codes")
        if len(self._lines) >= MAX_LINES:
            raise MalformedReply("a reply has too many lines")
        self._code = code
        self._lines.append((found[3] or b"").decode(errors="backslashreplace"))
        if found[2] == b"-":
            return None
        reply = Reply(code, tuple(self._lines))
        self._lines = []
        return reply
