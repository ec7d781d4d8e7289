"""Members from a database, by one query that can only read."""

import asyncio
import sqlite3
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from connectors.contract import (
    MEMBER_FIELDS,
    ConnectorKind,
    ConnectorRefused,
    ConnectorUnavailable,
    Member,
    Surroundings,
)
from connectors.sql_reading import Run, reading
from connectors.sql_settings import SqlSettings

_REACHING: Final = frozenset({"external_id", "email", "phone", "telegram", "whatsapp"})
_LOST: Final = ("08", "53", "57P")
"""SQLSTATE: connection, resources, shut down (PostgreSQL, Appendix A)."""
_SIGN_IN: Final = ("28", "3D")
_OPENING_STEPS: Final = 5
"""Name, connection and the statements that bound the transaction, each within connect_seconds."""


async def members(
    settings: SqlSettings, surroundings: Surroundings
) -> AsyncGenerator[Sequence[Member], None]:
    """Yield the rows of the query as members, in pages, from a cursor of the server.

    Raises ConnectorRefused and ConnectorUnavailable; then nothing that was read may be used.
    """
    count = 0
    deadline = time.monotonic() + settings.timeout_seconds
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout(_OPENING_STEPS * settings.connect_seconds):
                run = await stack.enter_async_context(reading(settings, surroundings))
            result = await _in_time(run, lambda conn: _execute(conn, settings), deadline)
            names = [str(name).lower() for name in result.keys()]  # noqa: SIM118 - no dict
            _check_columns(names)
            while rows := await _in_time(
                run, lambda _conn: result.fetchmany(settings.page_size), deadline
            ):
                count += len(rows)
                if count > settings.most:
                    raise ConnectorRefused("most", f"the query finds more than {settings.most:,}")
                yield [_member(dict(zip(names, row, strict=True))) for row in rows]
            await run(lambda _conn: result.close())
    except TimeoutError:
        raise _too_slow(settings) from None
    except (ConnectorRefused, ConnectorUnavailable):
        raise
    except Exception as error:
        raise _problem(error, settings, count) from None


async def _in_time(run: Run, work: Callable[[Connection], Any], deadline: float) -> Any:
    """Run one step until the deadline. No timeout spans a yield: it would cancel whoever reads."""
    async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
        return await run(work)


def _execute(conn: Connection, settings: SqlSettings) -> Any:
    streaming = conn.execution_options(stream_results=True, max_row_buffer=settings.page_size)
    result = streaming.execute(text(settings.query), settings.parameters)
    if not result.returns_rows:
        raise ConnectorRefused("query", "returns no rows: it must be a SELECT")
    return result


def _check_columns(names: Sequence[str]) -> None:
    if not _REACHING & set(names):
        raise ConnectorRefused(
            "query", f"must have a column named as one of {', '.join(sorted(_REACHING))};"
            f" it has {', '.join(names)[:200]}",
        )  # fmt: skip


def _member(row: Mapping[str, Any]) -> Member:
    own = {
        name: str(row[name]) for name in MEMBER_FIELDS if row.get(name) not in (None, "")
    }  # fmt: skip
    more = {name: _plain(value) for name, value in row.items() if name not in MEMBER_FIELDS}
    return Member(**own, attributes={name: one for name, one in more.items() if one is not None})


def _plain(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if value is None or isinstance(value, str | bool | int | float | dict | list):
        return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes | memoryview) else str(value)


def _problem(error: Exception, settings: SqlSettings, count: int) -> Exception:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    state = str(getattr(cause, "sqlstate", None) or "")
    words = (str(cause.args[0]) if cause.args else "").partition("\n")[0][:300]
    words = words.rpartition(">: ")[2]  # asyncpg's class, which SQLAlchemy writes before
    if state == "57014" or words == "interrupted":
        return _too_slow(settings)
    if state == "25006" or (isinstance(cause, sqlite3.DatabaseError) and _writes(words)):
        return ConnectorRefused("query", "would write: only reading is allowed")
    if state.startswith(_SIGN_IN):
        return ConnectorRefused("dsn", "the database does not know this name, password or database")
    lost = isinstance(cause, OSError) or state.startswith(_LOST)
    if lost or not (state or isinstance(error, SQLAlchemyError)):
        return ConnectorUnavailable(
            f"the database does not answer, or stopped after {count:,} rows; none was kept"
        )
    return ConnectorRefused("query", f"the database says: {words}")


def _writes(words: str) -> bool:
    return "not authorized" in words or "readonly database" in words or "prohibited" in words


def _too_slow(settings: SqlSettings) -> ConnectorRefused:
    return ConnectorRefused(
        "query", f"was stopped: it takes longer than timeout_seconds ({settings.timeout_seconds})"
    )


KIND: Final = ConnectorKind(name="sql", title="SQL database", settings=SqlSettings, members=members)
