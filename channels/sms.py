"""Text messages: folded on request, counted in parts, refused when they are too long."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from channels.gsm_folding import fold
from channels.occasion import NO_OCCASION, Occasion
from channels.problems import TOO_LARGE, ContentProblem, error, warning
from domain.sms_segments import UCS2, Segments, count_segments
from domain.vocabulary import Channel

MOST_PARTS: Final = 10
MOST_CHARACTERS: Final = 1600
_MANY_PARTS: Final = 3
_SHOWN: Final = 5


def transform(
    content: Mapping[str, Any],
    occasion: Occasion = NO_OCCASION,  # noqa: ARG001
) -> dict[str, Any]:
    """Return {text, encoding: gsm7 | ucs2, segments} of rendered {text, fold?}."""
    text, counted = _counted(content["text"], bool(content.get("fold")))
    return {"text": text, "encoding": counted.encoding, "segments": counted.count}


def measured(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `transform` does, with `characters`, and `units` of the encoding."""
    text, counted = _counted(content["text"], bool(content.get("fold")))
    return {**transform(content), "characters": len(text), "units": counted.units}


def problems(content: Mapping[str, Any]) -> list[ContentProblem]:
    """Return what is wrong with rendered {text, fold?}."""
    text, counted = _counted(content["text"], bool(content.get("fold")))
    found = []
    if counted.count > MOST_PARTS or len(text) > MOST_CHARACTERS:
        message = (
            f"has {len(text):,} characters in {counted.count} parts; "
            f"at most {MOST_CHARACTERS:,} in {MOST_PARTS} parts can be sent"
        )
        found.append(error(Channel.SMS, "text", message, TOO_LARGE))
    elif counted.count > _MANY_PARTS:
        message = f"is sent and charged as {counted.count} parts"
        found.append(warning(Channel.SMS, "text", message))
    if not text.strip():
        found.append(error(Channel.SMS, "text", "is empty"))
    if counted.encoding == UCS2:
        found.append(warning(Channel.SMS, "text", _unusual(counted.unusual)))
    return found


def _unusual(characters: str) -> str:
    shown = " ".join(characters[:_SHOWN])
    more = f" and {len(characters) - _SHOWN} more" if len(characters) > _SHOWN else ""
    return f"leaves 70 characters instead of 160 in a part because of {shown}{more}"


@lru_cache(maxsize=64)
def _counted(text: str, folds: bool) -> tuple[str, Segments]:
    # Each text is asked for twice: what is wrong with it, and what becomes of it.
    return fold(text) if folds else (text, count_segments(text))
