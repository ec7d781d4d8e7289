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
_DARKENED: Final = (
    "<style>html{background:#fff;filter:invert(.9) hue-rotate(180deg)}"
    "img{filter:invert(1) hue-rotate(180deg)}</style>"
)
"""About what Gmail and Outlook do to mail that has no dark colours of its own."""


def framed(html: str, dark: bool) -> str:
    """Return a mail's HTML for `srcdoc`: nothing is fetched, and the mail's own dark colours are
    used when `dark` is asked for, whatever the viewer's machine prefers.
    """
    own = _ASKS_FOR_DARK.search(html) is not None
    html = _ASKS_FOR_DARK.sub(_ALWAYS if dark else _NEVER, html)
    html = _ASKS_FOR_LIGHT.sub(_NEVER if dark else _ALWAYS, html)
    look = (_OWN_DARK if own else _DARKENED) if dark else ""
    return _POLICY + look + html


def cut(text: str, field: str, device: str) -> str:
    """Return as much of a notice's title or body as a device shows."""
    room = VISIBLE.get(device, {}).get(f"push.{field}")
    if room is None or len(text) <= room:
        return text
    return text[:room].rstrip() + "…"
