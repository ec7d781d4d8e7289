"""Hides a one-time code in rendered content, and shows it again exactly where it stood."""

import itertools
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

_HIDDEN: Final = "\ue0de"
"""Stands for a hidden digit; of the private use area, so that no other text has it."""

_BULLET: Final = "•"
_BETWEEN: Final = (
    r"(?:[\s.,·\u00ad\u2000-\u200f\u2010-\u2015\u2060\ufeff-]"
    rf"|<[^<>{_HIDDEN}]{{0,300}}>|&(?:[a-z]{{2,8}}|#x?[0-9a-f]{{1,6}});){{0,12}}"
)
"""What may stand between the digits of a code that is set apart: space, signs, tags, entities."""


def hide(content: Any, code: str) -> Any:
    """Return content with the digits of the code hidden wherever the code is written.

    Every text of the content is searched, for the code in one piece and for the code with space,
    signs or tags between its digits.
    """
    apart = re.compile(f"({_BETWEEN})".join(code), re.IGNORECASE)

    def hidden(found: re.Match[str]) -> str:
        return _HIDDEN + "".join(between + _HIDDEN for between in found.groups())

    whole = _HIDDEN * len(code)
    return _each_text(content, lambda text: apart.sub(hidden, text.replace(code, whole)))


def reveal(content: Any, code: str | None) -> Any:
    """Return what `hide` left with the code where it was, or with bullets for None."""

    def shown(text: str) -> str:
        if _HIDDEN not in text:
            return text
        # A code is hidden whole, and what stands within it hides nothing: digits come in turn.
        digits = itertools.cycle(code or _BULLET)
        return re.sub(_HIDDEN, lambda _: next(digits), text)

    return _each_text(content, shown)


def hides(content: Any) -> bool:
    """Whether anything is hidden in a content."""
    if isinstance(content, str):
        return _HIDDEN in content
    if isinstance(content, Mapping):
        return any(hides(value) for value in content.values())
    return isinstance(content, list | tuple) and any(hides(value) for value in content)


def _each_text(content: Any, change: Callable[[str], str]) -> Any:
    if isinstance(content, str):
        return change(content)
    if isinstance(content, Mapping):
        return {key: _each_text(value, change) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_each_text(value, change) for value in content]
    return content
