"""All suppressions as a stream, in the form that an import reads again."""

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

from services import suppressions
from services.access import Actor
from services.app import App
from services.suppression_filters import SuppressionFilters
from services.suppression_rows import CSV, FIELDS, NDJSON, TOLD
from stores import suppressions as store

PAGE: Final = 2_000
_COLUMNS: Final = (*FIELDS, *TOLD)


def kind_of(accept: str) -> str:
    """Return the media type that an Accept header prefers: CSV unless it names NDJSON."""
    return NDJSON if NDJSON in accept.lower() else CSV


def stream(app: App, actor: Actor, filters: SuppressionFilters, kind: str) -> AsyncIterator[str]:
    """Yield what the actor may see, newest first, page by page; raises Forbidden, Invalid."""
    actor.require("suppressions:read")
    conditions = suppressions.conditions_of(actor, filters)
    return _pages(app, conditions, kind)


async def _pages(app: App, conditions: dict[str, Any], kind: str) -> AsyncIterator[str]:
    if kind == CSV:
        yield ",".join(_COLUMNS) + "\r\n"
    rows: Sequence[Any] = ()
    while True:
        async with app.db.leader() as conn:
            rows = await store.find(conn, conditions, most=PAGE)
        if rows:
            views = [suppressions.view(row) for row in rows]
            yield _as_csv(views) if kind == CSV else _as_ndjson(views)
        if len(rows) < PAGE:
            return
        conditions = {**conditions, "before": rows[-1].id}


def _as_csv(views: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([one[name] for name in _COLUMNS] for one in views)
    return text.getvalue()


def _as_ndjson(views: Sequence[dict[str, Any]]) -> str:
    return "".join(
        json.dumps({name: one[name] for name in _COLUMNS}, ensure_ascii=False) + "\n"
        for one in views
    )
