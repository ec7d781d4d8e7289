"""How words look on a device: a mail's frame, and notices cut where a screen ends."""

import re
from typing import Final

from services.template_problems import VISIBLE

_POLICY: Final = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
    " style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'\">"
)
"""The frame runs no scripts anyway; pictures of others would tell them who looks, and when."""

_ASKS_FOR_DARK: Final = re.compile(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)", re.IGNORECASE)
_ASKS_FOR_LIGHT: Final = re.compile(r"\(\s*prefers-color-scheme\s*:\s*light\s*\)", re.IGNORECASE)
_ALWAYS, _NEVER = "(min-width: 0)", "(max-width: 0)"
_OWN_DARK: Final = '<meta name="color-scheme" content="dark">'
_DARKENED: Final = "<style>html{background:#fff}img{filter:hue-rotate(180deg) invert(1)}</style>"
"""For a frame that is inverted as a whole; its pictures are turned back."""

_DOCTYPE: Final = re.compile(r"\s*<!doctype[^>]*>", re.IGNORECASE)


def has_dark(html: str) -> bool:
    """Whether a mail has dark colours of its own; Gmail and Outlook darken others themselves."""
    return _ASKS_FOR_DARK.search(html) is not None


def framed(html: str, dark: bool) -> str:
    """Return a mail's HTML for `srcdoc`: nothing is fetched, and the mail's own dark colours are
    used when `dark` is asked for, whatever the viewer's machine prefers.
    """
    own = has_dark(html)
    html = _ASKS_FOR_DARK.sub(_ALWAYS if dark else _NEVER, html)
    html = _ASKS_FOR_LIGHT.sub(_NEVER if dark else _ALWAYS, html)
    look = (_OWN_DARK if own else _DARKENED) if dark else ""
    begun = _DOCTYPE.match(html)
    start = begun.end() if begun else 0
    return html[:start] + _POLICY + look + html[start:]


def cut(text: str, field: str, device: str) -> str:
    """Return as much of a notice's title or body as a device shows."""
    room = VISIBLE.get(device, {}).get(f"push.{field}")
    if room is None or len(text) <= room:
        return text
    return text[:room].rstrip() + "…"
