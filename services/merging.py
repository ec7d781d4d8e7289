"""JSON merge patch (RFC 7396 §2)."""

from collections.abc import Mapping
from typing import Any


def merge(target: Mapping[str, Any] | None, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with a patch applied: null removes, objects merge, the rest replaces."""
    merged = dict(target or {})
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            before = merged.get(key)
            merged[key] = merge(before if isinstance(before, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return the merge patch that makes `after` of `before`; nulls in `after` cannot be told."""
    patch: dict[str, Any] = {name: None for name in before if name not in after}
    for name, value in after.items():
        if name not in before:
            patch[name] = value
        elif isinstance(value, Mapping) and isinstance(before[name], Mapping):
            if inner := difference(before[name], value):
                patch[name] = inner
        elif value != before[name]:
            patch[name] = value
    return patch
