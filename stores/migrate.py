"""Brings a database's schema up or down, and keeps partitions ahead of the clock.

Alembic is imported where it is used: most processes never migrate, and should not wait for it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import floor_id
from stores.database import Database

if TYPE_CHECKING:
    from alembic.config import Config

PARTITIONED = ("notifications", "deliveries", "attempts", "receipts", "engagements")
_THERE = text("SELECT partrelid::regclass::text FROM pg_partitioned_table")
_LOCK = 0x70C51A  # any constant: two processes must not migrate at once


async def upgrade(dsn: str, revision: str = "head") -> None:
    """Migrate up to a revision and create the coming partitions; safe to repeat."""
    from alembic import command

    await _with_leader(dsn, lambda conn: command.upgrade(_config(conn), revision))


async def downgrade(dsn: str, revision: str) -> None:
    """Migrate down to a revision (`base` takes everything away)."""
    from alembic import command

    await _with_leader(dsn, lambda conn: command.downgrade(_config(conn), revision))


def newest_revision() -> str:
    """Return the revision that this code needs."""
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_config(None)).get_current_head()
    if head is None:
        raise RuntimeError("no migrations are packaged with this installation")
    return head


async def current_revision(conn: AsyncConnection) -> str | None:
    """Return the revision of a database, or None when it was never migrated."""
    found = await conn.execute(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    if not found.scalar_one():
        return None
    revision: str | None = (
        await conn.execute(text("SELECT version_num FROM alembic_version"))
    ).scalar_one_or_none()
    return revision


async def create_partitions(conn: AsyncConnection, *, months: int = 3) -> None:
    """Create this month's and the coming months' partitions of every big table there is."""
    there = set((await conn.execute(_THERE)).scalars().all())
    for start, end in _months(datetime.now(UTC), months):
        for table in (one for one in PARTITIONED if one in there):
            name = f"{table}_{start:%Y_%m}"
            await conn.execute(
                text(
                    f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table}"
                    f" FOR VALUES FROM ('{floor_id(start)}') TO ('{floor_id(end)}')"
                )
            )


def _months(now: datetime, count: int) -> list[tuple[datetime, datetime]]:
    year, month = now.year, now.month
    bounds = [
        datetime(year + (month - 1 + n) // 12, (month - 1 + n) % 12 + 1, 1, tzinfo=UTC)
        for n in range(count + 1)
    ]
    return list(itertools.pairwise(bounds))


async def _with_leader(dsn: str, run: Callable[[Connection], None]) -> None:
    database = Database(dsn, [])
    try:
        async with database.engine.connect() as conn:
            await conn.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": _LOCK})
            await conn.commit()
            await conn.run_sync(run)
            await conn.commit()
            await create_partitions(conn)
            await conn.commit()
            await conn.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": _LOCK})
    finally:
        await database.close()


def _config(conn: Connection | None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_folder()))
    config.attributes["connection"] = conn
    return config


def _folder() -> Path:
    """Migrations stand at the root of a checkout, and inside the cli package of a wheel."""
    checkout = Path(__file__).parent.parent / "migrations"
    return checkout if checkout.exists() else Path(str(files("cli"))) / "migrations"
