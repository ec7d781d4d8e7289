"""Who looks at a page, and whether a form really came from one of ours."""

from typing import Annotated, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import Depends, Request

from domain.errors import Forbidden, Malformed, TooLarge
from services import access
from services.access import Session
from services.app import App

COOKIE: Final = "tocsin_session"
MAX_FORM_BYTES: Final = 2_097_152
_MAX_FIELDS: Final = 2000
STALE: Final = "This form is no longer valid; go back, reload the page and send it again."


class SignInNeeded(Exception):
    """Nobody is signed in; `target` is the page to come back to."""

    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target

    @property
    def url(self) -> str:
        """Where to sign in."""
        query = "" if self.target == "/" else "?" + urlencode({"next": self.target})
        return f"/sign-in{query}"


def console(request: Request) -> App:
    """Return this process's App."""
    app: App = request.app.state.app
    return app


async def present(request: Request) -> Session | None:
    """Return the session of the request's cookie, if it is live; pages then know who looks."""
    token = request.cookies.get(COOKIE)
    session = await access.session(console(request), token) if token else None
    request.state.session = session
    return session


async def signed_in(request: Request) -> Session:
    """Return the session; raises SignInNeeded."""
    session = await present(request)
    if session is None:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raise SignInNeeded(target if request.method in ("GET", "HEAD") else "/")
    return session


Console = Annotated[App, Depends(console)]
Signed = Annotated[Session, Depends(signed_in)]


async def form(request: Request, session: Signed) -> dict[str, str]:
    """Return a signed-in user's form, the last of repeated fields; raises Forbidden on CSRF."""
    fields = dict(await read_form(request))
    given = request.headers.get("x-csrf-token") or fields.pop("csrf", "")
    if not access.csrf_matches(session, given):
        raise Forbidden(STALE)
    return fields


async def read_form(request: Request) -> list[tuple[str, str]]:
    """Return the fields of a form of our own origin; raises TooLarge, Malformed, Forbidden."""
    if not same_origin(request):
        raise Forbidden(STALE)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ("", "application/x-www-form-urlencoded"):
        raise Malformed("Forms are sent as application/x-www-form-urlencoded.")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise TooLarge(f"A form may have {MAX_FORM_BYTES:,} bytes.")
    try:
        text = body.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FIELDS)
    except ValueError:
        raise Malformed("The form could not be read.") from None


def same_origin(request: Request) -> bool:
    """Whether the browser says the request comes from our own pages; silence counts as yes."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")


Form = Annotated[dict[str, str], Depends(form)]
