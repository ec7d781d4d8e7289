"""`python -m bench.audiences [--members N]`: how fast audiences are resolved, and in what memory.

It fills a PostgreSQL of its own with profiles, and resolves a filter over all of them, the same
people once more by SQL from outside, and the former without the latter. It never fails for time.
"""

import argparse
import asyncio
import os
import resource
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import asyncpg

from cli.embedded import postgres
from cli.embedded.process import spawn, stop
from config.settings import Settings
from services.app import App, close_app, open_app
from services.audience_definitions import read
from services.audience_previews import ANY
from services.audience_resolving import resolve
from services.bootstrap import bootstrap
from stores import access, migrate

_EVERYONE: Final = {
    "kind": "filter",
    "filter": {"field": "attributes.plan", "op": "in", "value": ["free", "pro"]},
}
_FILL: Final = """
    INSERT INTO profiles (id, module_id, external_id, name, email, locale, timezone, attributes)
    SELECT gen_random_uuid(), $1, 'u' || n, 'User ' || n, 'u' || n || '@example.com', 'en',
        'Europe/Paris', jsonb_build_object('plan', CASE n % 2 WHEN 0 THEN 'pro' ELSE 'free' END)
    FROM generate_series(1, $2::int) n
"""
_SUPPRESS: Final = """
    INSERT INTO suppressions (id, channel, address, reason, source)
    SELECT gen_random_uuid(), 'email', email, 'hard_bounce', 'bench' FROM profiles
    WHERE right(external_id, 2) = '00'
"""


@dataclass(frozen=True, slots=True)
class Figures:
    """One audience measured; peak and growth are of this process's memory, in MiB."""

    audience: str
    members: int
    read: int
    suppressed: int
    resolve_seconds: float
    judge_seconds: float
    read_seconds: float
    peak: float
    growth: float

    def line(self) -> str:
        """Return the figures as a row of the table."""
        whole = self.resolve_seconds + self.judge_seconds + self.read_seconds
        return (
            f"| {self.audience} | {self.members:,} | {self.resolve_seconds:.1f}"
            f" | {self.judge_seconds:.1f} | {self.read_seconds:.1f}"
            f" | {self.members / whole:,.0f} | {self.peak:.0f} | {self.growth:.0f} |"
        )


HEAD: Final = (
    "| audience | members | resolve s | suppressed s | read all s | members/s | peak MiB"
    " | growth MiB |\n| --- | --: | --: | --: | --: | --: | --: | --: |"
)


async def fill(dsn: str, module_id: UUID, members: int) -> None:
    """Make profiles, each hundredth with a suppressed address."""
    conn = await asyncpg.connect(dsn)
    await conn.execute(_FILL, module_id, members)
    await conn.execute(_SUPPRESS)
    await conn.execute("ANALYZE profiles, suppressions")
    await conn.close()


def audiences(dsn: str) -> dict[str, dict[str, Any]]:
    """Return what is measured, by name."""
    outside = {
        "kind": "sql",
        "sql": {"dsn": dsn, "query": "SELECT external_id, email FROM profiles",
                "timeout_seconds": 600},
    }  # fmt: skip
    some = {"kind": "filter", "filter": {"field": "attributes.plan", "value": "pro"}}
    return {
        "filter over profiles": _EVERYONE,
        "SQL from outside": outside,
        "union of a filter and SQL": {"kind": "union", "union": [_EVERYONE, outside]},
        "filter without a filter": {"kind": "except", "except": [_EVERYONE, some]},
    }


async def measure(app: App, module_id: UUID, name: str, document: Mapping[str, Any]) -> Figures:
    """Resolve an audience, judge it and read all of it."""
    _forget_peak()
    before = _peak()
    began = time.monotonic()
    async with resolve(app, module_id, read(document)) as found:
        members = await found.count()
        resolved = time.monotonic()
        suppressed = await found.suppressed(ANY, None)
        judged = time.monotonic()
        read_all = 0
        async for page in found.members():
            read_all += len(page)
        done = time.monotonic()
    return Figures(
        name, members, read_all, sum(suppressed.values()), resolved - began, judged - resolved,
        done - judged, _peak(), _peak() - before,
    )  # fmt: skip


async def run(members: int) -> None:
    """Measure everything on a server of its own, and print the table."""
    async with _server() as dsn:
        await migrate.upgrade(dsn)
        settings = Settings(
            _env_file=None, database_url=dsn, secret_key="0" * 64,
            admin_password="correct horse battery", allow_networks=["127.0.0.0/8"],
        )  # fmt: skip
        await bootstrap(settings)
        app = open_app(settings)
        async with app.db.leader() as conn:
            module_id = (await access.default_module(conn)).id
        print(f"Making {members:,} profiles.", file=sys.stderr, flush=True)
        await fill(dsn, module_id, members)
        print(HEAD)
        for name, document in audiences(dsn).items():
            print((await measure(app, module_id, name, document)).line(), flush=True)
        await close_app(app)


@asynccontextmanager
async def _server() -> AsyncIterator[str]:
    folder = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    os.chmod(folder, 0o755)  # noqa: S103 - PostgreSQL may run as another user
    home = folder / "postgres"
    at = postgres.install(home)
    port = _free_port()
    await postgres.initialise(at, home / "leader")
    command = at.command(home / "leader", port)
    process = await spawn(command, log=folder / "postgres.log", user=at.user, cwd=home)
    try:
        while not await postgres.leader_ready(port):  # noqa: ASYNC110 - a process, not an event
            await asyncio.sleep(0.1)
        yield postgres.dsn(port, "postgres")
    finally:
        await stop(process, postgres.STOP, 20)
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _forget_peak() -> None:
    """Let the peak count from now on, where the system can (Linux, proc(5))."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def _peak() -> float:
    """Return the largest memory that this process has had since then, in MiB."""
    with suppress(OSError):
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Read the arguments and measure."""
    parser = argparse.ArgumentParser(prog="python -m bench.audiences", description=__doc__)
    parser.add_argument("--members", type=int, default=1_000_000)
    asyncio.run(run(parser.parse_args().members))


if __name__ == "__main__":
    main()
