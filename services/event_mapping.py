"""From an event to a notification: a trigger's recipient, data and metadata filled from it."""

import re
from collections.abc import Mapping
from typing import Any, Final

from channels.budget import Budget
from channels.compiled import BadTemplate, compiled, is_template
from channels.rendering import generate
from domain.contract.notification import NotificationRequest
from domain.errors import FieldError, Invalid
from domain.events import MISSING, value_at
from services.fields import validated

MAPPED: Final = ("recipient", "data", "metadata")
_REFERENCE: Final = re.compile(r"\{\{\s*event((?:\.\w+)+)\s*\}\}")


def mapped(notification: Mapping[str, Any], event: Mapping[str, Any]) -> NotificationRequest:
    """Return the request that a trigger makes of an event; raises Invalid that names each field.

    A text that is one reference, `{{ event.data.lines }}`, becomes its value of whatever kind; any
    other is rendered in the sandbox of templates. Inline content has the `event` among its data.
    """
    errors: list[FieldError] = []
    made = dict(notification)
    for name in MAPPED:
        if name in made:
            made[name] = _value(made[name], event, name, errors)
    if errors:
        raise Invalid(errors=errors)
    if made.get("content") is not None:
        made["data"] = {**(made.get("data") or {}), "event": dict(event)}
    return validated(NotificationRequest, made)


def syntax_errors(notification: Mapping[str, Any]) -> list[FieldError]:
    """Return what is wrong with the templates in what is mapped, whatever the event."""
    errors: list[FieldError] = []
    for name in MAPPED:
        for path, source in _texts(notification.get(name), name):
            try:
                if is_template(source):
                    compiled(source)
            except BadTemplate as error:
                errors.append(FieldError(path, str(error)))
    return errors


def _value(value: Any, event: Mapping[str, Any], path: str, errors: list[FieldError]) -> Any:
    if isinstance(value, str):
        return _text(value, event, path, errors)
    if isinstance(value, Mapping):
        return {key: _value(item, event, f"{path}.{key}", errors) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(item, event, f"{path}[{n}]", errors) for n, item in enumerate(value)]
    return value


def _text(source: str, event: Mapping[str, Any], path: str, errors: list[FieldError]) -> Any:
    if not is_template(source):
        return source
    if reference := _REFERENCE.fullmatch(source.strip()):
        found = value_at(event, reference[1][1:])
        if found is MISSING:
            errors.append(FieldError(path, f"is event{reference[1]}, which the event lacks"))
            return None
        return found
    try:
        return generate(compiled(source), {"event": event}, Budget(None, None))
    except Exception as error:  # whatever an author's expression can raise
        errors.append(FieldError(path, f"cannot be rendered: {str(error)[:200]}"))
        return None


def _texts(value: Any, path: str) -> list[tuple[str, str]]:
    if isinstance(value, str):
        return [(path, value)]
    if isinstance(value, Mapping):
        return [one for key, item in value.items() for one in _texts(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [one for n, item in enumerate(value) for one in _texts(item, f"{path}[{n}]")]
    return []
