"""A mail's HTML with its links led over Tocsin, and a picture that tells when it is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import unescape
from typing import Final
from uuid import UUID

from channels.link_marks import Spot
from domain.tracking import Tracking
from domain.tracking_links import LONGEST_URL, SCHEMES, TrackingRing

_PIXEL: Final = '<img src="{}" width="1" height="1" alt="" style="border:0">'
_TRAP: Final = '<a href="{}" style="display:none" tabindex="-1" aria-hidden="true"></a>'
_ENDS: Final = ("</body>", "</BODY>")


@dataclass(frozen=True, slots=True)
class LinkTracker:
    """Makes tracked links below `base_url`, signed by a ring."""

    ring: TrackingRing
    base_url: str

    def track(self, html: str, spots: Sequence[Spot], tracking: Tracking, attempt_id: UUID) -> str:
        """Return html with what is to be seen of it; nothing else of it changes.

        Links that are not http or https, and those to Tocsin itself (to unsubscribe, to choose
        preferences), are left alone.
        """
        added = ""
        if tracking.clicks:
            html, followed = self._links(html, spots, attempt_id)
            if followed:
                trap = self.ring.trap(attempt_id, followed)
                added += _TRAP.format(f"{self.base_url}/t/c/{trap}")
        if tracking.opens:
            added += _PIXEL.format(f"{self.base_url}/t/o/{self.ring.opening(attempt_id)}")
        return _with_end(html, added)

    def _links(self, html: str, spots: Sequence[Spot], attempt_id: UUID) -> tuple[str, int]:
        """Return html with its links led over Tocsin, and how many those are."""
        own = self.base_url
        led = [
            (start, end, (number, url))
            for number, start, end in spots
            if (url := _target(html[start:end], own)) is not None
        ]
        way, made, after = f"{own}/t/c/", [], 0
        tokens = self.ring.clicks(attempt_id, [link for *_, link in led])
        for (start, end, _), token in zip(led, tokens, strict=True):
            made += [html[after:start], way, token]
            after = end
        made.append(html[after:])
        return "".join(made), len(led)


@lru_cache(maxsize=4_096)
def _target(written: str, own: str) -> bytes | None:
    """Return the address of a link as it stands in html; None for one that is left alone."""
    url = (unescape(written) if "&" in written else written).strip()
    if not url[:8].lower().startswith(SCHEMES) or url == own or url.startswith(f"{own}/"):
        return None
    if " " in url or not url.isprintable():
        return None
    octets = url.encode()
    return octets if len(octets) <= LONGEST_URL else None


def _with_end(html: str, added: str) -> str:
    """Return html with something at the end of what is shown."""
    if not added:
        return html
    at = max(html.rfind(end) for end in _ENDS)
    return f"{html[:at]}{added}{html[at:]}" if at >= 0 else html + added
