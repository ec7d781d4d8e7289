"""Takes a file of profiles in while it arrives: cut into records, kept in chunks."""

from collections.abc import Iterable
from typing import Final
from uuid import UUID

from domain.errors import Conflict, FieldError, Invalid
from domain.ids import encode, new_id
from domain.import_columns import DELIMITERS, delimiter_of, read_header
from domain.import_records import Record, Records
from services.access import Actor
from services.app import App
from services.auditing import audit_subject, named
from services.import_judging import CSV, rejection
from stores import imports as store

MOST_ROWS: Final = 1_000
MOST_OCTETS: Final = 524_288
"""A chunk is as much as is worked on in one transaction, and held in memory at once."""

BROKE_OFF: Final = "the upload broke off; nothing of it was imported"
_ENCODINGS: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x1f\x8b": "gzip"}


class Upload:
    """A file on its way in: no more of it is in memory than a chunk and a record."""

    def __init__(self, app: App, actor: Actor, owner: UUID, format: str) -> None:
        self.id = new_id()
        self._app = app
        self._actor = actor
        self._owner = owner
        self._format = format
        self._records = Records(DELIMITERS if format == CSV else None)
        self._begun = False
        self._bytes = 0
        self._lines: list[int] = []
        self._rows: list[bytes] = []
        self._size = 0
        self._refused: list[Record] = []

    async def feed(self, data: bytes) -> None:
        """Take what arrived."""
        if self._bytes == 0 and (known := _ENCODINGS.get(data[:2])):
            raise Invalid.field("body", f"looks like {known}; send plain text in UTF-8")
        self._bytes += len(data)
        await self._take(self._records.feed(data))

    async def close(self) -> None:
        """Take what is left, and let the work begin; raises Invalid when there is no row."""
        await self._take(self._records.close())
        if not self._begun:
            raise Invalid.field("body", "has no rows")
        await self._flush()
        async with self._app.db.leader() as conn:
            await store.uploaded(conn, self.id)
            await audit_subject(
                conn, self._actor, "import.uploaded", encode("imp", self.id), self._owner
            )

    async def break_off(self) -> None:
        """End what cannot be completed."""
        if self._begun:
            async with self._app.db.leader() as conn:
                await store.end(conn, self.id, "failed", BROKE_OFF)

    async def _take(self, records: Iterable[Record]) -> None:
        for record in records:
            if not self._begun and await self._begin(record):
                continue
            if record.wrong:
                self._refused.append(record)
            else:
                self._lines.append(record.line)
                self._rows.append(record.raw)
            self._size += len(record.raw)
            if len(self._rows) >= MOST_ROWS or self._size >= MOST_OCTETS:
                await self._flush()

    async def _begin(self, first: Record) -> bool:
        """Begin with the first record; True when it is a header and no row."""
        delimiter, columns = None, None
        if self._format == CSV:
            if first.wrong:
                raise Invalid.field("header", first.wrong)
            found = delimiter_of(first.raw)
            columns, delimiter = read_header(first.raw, found), found.decode()
            self._records.delimiters = found
        elif first.raw.lstrip().startswith(b"["):
            raise Invalid.field("body", "is a JSON array; send one JSON object a line (NDJSON)")
        row = {
            "id": self.id, "module_id": self._owner, "actor": named(self._actor),
            "format": self._format, "delimiter": delimiter, "columns": columns,
        }  # fmt: skip
        async with self._app.db.leader() as conn:
            await store.add(conn, row)
        self._begun = True
        return self._format == CSV

    async def _flush(self) -> None:
        refused = [rejection(one.line, one.raw, [FieldError("row", one.wrong)])
                   for one in self._refused]  # fmt: skip
        async with self._app.db.leader() as conn:
            await store.reject(conn, self.id, refused)
            open = await store.add_chunk(
                conn, self.id, self._lines, self._rows, bytes=self._bytes, rejected=len(refused)
            )
        if not open:
            raise Conflict("The import was removed, or given up, while it was uploaded.")
        self._lines, self._rows, self._refused, self._size = [], [], [], 0
