"""What is typed into a vendor account's form as the API's document, and an account as texts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from dashboard.message_forms import json_object, text_lines
from dashboard.vendor_inputs import SETTINGS, Input, Kind, text_of
from domain.errors import FieldError, Invalid

CLEAR: Final = "clear."
"""Begins the name of the box that takes a secret away."""


def first_texts(inputs: Iterable[Input]) -> dict[str, str]:
    """Return what the form of a new account begins with: choices and switches as usual."""
    return {one.name: one.usual for one in inputs if one.kind in (Kind.CHOICE, Kind.SWITCH)}


def texts_of(inputs: Iterable[Input], account: Mapping[str, Any]) -> dict[str, str]:
    """Return the texts of an account as the API shows it; those of secrets are empty."""
    values = {**account, **_prefixed(account["settings"] or {})}
    return {
        one.name: "" if one.secret else text_of(one.kind, values.get(one.name)) for one in inputs
    }


def kept_texts(inputs: Iterable[Input], fields: Mapping[str, str]) -> dict[str, str]:
    """Return what a form that was wrong shows again: everything but the secrets."""
    hidden = {one.name for one in inputs if one.secret}
    return {name: value for name, value in fields.items() if name not in hidden}


def new_document(inputs: Iterable[Input], fields: Mapping[str, str]) -> dict[str, Any]:
    """Return what was filled in; raises Invalid for what cannot be read."""
    read = _read(inputs, fields)
    return _nested({name: value for name, value in read.items() if value is not None})


def changes_document(
    inputs: Sequence[Input], fields: Mapping[str, str], shown: Mapping[str, str]
) -> dict[str, Any]:
    """Return the merge patch of what differs from what was `shown`; raises Invalid.

    A secret that is left empty stays as it is, unless its box says that it is taken away.
    """
    differing = [
        one for one in inputs if text_lines(fields.get(one.name, "")) != shown[one.name]
    ]  # fmt: skip
    taken = [one.name for one in inputs if one.secret and fields.get(CLEAR + one.name) == "yes"]
    return _nested({**dict.fromkeys(taken, ""), **_read(differing, fields)})


def _read(inputs: Iterable[Input], fields: Mapping[str, str]) -> dict[str, Any]:
    errors: list[FieldError] = []
    found = {one.name: _typed(one, fields, errors) for one in inputs}
    if errors:
        raise Invalid(errors=errors)
    return found


def _typed(one: Input, fields: Mapping[str, str], errors: list[FieldError]) -> Any:
    """Return the value of an input, None where it is empty. A secret keeps its spaces."""
    text = text_lines(fields.get(one.name, ""))
    if one.kind is Kind.SWITCH:
        return text == "yes"
    if not text.strip():
        return None
    match one.kind:
        case Kind.NUMBER:
            return _number(text.strip())
        case Kind.LIST | Kind.WORDS:
            parts = re.split(r"\n" if one.kind is Kind.LIST else r"[\s,;]+", text)
            return [part.strip() for part in parts if part.strip()]
        case Kind.OBJECT:
            return json_object(one.name, fields, errors)
    return text if one.secret else text.strip()


def _number(text: str) -> int | float | str:
    """Return a number; what is none stays text, so that the contract says what it expects."""
    for read in (int, float):
        try:
            return read(text)
        except ValueError:
            continue
    return text


def _prefixed(settings: Mapping[str, Any]) -> dict[str, Any]:
    return {SETTINGS + name: value for name, value in settings.items()}


def _nested(given: Mapping[str, Any]) -> dict[str, Any]:
    document = {name: value for name, value in given.items() if not name.startswith(SETTINGS)}
    settings = {
        name.removeprefix(SETTINGS): value
        for name, value in given.items()
        if name.startswith(SETTINGS)
    }
    return {**document, "settings": settings} if settings else document
