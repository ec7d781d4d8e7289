"""Connections to PostgreSQL: one leader for writes, replicas for reads within a lag bound."""

from __future__ import annotations

import asyncio
import errno
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import asyncpg
import orjson
import structlog
from asyncpg.connect_utils import SessionAttribute
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, InterfaceError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

log = structlog.get_logger()
T = TypeVar("T")

RETRIED = ("40001", "40P01")  # serialization_failure, deadlock_detected
_TRIES = 8
_NOTHING: Final[Mapping[str, Any]] = {}

DATABASE_ERRORS: Final = (
    SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError,
)  # fmt: skip
"""What any use of the database may raise; connecting raises the driver's and the system's own."""


class Database:
    """Pools of the leader and the replicas; open one per process and event loop.

    A DSN may name several hosts: the leader is the one that accepts writes, so a change of
    leader is survived without a restart.
    """

    def __init__(
        self,
        leader_dsn: str,
        replica_dsns: Sequence[str],
        *,
        pool: int = 10,
        max_lag_seconds: float = 5.0,
        info: Mapping[str, Any] = _NOTHING,
    ) -> None:
        """Connections to the leader carry `info` (SQLAlchemy's `conn.info`)."""
        self.engine = _engine(leader_dsn, pool=pool, writes=True, info=info)
        self.replicas = [_engine(dsn, pool=pool, writes=False) for dsn in replica_dsns]
        self.max_lag_seconds = max_lag_seconds

    @asynccontextmanager
    async def leader(self) -> AsyncIterator[AsyncConnection]:
        """Give a transaction on the leader: committed at the end, rolled back on an error."""
        async with self.engine.begin() as conn:
            yield conn

    async def retrying(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run work in a transaction on the leader, again after a deadlock or a lost race."""
        for attempt in range(1, _TRIES):
            try:
                async with self.leader() as conn:
                    return await work(conn)
            except DBAPIError as error:
                if getattr(error.orig, "sqlstate", None) not in RETRIED:
                    raise
                await asyncio.sleep(random.uniform(0, 0.01 * 2**attempt))  # noqa: S311
        async with self.leader() as conn:
            return await work(conn)

    @asynccontextmanager
    async def read(self, position: str | None = None) -> AsyncIterator[AsyncConnection]:
        """Give a connection for reading: a replica that has replayed `position` (an LSN) and
        lags no more than the bound, else the leader.
        """
        for engine in random.sample(self.replicas, len(self.replicas)):
            conn = await self._fresh(engine, position)
            if conn is not None:
                try:
                    yield conn
                finally:
                    await conn.close()
                return
        async with self.leader() as conn:
            yield conn

    async def position(self) -> str:
        """Return the leader's last write position (LSN), to be handed to later reads."""
        async with self.engine.connect() as conn:
            lsn = await conn.execute(text("SELECT pg_current_wal_insert_lsn()::text"))
            return str(lsn.scalar_one())

    async def _fresh(self, engine: AsyncEngine, position: str | None) -> AsyncConnection | None:
        try:
            conn = await engine.connect()
        except DATABASE_ERRORS:
            return None
        try:
            fresh = await conn.execute(_FRESH, {"position": position, "lag": self.max_lag_seconds})
            if fresh.scalar_one():
                return conn
        except DBAPIError:
            log.info("replica.unusable")
        await conn.close()
        return None

    async def close(self) -> None:
        """Close every pool."""
        for engine in (self.engine, *self.replicas):
            await engine.dispose()


_FRESH = text("""
    SELECT NOT pg_is_in_recovery() OR (
        pg_last_wal_replay_lsn() >= CAST(coalesce(CAST(:position AS text), '0/0') AS pg_lsn)
        AND (
            (
                pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn()
                AND EXISTS (SELECT 1 FROM pg_stat_wal_receiver
                    WHERE coalesce(status, 'streaming') = 'streaming')
            )
            OR now() - pg_last_xact_replay_timestamp() <= make_interval(secs => :lag)
        )
    )
""")


def unreachable(error: BaseException) -> bool:
    """Whether an error says that the database cannot be used now, rather than that we are wrong."""
    if isinstance(error, DBAPIError):
        if error.connection_invalidated or isinstance(error, InterfaceError):
            return True
        state = getattr(error.orig, "sqlstate", None) or ""
        return state[:2] in _AWAY or state in _AWAY
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state[:2] in _AWAY or state in _AWAY
    if isinstance(error, OSError):  # of a socket; a file's has a name, a listener's says so
        return error.filename is None and error.errno != errno.EADDRINUSE
    return isinstance(error, PoolTimeout | asyncpg.InterfaceError)


_AWAY = ("08", "53", "57", "25006")
"""Connection lost, resources exhausted, shut down or starting; 25006: it takes no writes now."""


def _engine(
    dsn: str, *, pool: int, writes: bool, info: Mapping[str, Any] = _NOTHING
) -> AsyncEngine:
    wanted = SessionAttribute.read_write if writes else SessionAttribute.any

    async def connect() -> asyncpg.Connection[Any]:
        return await asyncpg.connect(
            dsn,
            timeout=5,
            command_timeout=60,
            target_session_attrs=wanted,
            server_settings={"application_name": "tocsin", "timezone": "UTC"},
        )

    engine = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connect,
        pool_size=pool,
        max_overflow=pool,
        pool_pre_ping=False,
        hide_parameters=True,  # they hold addresses and texts, which no log may have
        json_serializer=lambda value: value,
        json_deserializer=lambda value: value,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _use_python_json(dbapi_connection: Any, record: Any) -> None:
        record.info.update(info)
        dbapi_connection.run_async(_json_codecs)

    @event.listens_for(engine.sync_engine, "handle_error")
    def _leader_moved(context: Any) -> None:
        # A leader that became a replica refuses writes: its connections must be thrown away.
        if getattr(context.original_exception, "sqlstate", None) == "25006":
            context.is_disconnect = True

    return engine


async def _json_codecs(connection: asyncpg.Connection[Any]) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(
            name, schema="pg_catalog", encoder=dumps, decoder=json.loads, format="text"
        )


def dumps(value: Any) -> str:
    """Return JSON for a column; what JSON has no form of (ids, moments) becomes text."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # integers of more than 64 bits, which others write and read
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
