"""Notices in the app's own inbox: kept as they are."""

from collections.abc import Mapping
from typing import Any

from channels.occasion import NO_OCCASION, Occasion
from channels.problems import ContentProblem


def transform(
    content: Mapping[str, Any],
    occasion: Occasion = NO_OCCASION,  # noqa: ARG001
) -> dict[str, Any]:
    """Return rendered {title, body, url?, data?} as it is."""
    return dict(content)


def problems(content: Mapping[str, Any]) -> list[ContentProblem]:  # noqa: ARG001
    """Return nothing: an inbox of our own takes what the contract takes."""
    return []
