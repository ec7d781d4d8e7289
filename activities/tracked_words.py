"""Words whose links are to be followed: rendered with marks, which are lifted out at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from channels.link_marks import MarksBroken, Spot, lift
from channels.rendering import RenderFailed
from channels.tracked_html import LinkTracker
from domain.delivery import Leased
from domain.vocabulary import Channel


@dataclass(frozen=True, slots=True)
class Rendered:
    """A channel's rendered words, and where the links are in their html."""

    content: Mapping[str, Any]
    spots: Sequence[Spot] = ()


def render_tracked(leased: Leased, render: Callable[[bool], Mapping[str, Any]]) -> Rendered:
    """Return what is rendered, by a function that is told whether to mark links; without marks
    where they cannot be told any more from what the template made of them.
    """
    if leased.channel is not Channel.EMAIL or not leased.tracking.clicks:
        return Rendered(render(False))
    try:
        content = render(True)
        html, spots = lift(content.get("html") or "")
    except (MarksBroken, RenderFailed):
        return Rendered(render(False))  # which says what is wrong, if it is not the marks
    return Rendered({**content, "html": html} if "html" in content else content, spots)


def tracker(
    links: LinkTracker, leased: Leased, spots: Sequence[Spot], attempt_id: UUID
) -> Callable[[str], str] | None:
    """Return what leads a mail's links over Tocsin; None where nothing is to be seen."""
    if leased.channel is not Channel.EMAIL or not leased.tracking.is_on:
        return None
    return partial(links.track, spots=spots, tracking=leased.tracking, attempt_id=attempt_id)
