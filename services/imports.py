"""Imports of profiles: a file is taken in while it arrives, and worked on afterwards."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row

from domain.errors import Invalid, NotFound
from domain.ids import InvalidId, decode, encode
from services.access import Actor
from services.app import App
from services.auditing import audit_subject
from services.import_judging import CSV, NDJSON
from services.import_uploads import Upload
from services.modules import owner_of
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, page_of
from services.times import stamp
from stores import imports as store

ABANDONED_SECONDS: Final = 900.0
_PAGE: Final = 500


async def upload(
    app: App,
    actor: Actor,
    format: str,
    body: AsyncIterable[bytes],
    *,
    module: str | None = None,
) -> dict[str, Any]:
    """Keep a file of profiles and return its import; the work begins when all of it is there.

    `module` (id or key) is for actors of all modules. Raises Invalid for a header that is wrong, or
    a file without rows; nothing is kept then.
    """
    actor.require("profiles:write")
    async with app.db.leader() as conn:
        owner = await owner_of(conn, actor, module)
    taken = Upload(app, actor, owner, format)
    try:
        async for data in body:
            await taken.feed(data)
        await taken.close()
    except Exception:
        await taken.break_off()
        raise
    return await get(app, actor, encode("imp", taken.id))


async def find(
    app: App, actor: Actor, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return a page of imports, newest first."""
    actor.require("profiles:read")
    before = decode_cursor(cursor)
    async with app.db.leader() as conn:
        rows = await store.find(conn, actor.sees, before=before, most=limit + 1)
    return page_of(rows, limit, _view)


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return an import with its progress; raises NotFound."""
    actor.require("profiles:read" if actor.may("profiles:read") else "profiles:write")
    return _view(await _row(app, actor, id_text))


async def rejected(app: App, actor: Actor, id_text: str) -> AsyncIterator[dict[str, Any]]:
    """Return the refused rows as {line, errors, row}, in the order of the file; raises NotFound.

    Those of an import that is still worked on are all that are known now.
    """
    actor.require("profiles:read")
    row = await _row(app, actor, id_text)
    return _rejections(app, row.id)


async def remove(app: App, actor: Actor, id_text: str) -> None:
    """Forget an import and its refused rows; one that is at work ends. Imported profiles stay."""
    actor.require("profiles:write")
    id = (await _row(app, actor, id_text)).id
    async with app.db.leader() as conn:
        row = await store.get(conn, id, actor.sees, lock=True)
        if row is None:
            raise NotFound(f"There is no import {id_text[:80]}.")
        await store.remove(conn, id)
        await audit_subject(conn, actor, "import.removed", encode("imp", id), row.module_id)


async def _rejections(app: App, id: UUID) -> AsyncIterator[dict[str, Any]]:
    after = 0
    while True:
        async with app.db.leader() as conn:
            rows = await store.rejections(conn, id, after=after, most=_PAGE)
        for row in rows:
            yield {
                "line": row.line,
                "errors": row.errors,
                "row": bytes(row.row).decode("utf-8", "replace"),
            }
        if len(rows) < _PAGE:
            return
        after = rows[-1].line


async def _row(app: App, actor: Actor, id_text: str) -> Row[Any]:
    missing = NotFound(f"There is no import {id_text[:80]}.")
    try:
        id = decode("imp", id_text)
    except InvalidId:
        raise missing from None
    async with app.db.leader() as conn:
        row = await store.get(conn, id, actor.sees)
    if row is None:
        raise missing
    return row


def _view(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": encode("imp", row.id),
        "module": row.module_key,
        "state": row.state,
        "detail": row.detail,
        "format": row.format,
        "bytes": row.bytes,
        "rows": row.rows,
        "imported": row.created + row.updated + row.unchanged,
        "created": row.created,
        "updated": row.updated,
        "unchanged": row.unchanged,
        "rejected": row.rejected,
        "created_at": stamp(row.created_at),
        "started_at": stamp(row.started_at),
        "finished_at": stamp(row.finished_at),
    }


FORMATS: Final = {
    "application/x-ndjson": NDJSON,
    "application/ndjson": NDJSON,
    "application/jsonl": NDJSON,
    "text/csv": CSV,
    "text/tab-separated-values": CSV,
}
"""The format of a file by its media type."""


def format_of(content_type: str | None) -> str:
    """Return the format that a Content-Type names; raises Invalid for another, or no UTF-8."""
    kind, _, rest = (content_type or "").partition(";")
    found = FORMATS.get(kind.strip().lower())
    if found is None:
        raise Invalid.field("Content-Type", "must be application/x-ndjson or text/csv")
    charset = rest.lower().partition("charset=")[2].strip(' "')
    if charset not in ("", "utf-8", "utf8", "us-ascii"):
        raise Invalid.field("Content-Type", "charset must be utf-8; convert the file")
    return found
