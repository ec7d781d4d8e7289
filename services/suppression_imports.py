"""Suppressions from a file: read row by row, entered in batches, wrong rows told by line."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.suppression import SuppressionRequest
from domain.errors import Invalid, Problem
from domain.suppression import strength
from services import suppressions
from services.access import Actor
from services.app import App
from services.auditing import audit_subject
from services.fields import validated
from services.suppression_rows import CSV, NDJSON, WrongRow, read_csv, read_ndjson
from stores import categories
from stores import suppressions as store

BATCH: Final = 1_000
MOST_ERRORS: Final = 1_000
"""Wrong rows that an answer names; the others are only counted."""


async def bring_in(
    app: App, actor: Actor, chunks: AsyncIterator[bytes], kind: str, *, source: str = "import"
) -> dict[str, Any]:
    """Enter the rows of a file and return {rows, added, known, rejected, errors: [{line, reason}]}.

    Each batch of rows is a transaction of its own; whatever breaks, the same file can be brought
    in again. Raises Invalid for another kind of file or a header that cannot be used.
    """
    actor.require("suppressions:write")
    reading = _Reading(app, actor, source)
    async with app.db.leader() as conn:
        reading.categories = set(await categories.load_all(conn))
    async for line, row in _rows(chunks, kind):
        reading.take(line, row)
        if len(reading.batch) >= BATCH:
            await reading.put()
    await reading.put()
    return await reading.told()


def _rows(
    chunks: AsyncIterator[bytes], kind: str
) -> AsyncIterator[tuple[int, Mapping[str, Any] | WrongRow]]:
    match kind.partition(";")[0].strip().lower():
        case "text/csv":
            return read_csv(chunks)
        case "application/x-ndjson":
            return read_ndjson(chunks)
    raise Invalid.field("Content-Type", f"must be {CSV} or {NDJSON}")


class _Reading:
    """What was read so far, and the batch that is not entered yet."""

    def __init__(self, app: App, actor: Actor, source: str) -> None:
        self._app, self._actor, self._source = app, actor, source
        self.categories: set[str] = set()
        self.batch: dict[tuple[Any, ...], dict[str, Any]] = {}
        self._rows = self._added = self._known = self._rejected = 0
        self._errors: list[dict[str, Any]] = []

    def take(self, line: int, row: Mapping[str, Any] | WrongRow) -> None:
        """Put a row into the batch, or among the wrong ones."""
        self._rows += 1
        try:
            if isinstance(row, WrongRow):
                raise row
            self._add(self._checked(row))
        except (WrongRow, Problem) as wrong:
            self._rejected += 1
            if len(self._errors) < MOST_ERRORS:
                self._errors.append({"line": line, "reason": str(wrong)})

    async def put(self) -> None:
        """Enter the batch."""
        rows = list(self.batch.values())
        self.batch.clear()
        if not rows:
            return

        async def work(conn: AsyncConnection) -> int:
            return sum(one.added for one in await store.put(conn, rows))

        added = await self._app.db.retrying(work)
        self._added += added
        self._known += len(rows) - added

    async def told(self) -> dict[str, Any]:
        """Return the answer, after the line of the audit is written."""
        counts = {
            "rows": self._rows, "added": self._added, "known": self._known,
            "rejected": self._rejected,
        }  # fmt: skip
        async with self._app.db.leader() as conn:
            await audit_subject(
                conn,
                self._actor,
                "suppressions.imported",
                "suppressions",
                self._actor.module_id,
                counts,
            )
        return {**counts, "errors": self._errors}

    def _checked(self, row: Mapping[str, Any]) -> dict[str, Any]:
        try:
            request = validated(SuppressionRequest, row)
        except Invalid as wrong:
            told = "; ".join(f"{one.field} {one.message}" for one in wrong.errors)
            raise WrongRow(told) from None
        self._actor.require_reach(request.scope)
        suppressions.check(request, self.categories)
        return suppressions.row_of(request, self._actor.module_id, self._actor, self._source)

    def _add(self, row: dict[str, Any]) -> None:
        """Let two rows of one batch that are about the same thing become one, the stronger."""
        key = tuple(row[name] for name in ("channel", "address", "module_id", "category"))
        before = self.batch.get(key)
        if before is None:
            self.batch[key] = row
            return
        self._known += 1
        kept = row if strength(row["reason"]) > strength(before["reason"]) else before
        ends = (row["expires_at"], before["expires_at"])
        self.batch[key] = {**kept, "expires_at": None if None in ends else max(ends)}
