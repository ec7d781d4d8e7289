"""Signing in and out."""

from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.guard import COOKIE, Console, Form, Signed, present, read_form
from dashboard.rendering import page, see_other
from domain.errors import RateLimited, Unauthenticated
from services import access

router = APIRouter()

_WRONG: Final = "The e-mail address or the password is wrong."


@router.get("/sign-in")
async def show(request: Request) -> Response:
    """Show the form, or go on where somebody is signed in."""
    target = local_path(request.query_params.get("next", ""))
    if await present(request) is not None:
        return see_other(target)
    return _page(request, target)


@router.post("/sign-in")
async def enter(request: Request, app: Console) -> Response:
    """Open a session and go on to the page that was asked for."""
    fields = dict(await read_form(request))
    target = local_path(fields.get("next", ""))
    email, password = fields.get("email", "").strip(), fields.get("password", "")
    missing = {name: "Fill this in." for name, value in
               (("email", email), ("password", password)) if not value}  # fmt: skip
    if missing:
        return _page(request, target, status=422, email=email, errors=missing)
    client = request.client.host if request.client else "unknown"
    try:
        session = await access.sign_in(app, email, password, client)
    except Unauthenticated:
        return _page(request, target, status=401, email=email, errors={"password": _WRONG})
    except RateLimited as locked:
        answer = _page(request, target, status=429, email=email, errors={"password": _wait(locked)})
        answer.headers.update(locked.headers)
        return answer
    answer = see_other(target)
    answer.set_cookie(
        COOKIE, session.token, max_age=access.SESSION_HOURS * 3600, path="/", httponly=True,
        samesite="lax", secure=request.url.scheme == "https",
    )  # fmt: skip
    return answer


@router.post("/sign-out")
async def leave(app: Console, session: Signed, _fields: Form) -> Response:
    """End the session."""
    await access.sign_out(app, session.token)
    answer = see_other("/sign-in", flash="You are signed out.")
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax")
    return answer


def local_path(given: str) -> str:
    """Return a path of this dashboard to go on to; anything that leads elsewhere becomes `/`."""
    if not given.startswith("/") or given.startswith("//") or "\\" in given:
        return "/"
    if any(ord(sign) < 0x21 for sign in given):
        return "/"
    try:
        parts = urlsplit(given)
    except ValueError:
        return "/"
    return "/" if parts.netloc or parts.path == "/sign-in" else given


def _wait(locked: RateLimited) -> str:
    seconds = int(locked.headers.get("Retry-After", "60"))
    told = f"{seconds} seconds" if seconds < 120 else f"{-(-seconds // 60)} minutes"
    return f"Too many failed attempts. Try again in {told}."


def _page(request: Request, target: str, *, status: int = 200, **known: Any) -> Response:
    context = {"email": "", "errors": {}, **known}
    return page(request, "sign_in.html", status=status, target=target, **context)
