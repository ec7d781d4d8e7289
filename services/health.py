"""Whether each dependency works, told truthfully and one by one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from services.app import App
from services.times import stamp
from stores import migrate
from stores.database import DATABASE_ERRORS

_TIMEOUT = 3.0
_broken_since: dict[str, datetime] = {}


@dataclass(frozen=True, slots=True)
class Dependency:
    """How one dependency is; `needed` says that nothing can be accepted without it."""

    name: str
    ok: bool
    detail: str
    needed: bool
    since: str | None
    milliseconds: int

    def body(self) -> dict[str, Any]:
        """Return it as readiness shows it."""
        return {
            "name": self.name, "ok": self.ok, "detail": self.detail, "needed": self.needed,
            "since": self.since, "milliseconds": self.milliseconds,
        }  # fmt: skip


async def dependencies(app: App) -> list[Dependency]:
    """Ask every dependency at once; none is waited for longer than 3 s."""
    checks = [_check("postgresql", lambda: _leader(app), needed=True)]
    for number, engine in enumerate(app.db.replicas, start=1):
        name = "replica" if len(app.db.replicas) == 1 else f"replica {number}"
        checks.append(_check(name, partial(_replica, engine), needed=False))
    checks.append(_check("temporal", lambda: _temporal(app), needed=False))
    return list(await asyncio.gather(*checks))


async def _check(name: str, ask: Callable[[], Awaitable[str]], *, needed: bool) -> Dependency:
    started = time.monotonic()
    try:
        detail, ok = await asyncio.wait_for(ask(), _TIMEOUT), True
    except TimeoutError:
        detail, ok = f"gave no answer within {_TIMEOUT:.0f} s", False
    except (*DATABASE_ERRORS, Broken) as error:
        detail, ok = _plain(error), False
    if ok:
        _broken_since.pop(name, None)
    since = None if ok else _broken_since.setdefault(name, datetime.now(UTC))
    elapsed = int((time.monotonic() - started) * 1000)
    return Dependency(name, ok, detail, needed, stamp(since), elapsed)


class Broken(Exception):
    """A dependency answers, but not as it should."""


async def _leader(app: App) -> str:
    async with app.db.leader() as conn:
        recovery = await conn.execute(text("SELECT pg_is_in_recovery()"))
        if recovery.scalar_one():
            raise Broken("is in recovery and takes no writes yet")
        revision = await migrate.current_revision(conn)
    if revision != migrate.newest_revision():
        raise Broken(f"has schema {revision or 'none'}; run `tocsin migrate`")
    return "takes writes"


async def _replica(engine: AsyncEngine) -> str:
    async with engine.connect() as conn:
        lag = await conn.execute(
            text("""
                SELECT NOT pg_is_in_recovery() OR EXISTS (SELECT 1 FROM pg_stat_wal_receiver
                    WHERE coalesce(status, 'streaming') = 'streaming') AS streams,
                CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                    ELSE extract(epoch FROM now() - pg_last_xact_replay_timestamp()) END AS lag
            """)
        )
        streams, seconds = lag.one()
    if not streams:
        raise Broken("does not stream from its leader; reads go to the leader when it lags")
    return "streams" if seconds is None else f"is {float(seconds):.1f} s behind"


async def _temporal(app: App) -> str:
    if not await app.temporal.healthy():
        raise Broken(f"does not answer at {app.temporal.target}; notifications are kept")
    return "answers"


def _plain(error: Exception) -> str:
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__
