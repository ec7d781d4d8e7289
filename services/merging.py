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
