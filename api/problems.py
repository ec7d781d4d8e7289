"""Turns everything that goes wrong into application/problem+json (RFC 9457)."""

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api.scim_answers import SCIM_PATH, scim_problem
from domain import errors
from domain.errors import FieldError, Invalid, Problem, Unavailable
from stores.database import DATABASE_ERRORS, unreachable

log = structlog.get_logger()

_BY_STATUS: dict[int, type[Problem]] = {
    400: errors.Malformed,
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    413: errors.TooLarge,
}


class MethodNotAllowed(Problem):
    """The path exists, but not with this method."""

    slug, status, title = "method-not-allowed", 405, "The method is not allowed here"


class Unexpected(Problem):
    """A fault of ours; the log has it."""

    slug, status, title = "unexpected", 500, "Something failed on our side"


def problem_response(problem: Problem) -> JSONResponse:
    """Return a problem as a response."""
    headers = dict(problem.headers)
    if problem.status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return JSONResponse(
        problem.body(), problem.status, headers, media_type="application/problem+json"
    )


def _respond(request: Request, problem: Problem) -> JSONResponse:
    """Return a problem in the form of what was asked: SCIM has one of its own."""
    if request.url.path.startswith(SCIM_PATH):
        return scim_problem(problem)
    return problem_response(problem)


def install_problems(app: FastAPI) -> None:
    """Answer every exception of an application with a problem."""

    @app.exception_handler(Problem)
    async def _ours(request: Request, problem: Problem) -> JSONResponse:
        return _respond(request, problem)

    @app.exception_handler(RequestValidationError)
    async def _parameters(request: Request, error: RequestValidationError) -> JSONResponse:
        wrong = [
            FieldError(".".join(str(part) for part in item["loc"][1:]), item["msg"])
            for item in error.errors()
        ]
        return _respond(request, Invalid("Some parameters are not valid.", errors=wrong))

    @app.exception_handler(HTTPException)
    async def _routing(request: Request, error: HTTPException) -> JSONResponse:
        kind = _BY_STATUS.get(error.status_code, Unexpected)
        if error.status_code == 405:
            kind = MethodNotAllowed
        return _respond(request, kind(headers=error.headers))

    async def _fault(request: Request, error: Exception) -> JSONResponse:
        if unreachable(error):
            log.warning("api.database_unreachable", error=type(error).__name__)
            return _respond(
                request,
                Unavailable(
                    "The database does not answer; repeat it.", headers={"Retry-After": "2"}
                ),
            )
        log.error("api.failed", path=request.url.path, exc_info=error)
        return _respond(request, Unexpected("The fault is in the server's log."))

    for kind in (*DATABASE_ERRORS, Exception):
        app.add_exception_handler(kind, _fault)
