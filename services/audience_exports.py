"""Everybody in an audience, as a stream: resolved anew, in constant memory."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from domain.ids import encode
from services.access import Actor
from services.app import App
from services.audience_definitions import read
from services.audience_resolving import resolve
from services.audiences import find_row

COLUMNS: Final = ("profile", "external_id", "name", "email", "phone", "telegram", "whatsapp")
CSV: Final = "csv"
NDJSON: Final = "ndjson"


async def stream(app: App, actor: Actor, id_text: str, kind: str) -> AsyncIterator[str]:
    """Yield the members with their addresses, page by page, as `csv` or `ndjson`.

    Raises Forbidden, NotFound, Invalid that names the leaf, Unavailable.
    """
    actor.require("audiences:read")
    actor.require("profiles:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
    node = read(app.seal.open(row.definition))
    async with resolve(app, row.module_id, node) as found:
        if kind == CSV:
            yield ",".join(COLUMNS) + "\r\n"
        async for page in found.members():
            people = [_person(one) for one in page]
            yield _as_csv(people) if kind == CSV else _as_ndjson(people)


def _person(row: Any) -> dict[str, Any]:
    profile = encode("prf", row["known"]) if row["known"] else None
    return {"profile": profile, **{name: row[name] for name in COLUMNS[1:]}}


def _as_csv(people: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(one.values() for one in people)
    return text.getvalue()


def _as_ndjson(people: Sequence[dict[str, Any]]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in people)
