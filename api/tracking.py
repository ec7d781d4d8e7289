"""/t: the links and pixels of tracked mails. Nothing is looked up, no cookie is set, and of who
asks nothing is kept; what was seen is written down afterwards.
"""

from collections.abc import Mapping
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from api.authentication import Services
from domain.errors import NotFound
from domain.tracking_links import Click, Opening
from services import tracking as use
from services.app import App

router = APIRouter(prefix="/t", include_in_schema=False)

_PIXEL: Final = bytes.fromhex(
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)
"""A transparent GIF of one pixel."""

_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
_AHEAD: Final = ("sec-purpose", "purpose", "x-purpose", "x-moz")


@router.api_route("/c/{token}", methods=["GET", "HEAD"])
async def follow(http: Request, app: Services, token: str) -> Response:
    """Lead on to where the link of a mail goes; 404 for a token that was not signed here."""
    click = use.read(app, token)
    if not isinstance(click, Click):
        raise NotFound("This link is not valid.")
    _note(http, app, click)
    if click.is_trap:
        return Response(status_code=204, headers=_HEADERS)
    return RedirectResponse(click.url, 302, headers=_HEADERS)


@router.api_route("/o/{token}", methods=["GET", "HEAD"])
async def show(http: Request, app: Services, token: str) -> Response:
    """Give the pixel of a mail; 404 for a token that was not signed here."""
    opening = use.read(app, token)
    if not isinstance(opening, Opening):
        raise NotFound("This picture is not there.")
    _note(http, app, opening)
    return Response(_PIXEL, media_type="image/gif", headers=_HEADERS)


def _note(http: Request, app: App, what: Opening | Click) -> None:
    """Keep that a token was asked for, unless who asks does not want to be seen (DNT, GPC)."""
    said = http.headers
    if said.get("dnt") == "1" or said.get("sec-gpc") == "1":
        return
    app.visits.note(
        what,
        user_agent=said.get("user-agent", ""),
        is_head=http.method == "HEAD",
        says_prefetch=any("prefetch" in said.get(name, "").lower() for name in _AHEAD),
    )
