"""Who did what to a template, when and why: the lines of the audit log about it."""

from collections.abc import Mapping
from typing import Any

from domain.ids import encode
from services.access import Actor
from services.app import App
from services.audit_log import names_of
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.templates import find_row
from services.times import stamp
from stores import audit


async def find(
    app: App, actor: Actor, name: str, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return a page of {at, by, action, version, before, note, fields}, newest first; NotFound."""
    actor.require("templates:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, name, archived=True)
        lines = await audit.of_subject(
            conn, encode("tpl", row.id), before=decode_cursor(cursor), most=limit + 1
        )
        names = await names_of(conn, [line.actor for line in lines])
    items = [_shown(line, names) for line in lines[:limit]]
    return Page(items, next_cursor([line.id for line in lines], limit))


def _shown(line: Any, names: Mapping[str, str]) -> dict[str, Any]:
    told = ("version", "before", "note", "fields")
    return {
        "at": stamp(line.at),
        "by": names.get(line.actor, line.actor),
        "action": line.action.removeprefix("template."),
        **{name: line.detail.get(name) for name in told},
    }
