"""What the columns of a CSV file of profiles mean, and how a row of it becomes a document."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from domain import address_lines
from domain.errors import FieldError, Invalid

DELIMITERS: Final = b",;\t"
FIELDS: Final = (
    "external_id", "name", "email", "phone", "telegram", "whatsapp", "locale", "timezone",
)  # fmt: skip
GROUPS: Final = "groups"
ADDRESSES: Final = "addresses"
SEPARATOR: Final = "|"
_SEVERAL: Final = (GROUPS, ADDRESSES)
"""Columns whose cells hold several values."""
ATTRIBUTES: Final = "attributes."


class Unreadable(ValueError):
    """A row cannot be read as the header says; the message says why."""


def delimiter_of(header: bytes) -> bytes:
    """Return what separates the columns: of comma, semicolon and tab the most frequent one."""
    counted = {bytes([one]): header.count(one) for one in DELIMITERS}
    return max(counted, key=lambda one: counted[one])


def read_header(header: bytes, delimiter: bytes) -> list[str]:
    """Return the names of the columns; raises Invalid that names each wrong one."""
    try:
        names = [one.strip() for one in cells(header, delimiter.decode())]
    except Unreadable as error:
        raise Invalid.field("header", str(error)) from None
    counted = Counter(names)
    wrong = [FieldError(f"header[{at}]", told) for at, name in enumerate(names)
             if (told := _wrong(name, counted[name]))]  # fmt: skip
    if "external_id" not in counted:
        wrong.append(FieldError("header", "needs a column external_id, by which rows are known"))
    if wrong:
        raise Invalid("The first row must name the columns.", errors=wrong)
    return names


def cells(row: bytes, delimiter: str) -> list[str]:
    """Return the cells of a row (RFC 4180); raises Unreadable."""
    try:
        text = row.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"is not UTF-8: octet {error.start + 1} of the row") from None
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True), [])
    except csv.Error as error:
        raise Unreadable(f"is not CSV: {error}") from None


def document(names: Sequence[str], values: Sequence[str]) -> dict[str, Any]:
    """Return a row as a profile's document: an empty cell says nothing.

    Groups, and addresses as lines, stand in one cell with `|` between them, attributes in
    `attributes.<path>` as text. Raises Unreadable.
    """
    if len(values) != len(names):
        raise Unreadable(f"has {len(values)} cells, but the header has {len(names)}")
    found: dict[str, Any] = {}
    for name, value in zip(names, values, strict=True):
        if not value.strip():
            continue
        if name == GROUPS:
            found[GROUPS] = _several(value)
        elif name == ADDRESSES:
            found[ADDRESSES] = [_address(one) for one in _several(value)]
        elif name.startswith(ATTRIBUTES):
            _place(found.setdefault("attributes", {}), path_of(name), value)
        else:
            found[name] = value.strip()
    return found


def _several(value: str) -> list[str]:
    return [one.strip() for one in value.split(SEPARATOR) if one.strip()]


def _address(line: str) -> dict[str, Any]:
    try:
        return address_lines.read(line)
    except address_lines.NoAddress as error:
        raise Unreadable(f"addresses: {error}") from None


def path_of(name: str) -> list[str]:
    """Return the keys that lead to an attribute: `attributes.address.city` is two."""
    return name.removeprefix(ATTRIBUTES).split(".")


def nested(path: Sequence[str], value: Any) -> dict[str, Any]:
    """Return a document that has only this value at a path."""
    found: dict[str, Any] = {}
    _place(found, path, value)
    return found


def _place(target: Any, path: Sequence[str], value: Any) -> None:
    *outer, last = path
    for key in outer:
        target = target.setdefault(key, {})
        if not isinstance(target, Mapping):
            raise Unreadable(f"attributes.{'.'.join(path)} lies inside a value")
    if isinstance(target.get(last), Mapping):
        raise Unreadable(f"attributes.{'.'.join(path)} is a value and holds values")
    target[last] = value


def _wrong(name: str, times: int) -> str:
    if not name:
        return "has no name; name the column or remove it"
    if times > 1:
        return f"is {name[:100]}, which another column is too; remove one of them"
    if name in (*FIELDS, *_SEVERAL):
        return ""
    if name.startswith(ATTRIBUTES) and all(path_of(name)) and name.isprintable():
        return ""
    known = ", ".join((*FIELDS, *_SEVERAL))
    return f"is {name[:100]}, which is no column; there are {known} and attributes.<name>"
