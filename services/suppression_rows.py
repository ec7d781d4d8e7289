"""Rows of suppressions in a file, as CSV (RFC 4180) or as one JSON object a line."""

import csv
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from domain.errors import Invalid

CSV: Final = "text/csv"
NDJSON: Final = "application/x-ndjson"
FIELDS: Final = ("channel", "address", "category", "reason", "scope", "expires_at", "note")
TOLD: Final = ("source", "created_at")
"""Columns of an export besides; a file that is brought in may have them, and they are not read."""
LONGEST: Final = 64 * 1024
"""Bytes of a row at most."""

Row = tuple[int, "Mapping[str, Any] | WrongRow"]


class WrongRow(ValueError):
    """A row cannot be read; the text says why."""


async def read_ndjson(chunks: AsyncIterator[bytes]) -> AsyncIterator[Row]:
    """Yield the number of each line that is not empty with its object, or with what is wrong."""
    async for number, line in _lines(chunks):
        if isinstance(line, WrongRow):
            yield number, line
        elif line.strip():
            yield number, _object(line)


async def read_csv(chunks: AsyncIterator[bytes]) -> AsyncIterator[Row]:
    """Yield each row with the number of its first line; empty cells are left out.

    The columns are named by the first row and separated by commas, semicolons or tabs. Raises
    Invalid for a header that names a column twice, an unknown one, or lacks a needed one.
    """
    header: list[str] | None = None
    separator = ","
    async for number, line in _records(chunks):
        if header is None:
            header, separator = _header(line)
        elif isinstance(line, WrongRow):
            yield number, line
        elif line.strip():
            yield number, _cells(line, header, separator)
    if header is None:
        raise Invalid.field("body", "is empty; the first row names the columns")


async def _lines(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, "str | WrongRow"]]:
    """Yield the lines of a stream, in a memory of one line at most, however long a line is."""
    number, rest, too_long = 1, b"", False
    async for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield number, WrongRow(_TOO_LONG) if too_long else _decoded(line, number)
            number, too_long = number + 1, False
        if len(rest) > LONGEST:
            rest, too_long = b"", True
    if rest or too_long:
        yield number, WrongRow(_TOO_LONG) if too_long else _decoded(rest, number)


async def _records(chunks: AsyncIterator[bytes]) -> AsyncIterator[tuple[int, "str | WrongRow"]]:
    """Yield rows of CSV: a line break inside of quotes belongs to the row."""
    first, begun = 0, ""
    async for number, line in _lines(chunks):
        if isinstance(line, WrongRow):
            yield first or number, line
            first, begun = 0, ""
            continue
        first, begun = first or number, f"{begun}{line}\n"
        if begun.count('"') % 2 == 0:
            yield first, begun.rstrip("\r\n")
            first, begun = 0, ""
        elif len(begun) > LONGEST:
            yield first, WrongRow("begins a quoted cell that does not end")
            first, begun = 0, ""
    if begun:
        yield first, WrongRow("begins a quoted cell that does not end")


_TOO_LONG: Final = f"is longer than {LONGEST:,} bytes"


def _decoded(line: bytes, number: int) -> "str | WrongRow":
    if len(line) > LONGEST:
        return WrongRow(_TOO_LONG)
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        return WrongRow(f"is not UTF-8 from byte {error.start + 1} on")


def _object(line: str) -> "Mapping[str, Any] | WrongRow":
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return WrongRow("is not JSON")
    if not isinstance(found, dict):
        return WrongRow("is not a JSON object")
    return {name: value for name, value in found.items() if name not in TOLD and value is not None}


def _header(line: "str | WrongRow") -> tuple[list[str], str]:
    if isinstance(line, WrongRow):
        raise Invalid.field("body", f"has a first row that {line}; it names the columns")
    separator = max(",;\t", key=line.count)
    names = [name.strip().lower() for name in next(csv.reader([line], delimiter=separator), [])]
    wrong = [name for name in names if name not in (*FIELDS, *TOLD)]
    if wrong:
        raise Invalid.field(
            "body", f"has the column {wrong[0][:80]!r}, which is none of {', '.join(FIELDS)}"
        )
    if len(set(names)) < len(names):
        raise Invalid.field("body", "names a column twice in its first row")
    for needed in ("channel", "address"):
        if needed not in names:
            raise Invalid.field("body", f"has no column {needed}; the first row names the columns")
    return names, separator


def _cells(line: str, header: list[str], separator: str) -> "Mapping[str, Any] | WrongRow":
    try:
        cells = next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error as error:
        return WrongRow(f"is not CSV: {error}")
    if len(cells) != len(header):
        return WrongRow(f"has {len(cells)} cells where the first row has {len(header)}")
    named = zip(header, (cell.strip() for cell in cells), strict=True)
    return {name: cell for name, cell in named if cell and name not in TOLD}
