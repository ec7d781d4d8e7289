"""Makes of what others sent something that PostgreSQL can keep as text and as JSON."""

from collections.abc import Mapping
from typing import Any, Final

_DEEPEST: Final = 50
_REPLACEMENT: Final = "�"


def storable(value: Any) -> Any:
    """Return a value of JSON without NUL characters and half surrogate pairs.

    What is no JSON becomes its text, and what is nested too deeply is left out.
    """
    return _storable(value, 0)


def storable_text(value: str) -> str:
    """Return text without NUL characters and half surrogate pairs."""
    plain = value.replace("\x00", _REPLACEMENT)
    return plain.encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def _storable(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if value - value == 0 else str(value)
    if depth >= _DEEPEST:
        return None
    if isinstance(value, Mapping):
        return {storable_text(str(name)): _storable(one, depth + 1) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(one, depth + 1) for one in value]
    return storable_text(str(value))
