"""Pages for what went wrong: a plain title, the reason, and where to go on."""

from typing import Final, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.guard import SignInNeeded, present
from dashboard.rendering import page
from domain.errors import Invalid, NotFound, Problem
from stores.database import DATABASE_ERRORS, unreachable

log = structlog.get_logger()

_WORDS: Final = {
    404: ("There is nothing here", "The address may be mistyped, or the thing was removed."),
    405: ("Not possible here", "This address does not take what was sent."),
    422: ("The address is not valid", "Something in the address does not fit; change it."),
    500: (
        "Something broke in Tocsin",
        "The error was logged. Notifications that were accepted are kept and are still sent.",
    ),
    503: (
        "The database does not answer",
        "Nothing can be shown or accepted until it is back. What was accepted is kept.",
    ),
}


def install_problems(web: FastAPI) -> None:
    """Make pages out of everything that handlers raise."""
    web.add_exception_handler(SignInNeeded, _to_sign_in)
    web.add_exception_handler(Problem, _problem)
    web.add_exception_handler(HTTPException, _http)
    web.add_exception_handler(RequestValidationError, _request)
    for gone in DATABASE_ERRORS:
        web.add_exception_handler(gone, _database)
    web.add_middleware(_Crashes)


class _Crashes:
    """Makes a page of an error nobody foresaw, inside the other middleware, and logs it."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; an answer that has begun cannot be replaced."""
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._inner(scope, receive, watched)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            answer = await _crash(Request(scope), error)
            await answer(scope, receive, send)


async def _to_sign_in(request: Request, error: Exception) -> Response:
    needed = cast(SignInNeeded, error)
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": needed.url})
    return RedirectResponse(needed.url, 303)


async def _problem(request: Request, error: Exception) -> Response:
    problem = cast(Problem, error)
    reasons = [f"{one.field}: {one.message}" for one in problem.errors]
    if isinstance(problem, Invalid) and len(reasons) == 1:
        reasons = []
    return await _page(
        request, problem.status, problem.title, problem.detail,
        reasons=reasons, headers=problem.headers,
    )  # fmt: skip


async def _http(request: Request, error: Exception) -> Response:
    found = cast(HTTPException, error)
    if request.url.path.startswith("/v1/"):
        return _unknown_resource(found.status_code)
    title, reason = _WORDS.get(found.status_code, (str(found.detail), ""))
    return await _page(request, found.status_code, title, reason, headers=dict(found.headers or {}))


def _unknown_resource(status: int) -> Response:
    """Answer programs that missed a resource of the API as the API does (RFC 9457)."""
    problem = NotFound("There is no such resource; /docs lists them all.")
    body = {**problem.body(), "status": status}
    return JSONResponse(body, status, media_type="application/problem+json")


async def _request(request: Request, error: Exception) -> Response:
    wrong = cast(RequestValidationError, error).errors()
    reasons = [f"{one['loc'][-1]}: {one['msg']}" for one in wrong]
    return await _page(request, 422, *_WORDS[422], reasons=reasons)


async def _database(request: Request, error: Exception) -> Response:
    fault = None if unreachable(error) else error  # then it is ours, and worth its traceback
    log.warning("dashboard.database_failed", error=type(error).__name__, exc_info=fault)
    return await _page(request, 503, *_WORDS[503], known=False)


async def _crash(request: Request, error: Exception) -> Response:
    log.error("dashboard.crashed", path=request.url.path, exc_info=error)
    return await _page(request, 500, *_WORDS[500], known=False)


async def _page(
    request: Request,
    status: int,
    title: str,
    reason: str,
    *,
    reasons: list[str] | None = None,
    headers: dict[str, str] | None = None,
    known: bool = True,
) -> Response:
    """Return the page; with `known` it is told who looks, which asks the database."""
    if known and not hasattr(request.state, "session"):
        try:
            await present(request)
        except DATABASE_ERRORS:
            request.state.session = None
    answer = page(
        request, "problem.html", status=status,
        status_code=status, title=title, reason=reason, reasons=reasons or [],
    )  # fmt: skip
    answer.headers.update(headers or {})
    return answer
