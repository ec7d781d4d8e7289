"""Reading events: values by path, filters by equality, and what ties two events together."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

MISSING: Final = object()


def value_at(event: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path such as `data.order.id` or `data.lines.0`; MISSING if none."""
    found: Any = event
    for part in path.split("."):
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdecimal() and int(part) < len(found):
            found = found[int(part)]
        else:
            return MISSING
    return found


def matches(filter: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """Whether each path has the value that is wanted, or one of a list of them."""
    return all(_is(value_at(event, path), wanted) for path, wanted in filter.items())


def correlation(event: Mapping[str, Any], paths: Sequence[str]) -> str | None:
    """Return what stands for the values at paths, alike for equal ones; None when one is missing.

    It is a digest: it may be kept when the values may not.
    """
    values = [value_at(event, path) for path in paths]
    if any(value is MISSING or value is None for value in values):
        return None
    return hashlib.sha256(_canonical(values).encode()).hexdigest()


def _is(value: Any, wanted: Any) -> bool:
    if value is MISSING:
        return False
    choices = wanted if isinstance(wanted, list) else [wanted]
    return _canonical(value) in {_canonical(one) for one in choices}


def _canonical(value: Any) -> str:
    """Return JSON in which 1 and 1.0 are alike, and 1 and true are not."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=True)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
