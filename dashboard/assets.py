"""Static files: held in memory, named by their content, kept by browsers for a year."""

import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

FOLDER: Final = Path(__file__).parent / "static"
_SERVED: Final = (".css", ".js", ".svg", ".png", ".ico", ".webmanifest")
_TYPES: Final = {".js": "text/javascript", ".webmanifest": "application/manifest+json"}

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is served."""

    body: bytes
    media_type: str
    digest: str


def _read() -> dict[str, Asset]:
    files = (path for path in FOLDER.rglob("*") if path.suffix in _SERVED)
    return {path.relative_to(FOLDER).as_posix(): _asset(path) for path in files}


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0]
    return Asset(body, kind or "application/octet-stream", hashlib.sha256(body).hexdigest()[:12])


_assets: Final = _read()


def asset(name: str) -> str:
    """Return the URL of a static file; it changes with the content. Raises KeyError."""
    return f"/static/{_assets[name].digest}/{name}"


def has_asset(name: str) -> bool:
    """Whether there is a static file of this name."""
    return name in _assets


@router.get("/static/{digest}/{name:path}")
async def static_file(request: Request, digest: str, name: str) -> Response:
    """Give a static file; one asked for by an older digest is given, but not kept."""
    found = _assets.get(name)
    if found is None:
        return Response("Not found", 404, media_type="text/plain")
    fresh = digest == found.digest
    kept = "public, max-age=31536000, immutable" if fresh else "no-cache"
    headers = {"Cache-Control": kept, "ETag": f'"{found.digest}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.body, media_type=found.media_type, headers=headers)
