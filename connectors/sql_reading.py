"""Connections that can read and nothing else, one way for each kind of database.

PostgreSQL, MySQL, MariaDB and Oracle are asked for a read-only transaction, and one statement is
sent, so that it cannot be left. An SQLite file is opened read-only, and whatever is not reading is
refused while the statement is compiled. A database that knows neither is not read at all.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import NoSuchModuleError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from connectors.contract import ConnectorRefused, ConnectorUnavailable, Surroundings
from connectors.sql_settings import SqlSettings

_MYSQL: Final = (
    "SET SESSION TRANSACTION READ ONLY",
    "SET SESSION MAX_EXECUTION_TIME = {milliseconds}",
)
STARTS: Final = {
    "postgresql": (
        "SET TRANSACTION READ ONLY",
        "SET LOCAL statement_timeout = {milliseconds}",
        "SET LOCAL idle_in_transaction_session_timeout = {milliseconds}",
    ),
    "mysql": _MYSQL,
    "mariadb": (_MYSQL[0], "SET SESSION max_statement_time = {seconds}"),
    "oracle": ("SET TRANSACTION READ ONLY",),
}
"""What makes a transaction read-only, and how long a statement may take."""

_READS: Final = frozenset(
    (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
)
_CHECKED: Final = ("verify-full", "verify-ca")


Run = Callable[[Callable[[Connection], Any]], Awaitable[Any]]
"""Runs a function of the connection without blocking, and returns what it returns."""


@asynccontextmanager
async def reading(settings: SqlSettings, surroundings: Surroundings) -> AsyncIterator[Run]:
    """Give a connection in a transaction that reads only; it is rolled back in any case."""
    url = settings.url
    backend = url.get_backend_name()
    if backend == "sqlite":
        opened = _sqlite(_file(url, surroundings.files), settings)
    elif backend in STARTS:
        host = await _addresses(url, surroundings)
        opened = _server(_guarded(url, host), settings)
    else:
        raise ConnectorRefused(
            "dsn", f"is of {backend}, which has no read-only transactions; give one of "
            f"sqlite, {', '.join(STARTS)}",
        )  # fmt: skip
    async with opened as run:
        yield run


@asynccontextmanager
async def _server(url: URL, settings: SqlSettings) -> AsyncIterator[Run]:
    try:
        dialect = url.get_dialect()
        dialect.import_dbapi()
        asynchronous = bool(dialect.is_async)
        begun = _asynchronous(url, settings) if asynchronous else _synchronous(url)
    except (NoSuchModuleError, ModuleNotFoundError):
        raise ConnectorRefused(
            "dsn", f"needs the driver {url.drivername}, which is not installed"
        ) from None
    async with begun as run:
        bounds = {
            "milliseconds": settings.timeout_seconds * 1000, "seconds": settings.timeout_seconds
        }  # fmt: skip
        for statement in STARTS[url.get_backend_name()]:
            words = statement.format(**bounds)
            await run(partial(_say, words))
        yield run


def _say(statement: str, conn: Connection) -> None:
    conn.exec_driver_sql(statement)


@asynccontextmanager
async def _asynchronous(url: URL, settings: SqlSettings) -> AsyncIterator[Run]:
    engine = create_async_engine(
        url, poolclass=NullPool, hide_parameters=True,
        connect_args={"timeout": settings.connect_seconds},
    )  # fmt: skip
    try:
        async with engine.connect() as conn:

            async def run(work: Callable[[Connection], Any]) -> Any:
                return await conn.run_sync(work)

            yield run
    finally:
        await engine.dispose()


@asynccontextmanager
async def _synchronous(
    url: URL, *, guard: Callable[[Connection], None] | None = None, **given: Any
) -> AsyncIterator[Run]:
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, **given)
    conn = await asyncio.to_thread(engine.connect)
    if guard is not None:
        guard(conn)

    async def run(work: Callable[[Connection], Any]) -> Any:
        return await asyncio.to_thread(work, conn)

    try:
        yield run
    finally:
        await asyncio.to_thread(conn.close)


def _sqlite(file: Path, settings: SqlSettings) -> Any:
    deadline = time.monotonic() + settings.timeout_seconds

    def connect() -> sqlite3.Connection:
        conn = sqlite3.connect(
            f"file:{quote(str(file))}?mode=ro", uri=True, check_same_thread=False,
            timeout=settings.connect_seconds,
        )  # fmt: skip
        conn.set_progress_handler(lambda: int(time.monotonic() > deadline), 10_000)
        return conn

    return _synchronous(URL.create("sqlite"), guard=_only_reading, creator=connect)


def _only_reading(conn: Connection) -> None:
    """Refuse whatever is not reading, from now on: SQLAlchemy has asked its own questions."""
    driver: Any = conn.connection.driver_connection
    driver.set_authorizer(
        lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY
    )


def _file(url: URL, folder: str) -> Path:
    """Return the file that a DSN names; raises ConnectorRefused for one elsewhere."""
    if not folder:
        raise ConnectorRefused("dsn", "names a file, and TOCSIN_SQL_FILES names no folder of them")
    root = Path(folder).resolve()
    file = (root / str(url.database)).resolve()
    if not file.is_relative_to(root) or not file.is_file():
        raise ConnectorRefused("dsn", "names no file in the folder of TOCSIN_SQL_FILES")
    return file


async def _addresses(url: URL, surroundings: Surroundings) -> Sequence[str]:
    host = str(url.host)
    try:
        return await surroundings.addresses(host, url.port or 0)
    except OSError as error:
        if "ALLOW_NETWORKS" in str(error):
            raise ConnectorRefused("dsn", str(error)) from None
        raise ConnectorUnavailable(f"the name {host} has no address") from None


def _guarded(url: URL, addresses: Sequence[str]) -> URL:
    """Return the DSN to an address that was judged.

    PostgreSQL is always spoken to by asyncpg, which sends one statement only. A name that a
    certificate must prove stays: nobody else can answer to it.
    """
    query = dict(url.query)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+asyncpg")
        if "sslmode" in query:
            query["ssl"] = query.pop("sslmode")
        if query.get("ssl") in _CHECKED:
            return url.set(query=query)
    return url.set(host=addresses[0], query=query)
