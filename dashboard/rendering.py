"""Renders pages: one Jinja environment, what every page knows, redirects with a word to say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, unquote

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from dashboard.assets import asset, has_asset
from dashboard.figures import duration, in_zone, percent, plain, segments, state_link, thousands
from dashboard.navigation import navigation
from services.access import Session
from services.app import App

_FLASH: Final = "tocsin_flash"
_LONGEST_FLASH: Final = 300


def attributes(given: Mapping[str, object]) -> Markup:
    """Return HTML attributes: `_` reads as `-`, true stands alone, false and None are left out."""
    parts = [Markup("")]
    for name, value in given.items():
        if value is True:
            parts.append(Markup(" {}").format(name.replace("_", "-")))
        elif value is not False and value is not None:
            parts.append(Markup(' {}="{}"').format(name.replace("_", "-"), value))
    return Markup("").join(parts)


_environment = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.globals.update(asset=asset, segments=segments, state_link=state_link)
_environment.globals["has_asset"] = has_asset
_environment.filters.update(
    thousands=thousands,
    plain=plain,
    percent=percent,
    duration=duration,
    in_zone=in_zone,
    xmlattr_dashed=attributes,
)


def page(request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
    """Return a template as a page.

    Every template also has session, user, csrf, environment, path, navigation, flash, and `ui`: the
    macros of macros.html. session and user are None, csrf is empty where nobody is signed in.
    """
    full = {**_common(request), **context}
    loaded = _environment.get_template("macros.html")
    full["ui"] = loaded.make_module(full)
    answer = HTMLResponse(_environment.get_template(template).render(full), status)
    if full["flash"] is not None:
        answer.delete_cookie(_FLASH, path="/")
    return answer


def see_other(url: str, *, flash: str | None = None) -> RedirectResponse:
    """Return a redirect after a form (303); the next page shows `flash` once."""
    answer = RedirectResponse(url, 303)
    if flash is not None:
        answer.set_cookie(
            _FLASH, quote(flash[:_LONGEST_FLASH]), max_age=60, path="/", httponly=True,
            samesite="lax",
        )  # fmt: skip
    return answer


def _common(request: Request) -> dict[str, Any]:
    app: App = request.app.state.app
    session: Session | None = getattr(request.state, "session", None)
    said = request.cookies.get(_FLASH)
    return {
        "session": session,
        "user": session.user if session else None,
        "csrf": session.csrf if session else "",
        "environment": app.settings.environment,
        "path": request.url.path,
        "navigation": navigation(request.url.path, session.actor) if session else [],
        "flash": unquote(said)[:_LONGEST_FLASH] if said else None,
        "request_query": str(request.url.query),
    }
