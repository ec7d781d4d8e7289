"""Counts how often a dry run meets an address, in a temporary table of its own connection."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import asyncpg
from sqlalchemy.ext.asyncio import AsyncConnection

from stores import suppressions


class Tried:
    """The (channel, address) pairs of a dry run, as long as its context is open."""

    def __init__(self, conn: AsyncConnection) -> None:
        self._wrapped = conn
        self._conn: asyncpg.Connection[Any] | None = None

    async def __aenter__(self) -> Self:
        """Make the table."""
        raw = (await self._wrapped.get_raw_connection()).driver_connection
        if raw is None:
            raise RuntimeError("the pool gave no connection")
        self._conn = raw
        await self._conn.execute("CREATE TEMP TABLE tried (channel text, address text)")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the table away; after an error together with its connection."""
        if error is not None or self._conn is None:
            await self._wrapped.invalidate()
        else:
            await self._conn.execute("DROP TABLE tried")

    async def add(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Note pairs."""
        if self._conn is not None and pairs:
            await self._conn.copy_records_to_table(
                "tried", records=[(str(channel), address) for channel, address in pairs]
            )

    async def count_duplicates(self) -> dict[str, int]:
        """Return, by channel, how many pairs came before; the case of mail addresses is none."""
        if self._conn is None:
            return {}
        kept = suppressions.comparable("channel", "address")
        rows = await self._conn.fetch(
            f"SELECT channel, count(*) - count(DISTINCT {kept}) AS n FROM tried"  # noqa: S608
            " GROUP BY channel"
        )
        return {row["channel"]: row["n"] for row in rows if row["n"]}
