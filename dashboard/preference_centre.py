"""The pages of recipients: a preference centre and unsubscribing, by signed link, without sign-in.

They work without JavaScript. A mail's link is followed by scanners, so looking at a page changes
nothing; RFC 8058's one-click is a POST of the mail service itself, without cookies.
"""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import ValidationError

from dashboard.centre_words import CHANNELS, WORDS, choose_language
from dashboard.guard import Console, read_form
from dashboard.rendering import page
from domain.errors import Gone, Invalid, NotFound, Stale, TooLarge
from services import brands
from services import preference_links as use
from services.preference_links import Centre, Leaving

router = APIRouter()

_ONE_CLICK: Final = b"List-Unsubscribe"
_MOST_BYTES: Final = 10_000


@router.get("/p/{token}")
async def show(request: Request, app: Console, token: str) -> Response:
    """Show what a recipient chose."""
    try:
        centre = await use.look(app, token)
    except (NotFound, Gone) as problem:
        return _no_link(request, problem)
    return _centre_page(request, token, centre, said=request.query_params.get("said", ""))


@router.post("/p/{token}")
async def save(request: Request, app: Console, token: str) -> Response:
    """Keep what a recipient ticked, or unsubscribe from everything."""
    fields = await read_form(request)
    named = dict(fields)
    try:
        if named.get("action") == "leave_all":
            await use.leave_all(app, token)
            return _back(request, token, "left_all")
        await use.save(
            app,
            token,
            version=_number(named.get("version", "")),
            switched_on=_ticked(fields),
            quiet_hours=_hours(named),
            daily=_daily(named),
            tracking="tracking" in named,
        )
    except (NotFound, Gone) as problem:
        return _no_link(request, problem)
    except Stale:
        return _centre_page(request, token, await use.look(app, token), status=409, error="stale")
    except (ValidationError, Invalid):
        centre = await use.look(app, token)
        return _centre_page(request, token, centre, status=422, error="wrong_hours")
    return _back(request, token, "saved")


@router.get("/u/{token}")
async def ask(request: Request, app: Console, token: str) -> Response:
    """Ask whether to unsubscribe; nothing is changed by looking."""
    try:
        leaving = await use.look_leaving(app, token)
    except (NotFound, Gone) as problem:
        return _no_link(request, problem)
    return _leaving_page(request, leaving, done=False)


@router.post("/u/{token}")
async def leave(request: Request, app: Console, token: str) -> Response:
    """Unsubscribe by one click (RFC 8058 §3.1): from a mail service or from our own page."""
    if _ONE_CLICK not in await _body(request):
        raise Invalid.field("List-Unsubscribe", "must be One-Click (RFC 8058)")
    try:
        leaving = await use.leave(app, token)
    except (NotFound, Gone) as problem:
        return _no_link(request, problem)
    return _leaving_page(request, leaving, done=True)


@router.get("/brand/{module}.css")
async def brand(app: Console, module: str) -> Response:
    """Give the style sheet of a module's colour: pages allow none that stands in them."""
    try:
        colour = await brands.colour_of(app, module)
    except NotFound:
        return Response(status_code=404)
    style = f".recipient .button {{ background: {colour}; color: #fff; }}\n"
    headers = {"Cache-Control": "public, max-age=300"}
    return Response(style, media_type="text/css", headers=headers)


async def _body(request: Request) -> bytes:
    """Return a small form, urlencoded or multipart: only that it names the field counts."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            raise TooLarge(f"This form may have {_MOST_BYTES:,} bytes.")
    return body


def _ticked(fields: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return (category, channel) of ticked boxes, whose value is `category/channel`."""
    pairs = [value.rpartition("/") for name, value in fields if name == "on"]
    return {(category, channel) for category, _, channel in pairs}


def _hours(named: dict[str, str]) -> dict[str, str] | None:
    start, end = named.get("quiet_start", ""), named.get("quiet_end", "")
    return {"start": start, "end": end} if start or end else None


def _daily(named: dict[str, str]) -> dict[str, str]:
    """Return the time of day, or nothing, of each category, whose fields are `daily/category`."""
    return {
        name.removeprefix("daily/"): value
        for name, value in named.items()
        if name.startswith("daily/")
    }


def _number(given: str) -> int:
    return int(given) if given.isascii() and given.isdigit() and len(given) < 10 else -1


def _back(request: Request, token: str, said: str) -> RedirectResponse:
    asked = request.query_params.get("lang", "")
    language = f"&lang={asked}" if asked in WORDS else ""
    return RedirectResponse(f"/p/{token}?said={said}{language}", 303)


def _centre_page(
    request: Request,
    token: str,
    centre: Centre,
    *,
    status: int = 200,
    said: str = "",
    error: str = "",
) -> HTMLResponse:
    language = _language(request, centre.locale)
    return _render(
        request, "preference_centre.html", language, status=status, token=token, centre=centre,
        channel_names=CHANNELS[language], said=said if said in ("saved", "left_all") else "",
        error=error, look=centre.look,
    )  # fmt: skip


def _leaving_page(request: Request, leaving: Leaving, *, done: bool) -> HTMLResponse:
    language = _language(request, leaving.locale)
    return _render(
        request, "unsubscribe.html", language, leaving=leaving, done=done, look=leaving.look
    )


def _no_link(request: Request, problem: NotFound | Gone) -> HTMLResponse:
    what = "wrong" if isinstance(problem, NotFound) else "expired"
    return _render(
        request, "link_wrong.html", _language(request, None), status=problem.status, what=what
    )


def _language(request: Request, locale: str | None) -> str:
    asked = request.query_params.get("lang")
    return choose_language(asked, locale, request.headers.get("accept-language", ""))


def _render(request: Request, template: str, language: str, **context: Any) -> HTMLResponse:
    languages = {key: words["language"] for key, words in WORDS.items()}
    known = {"look": None, **context}
    answer = page(
        request, template, words=WORDS[language], language=language, languages=languages, **known
    )
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer
