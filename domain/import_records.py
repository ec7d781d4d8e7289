"""Cuts an uploaded file into its records while it arrives: lines, or CSV rows with quoted breaks.

Lines end with LF or CRLF. Quotation marks are read as RFC 4180 has them: a mark that opens a field
closes at the next single one, and line breaks in between belong to the field.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

MOST_OCTETS: Final = 131_072
"""The longest record; also the longest field that Python's csv module reads."""

BOM: Final = b"\xef\xbb\xbf"
_TOO_LONG: Final = f"is longer than {MOST_OCTETS:,} octets"
_NOT_CLOSED: Final = "a quotation mark that opens a field is not closed"


class Record(NamedTuple):
    """A record, the line that it begins on (from 1), and why it cannot be read, if so."""

    line: int
    raw: bytes
    wrong: str = ""


class Records:
    """A file of which more and more is fed; memory is bounded by the longest record.

    `delimiters` are the octets that may separate fields, None where quotation marks mean nothing.
    They may be narrowed while the records of a `feed` are taken, as soon as the header is known.
    """

    def __init__(self, delimiters: bytes | None = None) -> None:
        self.delimiters = delimiters
        self._rest = b""
        self._line = 0
        self._skips = False
        self._held: list[Record] = []
        self._held_octets = 0

    def feed(self, data: bytes) -> Iterator[Record]:
        """Yield the records that are complete by now."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            yield from self._next(line)
        if len(self._rest) > MOST_OCTETS:
            if not self._skips:
                yield Record(self._line + 1, self._rest[:MOST_OCTETS], _TOO_LONG)
            self._skips, self._rest = True, b""

    def close(self) -> Iterator[Record]:
        """Yield what is left at the end of the file."""
        line, self._rest = self._rest, b""
        if line:
            yield from self._next(line)
        yield from self._give_up()

    def _next(self, line: bytes) -> Iterator[Record]:
        self._line += 1
        if self._skips:
            self._skips = False
            return
        if self._line == 1:
            line = line.removeprefix(BOM)
        yield from self._take(Record(self._line, line.removesuffix(b"\r")))

    def _take(self, record: Record) -> Iterator[Record]:
        if self._held:
            yield from self._continue(record)
        elif len(record.raw) > MOST_OCTETS:
            yield Record(record.line, record.raw[:MOST_OCTETS], _TOO_LONG)
        elif self._is_open(record.raw, False):
            self._hold(record)
        elif record.raw.strip():
            yield record

    def _continue(self, record: Record) -> Iterator[Record]:
        self._hold(record)
        if not self._is_open(record.raw, True):
            whole = b"\n".join(one.raw for one in self._held)
            line = self._held[0].line
            self._held, self._held_octets = [], 0
            yield Record(line, whole)
        elif self._held_octets > MOST_OCTETS:
            yield from self._give_up()

    def _give_up(self) -> Iterator[Record]:
        """Refuse the line whose mark stays open, and take each one behind it for itself."""
        held, self._held, self._held_octets = self._held, [], 0
        for at, one in enumerate(held):
            if at == 0 or self._is_open(one.raw, False):
                yield Record(one.line, one.raw, _NOT_CLOSED)
            elif one.raw.strip():
                yield one

    def _hold(self, record: Record) -> None:
        self._held.append(record)
        self._held_octets += len(record.raw) + 1

    def _is_open(self, line: bytes, inside: bool) -> bool:
        """Whether a quoted field goes on behind the end of a line."""
        if self.delimiters is None or (b'"' not in line and not inside):
            return False
        at = 0
        separator = re.compile(b"[" + re.escape(self.delimiters) + b"]")
        while True:
            if not inside and line[at : at + 1] == b'"':
                inside, at = True, at + 1
            while inside:
                mark = line.find(b'"', at)
                if mark < 0:
                    return True
                inside = line[mark + 1 : mark + 2] == b'"'
                at = mark + 1 + inside
            found = separator.search(line, at)
            if found is None:
                return False
            at = found.end()
