"""Answers, problems and descriptions in SCIM's own forms (RFC 7644 §3.1, §3.12)."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi.responses import JSONResponse, Response

from domain.errors import Conflict, Invalid, Malformed, Problem
from domain.scim.discovery import ERROR
from domain.scim.errors import ScimRefusal, ScimType
from services.idempotency import Answer

SCIM_PATH: Final = "/scim/v2"
MEDIA_TYPE: Final = "application/scim+json"
_TYPES: Final[Mapping[type[Problem], ScimType]] = {
    Malformed: ScimType.INVALID_SYNTAX,
    Invalid: ScimType.INVALID_VALUE,
    Conflict: ScimType.UNIQUENESS,
}
_STATUSES: Final = {422: 400}
"""The standard knows no 422."""

PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


def scim_answer(content: Mapping[str, Any]) -> JSONResponse:
    """Return a document."""
    return JSONResponse(content, media_type=MEDIA_TYPE)


def told(answer: Answer) -> Response:
    """Return what a service answers: a resource with its ETag and address, or nothing (204)."""
    headers = dict(answer.headers)
    if answer.replayed:
        headers["Idempotency-Replay"] = "true"
    if answer.status == 204:
        return Response(status_code=204, headers=headers)
    return JSONResponse(answer.content, answer.status, headers, media_type=MEDIA_TYPE)


def scim_problem(problem: Problem) -> JSONResponse:
    """Return a problem as SCIM's Error (RFC 7644 §3.12)."""
    status = _STATUSES.get(problem.status, problem.status)
    body = {"schemas": [ERROR], "status": str(status), "detail": _detail(problem)}
    kind = problem.scim_type if isinstance(problem, ScimRefusal) else _TYPES.get(type(problem))
    if kind is not None:
        body["scimType"] = kind.value
    headers = dict(problem.headers)
    if status == 401:
        headers.setdefault("WWW-Authenticate", "Bearer")
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)


def _detail(problem: Problem) -> str:
    wrong = "; ".join(f"{one.field}: {one.message}" for one in problem.errors)
    return problem.detail if not wrong or wrong in problem.detail else f"{problem.detail} {wrong}"


def scim_body(schema: str, example: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return what a route adds to describe its body, with examples that run."""
    examples = {"example": {"value": dict(example)}}
    examples |= {name: {"value": value} for name, value in more.items()}
    content = {"schema": {"type": "object", "description": schema}, "examples": examples}
    return {"requestBody": {"required": True, "content": {MEDIA_TYPE: content}}}
