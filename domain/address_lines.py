"""Addresses as people write them, in a cell of a CSV file or a line of a form.

    email:ann@work.example verified primary label=at work

The channel comes first; what is known of the address comes after it, the label last.
"""

from collections.abc import Mapping
from typing import Any, Final

_MARKS: Final = ("verified", "primary")
_LABEL: Final = "label="


class NoAddress(ValueError):
    """What was written is no address; the message says what is missing."""


def read(line: str) -> dict[str, Any]:
    """Return the {channel, address, …} that a line says, as the contract has it; raises NoAddress.

    Only its form is judged here.
    """
    channel, colon, rest = line.strip().partition(":")
    said, _, label = f" {rest}".partition(f" {_LABEL}")
    words = said.split()
    found: dict[str, Any] = {"channel": channel.strip().lower()}
    while words and words[-1].lower() in _MARKS:
        found[words.pop().lower()] = True
    if not colon or not words:
        raise NoAddress(f"{line.strip()[:80]!r} is no address; write email:ann@example.com")
    if label.strip():
        found["label"] = label.strip()
    return {**found, "address": " ".join(words)}


def written(address: Mapping[str, Any]) -> str:
    """Return an address of the contract as a line that reads as it again."""
    marks = [f" {mark}" for mark in _MARKS if address.get(mark)]
    label = f" {_LABEL}{address['label']}" if address.get("label") else ""
    return f"{address['channel']}:{address['address']}{''.join(marks)}{label}"
