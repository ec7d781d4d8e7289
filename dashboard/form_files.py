"""Forms that carry files: each file becomes a field, as if its content had been typed."""

import base64
import json
import mimetypes
from collections.abc import AsyncGenerator
from typing import Annotated, Final

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from dashboard.guard import MAX_FORM_BYTES, Signed, form, same_origin
from domain.errors import Forbidden, Malformed, TooLarge
from services import access

MAX_BYTES: Final = 8_388_608
"""Of a form with its files."""
FILES: Final = "files."
ADDED: Final = "added."
_MAX_FIELDS: Final = 2000
_MAX_FILES: Final = 20
_STALE: Final = "This form is no longer valid; go back, reload the page and send it again."


async def form_with_files(request: Request, session: Signed) -> dict[str, str]:
    """Return a signed-in user's form. Each file of `files.<place>` is a field `added.<place>.<n>`:
    {filename, content_type, base64} as JSON. Raises TooLarge, Malformed, Forbidden.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await form(request, session)
    if not same_origin(request):
        raise Forbidden(_STALE)
    parser = MultiPartParser(
        request.headers, _bounded(request), max_files=_MAX_FILES, max_fields=_MAX_FIELDS,
        max_part_size=MAX_FORM_BYTES,
    )  # fmt: skip
    try:
        read = await parser.parse()
    except MultiPartException as error:
        raise Malformed(f"The form could not be read: {error.message}") from None
    try:
        fields = {name: value for name, value in read.multi_items() if isinstance(value, str)}
        if not access.csrf_matches(session, fields.pop("csrf", "")):
            raise Forbidden(_STALE)
        taken = sum(name.startswith(ADDED) for name in fields)
        for number, (name, file) in enumerate(read.multi_items(), start=taken):
            if isinstance(file, UploadFile) and name.startswith(FILES) and file.filename:
                fields[f"{ADDED}{name.removeprefix(FILES)}.{number}"] = await _told(file)
    finally:
        await read.close()  # which takes its files from the disk
    return fields


FormWithFiles = Annotated[dict[str, str], Depends(form_with_files)]


async def _bounded(request: Request) -> AsyncGenerator[bytes, None]:
    seen = 0
    async for chunk in request.stream():
        seen += len(chunk)
        if seen > MAX_BYTES:
            raise TooLarge(f"A form with its files may have {MAX_BYTES:,} bytes.")
        yield chunk


async def _told(file: UploadFile) -> str:
    name = (file.filename or "").rpartition("/")[2].rpartition("\\")[2]
    kind = (file.content_type or "").partition(";")[0].strip()
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    content = base64.b64encode(await file.read()).decode()
    return json.dumps({"filename": name, "content_type": kind or guessed, "base64": content})
