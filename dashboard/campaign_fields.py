"""Inputs of campaigns' forms and the contract: an input is named as the contract names it."""

from collections.abc import Mapping
from typing import Any, Final

PACE: Final = (
    "pace.per_second", "pace.ramp.start_per_second", "pace.ramp.over_seconds",
    "pace.ramp.doubles_every_seconds",
)  # fmt: skip


def pace_of(fields: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the pace of a form, with its ramp; None where nothing of it was filled in."""
    return nested(fields, PACE).get("pace")


def pace_fields(pace: Mapping[str, Any] | None) -> dict[str, str]:
    """Return a pace as its inputs have it."""
    return flat({"pace": pace or {}}, PACE)


def nested(fields: Mapping[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    """Return what was filled in of inputs whose dotted names say where they belong."""
    document: dict[str, Any] = {}
    for name in names:
        value = fields.get(name, "").strip()
        if value:
            *path, last = name.split(".")
            inside = document
            for part in path:
                inside = inside.setdefault(part, {})
            inside[last] = value
    return document


def flat(document: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    """Return the inputs of a document; the opposite of `nested`."""
    return {name: _at(document, name.split(".")) for name in names}


def _at(document: Any, path: list[str]) -> str:
    for part in path:
        document = document.get(part) if isinstance(document, Mapping) else None
    return (
        ""
        if document is None
        else f"{document:g}"
        if isinstance(document, float)
        else str(document)
    )
