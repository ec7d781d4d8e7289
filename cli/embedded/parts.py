"""The parts of the embedded system: how each is started, stopped and known to be ready."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from cli.embedded import postgres, temporal
from cli.embedded.data_folder import DataFolder
from config.settings import Settings


async def _nothing() -> None:
    return


@dataclass(frozen=True, slots=True)
class Part:
    """One supervised process."""

    name: str
    title: str
    command: list[str]
    ready: Callable[[], Awaitable[bool]]
    port: int | None = None
    prepare: Callable[[], Awaitable[None]] = _nothing
    user: str | None = None
    env: Mapping[str, str] | None = field(default=None, repr=False)
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 25
    cwd: Path | None = None


def servers(settings: Settings, folder: DataFolder) -> list[Part]:
    """Return the servers of others: PostgreSQL twice, Temporal."""
    home = postgres.home_for(folder.path)
    at = postgres.install(home)
    leader, replica = _ports(settings.postgres_port, settings.replica_port)
    temporal_port, ui_port = _ports(settings.temporal_port, settings.temporal_ui_port)
    return [
        Part(
            name="postgres",
            title="PostgreSQL leader",
            command=at.command(home / "leader", leader),
            ready=lambda: postgres.leader_ready(leader),
            port=leader,
            prepare=lambda: postgres.initialise(at, home / "leader"),
            user=at.user,
            stop_signal=postgres.STOP,
            cwd=home,
        ),
        Part(
            name="replica",
            title="PostgreSQL replica",
            command=at.command(home / "replica", replica, leader=leader),
            ready=lambda: postgres.replica_ready(replica),
            port=replica,
            prepare=lambda: postgres.clone(at, home / "replica", leader),
            user=at.user,
            stop_signal=postgres.STOP,
            cwd=home,
        ),
        Part(
            name="temporal",
            title="Temporal",
            command=temporal.command(
                port=temporal_port, ui_port=ui_port, data=folder.path / "temporal.db"
            ),
            ready=lambda: temporal.ready(temporal_port),
            port=temporal_port,
        ),
    ]


def processes(settings: Settings, folder: DataFolder) -> list[Part]:
    """Return Tocsin's own processes; secrets reach them by environment, never by command line."""
    env = {
        **os.environ,
        "TOCSIN_DATA_DIR": str(folder.path),
        "TOCSIN_HOST": settings.host,
        "TOCSIN_PORT": str(settings.port),
        "TOCSIN_TEMPORAL_PORT": str(settings.temporal_port),
        "TOCSIN_TEMPORAL_UI_PORT": str(settings.temporal_ui_port),
        "TOCSIN_POSTGRES_PORT": str(settings.postgres_port),
        "TOCSIN_REPLICA_PORT": str(settings.replica_port),
        "TOCSIN_SMTP_SINK_PORT": str(settings.smtp_sink_port),
        "TOCSIN_SECRET_KEY": secret_of(settings, folder),
        "TOCSIN_LOG_FORMAT": "json",
    }

    def own(
        name: str, title: str, *arguments: str, port: int | None = None, host: str = "127.0.0.1"
    ) -> Part:
        ready = _listens(settings, port, host) if port else _always
        command = [sys.executable, "-m", "cli.main", *arguments]
        return Part(name=name, title=title, command=command, ready=ready, port=port, env=env)

    bounces = own(
        "bounces", "Bounce listener", "bounces",
        port=settings.bounces_port, host=settings.bounces_host,
    )  # fmt: skip
    return [
        own("api", "API and dashboard", "api", port=settings.port),
        own("worker-high", "Worker, high and medium lane", "worker", "--lanes", "high,medium"),
        own("worker-low", "Worker, low lane and upkeep", "worker", "--lanes", "low,control"),
        own("smtp-sink", "SMTP sink", "smtp-sink", port=settings.smtp_sink_port),
        *([bounces] if settings.bounces_port is not None else []),
    ]


def secret_of(settings: Settings, folder: DataFolder) -> str:
    """Return the given secret key, or the folder's own."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    return folder.secret_key()


async def _always() -> bool:
    return True


def _listens(settings: Settings, port: int, host: str) -> Callable[[], Awaitable[bool]]:
    async def http() -> bool:
        try:
            async with httpx.AsyncClient(timeout=3, trust_env=False) as client:
                answer = await client.get(f"http://{reach(settings.host)}:{port}/healthz")
        except httpx.HTTPError:
            return False
        return answer.status_code == 200

    async def socket() -> bool:
        try:
            _, writer = await asyncio.open_connection(reach(host), port)
        except OSError:
            return False
        writer.close()
        return True

    return http if port == settings.port else socket


def reach(host: str) -> str:
    """Return the address at which a listener on `host` is reached from this machine."""
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104


def _ports(*ports: int | None) -> tuple[int, ...]:
    return tuple(port for port in ports if port is not None)
