"""Answers as JSON with ETags, and what If-Match asks."""

from collections.abc import Mapping
from typing import Any

from fastapi.responses import JSONResponse, Response

from domain.errors import Stale
from services.idempotency import Answer


def answer(
    content: Mapping[str, Any],
    *,
    status: int = 200,
    version: int | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """Return a document; `version` (or the document's own) becomes its ETag (RFC 9110 §8.8.3)."""
    tag = version if version is not None else content.get("version")
    extra = dict(headers or {})
    if tag is not None:
        extra["ETag"] = f'"{tag}"'
    return JSONResponse(content, status, extra)


def replayable(given: Answer) -> JSONResponse:
    """Return an answer that an Idempotency-Key may tell again."""
    extra = dict(given.headers)
    if given.replayed:
        extra["Idempotency-Replay"] = "true"
    return answer(given.content, status=given.status, headers=extra)


def no_content() -> Response:
    """Return 204."""
    return Response(status_code=204)


def expected_version(if_match: str | None) -> int | None:
    """Return the version that If-Match names, None when any will do; raises Stale for others."""
    if if_match is None or if_match.strip() == "*":
        return None
    tag = if_match.strip().removeprefix("W/").strip('"')
    if not tag.isdigit() or len(tag) > 9:
        raise Stale("If-Match does not name a version of this; read it again for its ETag.")
    return int(tag)


def check_match(if_match: str | None, version: int) -> None:
    """Raise Stale unless If-Match is absent or names this version."""
    wanted = expected_version(if_match)
    if wanted is not None and wanted != version:
        raise Stale("It was changed meanwhile; read it again and repeat the change.")
