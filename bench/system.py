"""Starts what is measured: the processes of `tocsin up`, a mail server, the reference's worker."""

import dataclasses
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import httpx
import psutil
from pydantic import SecretStr
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client

from bench.reference import connect
from cli.embedded import postgres
from cli.embedded.data_folder import DataFolder
from cli.embedded.parts import Part, processes, secret_of, servers
from cli.embedded.supervisor import Supervisor
from cli.embedded.trouble import Trouble
from config.settings import Settings
from fakes.smtp import FakeSmtp
from services.bootstrap import bootstrap
from stores import migrate

KEY: Final = "tcs_of_the_bench"
ROOT: Final = Path(__file__).parent.parent
_OWN: Final = {
    "TOCSIN_ALLOW_NETWORKS": "127.0.0.0/8",  # the fake vendors are here
    "TOCSIN_OTP_RANGE_PER_HOUR": "0",  # thousands of numbers that are alike, and no code used
    "TOCSIN_OTP_GUARD_SHARE": "0",
}
MEASURED: Final = ("api", "worker-high", "worker-low", "reference")
_PORTS: Final = (
    "port", "temporal_port", "temporal_ui_port", "postgres_port", "replica_port", "smtp_sink_port",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class System:
    """A running system, and the ways into it."""

    api: httpx.AsyncClient
    temporal: Client
    smtp: FakeSmtp
    settings: Settings
    folder: DataFolder

    def peaks(self) -> dict[str, float]:
        """Return the peak resident memory of Tocsin's and the reference's processes, in MiB."""
        return {
            part["title"]: _peak(part["process"]["pid"]) / 2**20
            for part in self._parts()
            if part["name"] in MEASURED
        }

    def process(self, name: str) -> int:
        """Return the process id of a part."""
        return int(next(one for one in self._parts() if one["name"] == name)["process"]["pid"])

    def check(self) -> None:
        """Raise Trouble when a process ended while it was measured."""
        again = [part["title"] for part in self._parts() if part["restarts"]]
        if again:
            raise Trouble(f"{', '.join(again)} ended and had to be started again.")

    async def versions(self) -> dict[str, str]:
        """Return the versions of the servers."""
        conn = await asyncpg.connect(self.settings.leader_dsn)
        try:
            database = str(await conn.fetchval("SHOW server_version"))
        finally:
            await conn.close()
        told = await self.temporal.workflow_service.get_system_info(GetSystemInfoRequest())
        return {"PostgreSQL": database.split()[0], "Temporal": told.server_version}

    def _parts(self) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = (self.folder.read_state() or {})["parts"]
        return parts


@asynccontextmanager
async def running(mail_port: int | None = None) -> AsyncIterator[System]:
    """Give a new system in a folder that is removed at the end; raises Trouble.

    Its mail goes to `mail_port`, or to the mail server that records everything.
    """
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_folder())
        smtp = await stack.enter_async_context(FakeSmtp())
        settings = _settings(folder, mail_port or smtp.port)
        supervisor = Supervisor(folder, lambda _part, _state: None, {})
        stack.push_async_callback(supervisor.stop)
        await _start(supervisor, settings, folder)
        client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{settings.port}",
            headers={"Authorization": f"Bearer {KEY}"},
            timeout=30,
            trust_env=False,
        )
        api = await stack.enter_async_context(client)
        yield System(api, await connect(settings.temporal_target), smtp, settings, folder)


@contextmanager
def _folder() -> Iterator[DataFolder]:
    path = Path(tempfile.mkdtemp(prefix="tocsin-bench-"))
    path.chmod(0o755)  # PostgreSQL may run as another user
    folder = DataFolder(path / "data")
    try:
        folder.open()
        yield folder
    finally:
        home = postgres.home_for(folder.path)  # elsewhere if PostgreSQL's user may not enter
        for one in (path, home, home.with_name(f"{home.name}-pginstall")):
            shutil.rmtree(one, ignore_errors=True)


async def _start(supervisor: Supervisor, settings: Settings, folder: DataFolder) -> None:
    leader, replica, temporal = servers(settings, folder)
    await supervisor.start([leader])
    await postgres.create_database(settings.postgres_port or 0)
    await supervisor.start_together([replica, temporal])
    await migrate.upgrade(settings.leader_dsn)
    await bootstrap(settings)
    own = [part for part in processes(settings, folder) if part.name != "smtp-sink"]
    await supervisor.start_together([_apart(part, folder) for part in own])
    await supervisor.start([_reference(own[0], settings)])


def _settings(folder: DataFolder, mail_port: int) -> Settings:
    """Return settings that no environment and no .env file has a say in."""
    given: dict[str, Any] = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
    settings = Settings(
        _env_file=None,
        data_dir=folder.path,
        bootstrap_api_key=SecretStr(KEY),
        smtp_url=SecretStr(f"smtp://127.0.0.1:{mail_port}?starttls=never"),
        **given,
    )
    settings.secret_key = SecretStr(secret_of(settings, folder))
    return settings


def _apart(part: Part, folder: DataFolder) -> Part:
    """Let a process run in the folder: a .env file of the repository is none of its business."""
    return dataclasses.replace(part, cwd=folder.path, env=_found({**(part.env or {}), **_OWN}))


def _reference(like: Part, settings: Settings) -> Part:
    command = [sys.executable, "-m", "bench.reference", settings.temporal_target]
    return dataclasses.replace(
        like, name="reference", title="Reference's worker", command=command, port=None,
        ready=_always, env=_found(os.environ),
    )  # fmt: skip


def _found(env: Mapping[str, str]) -> dict[str, str]:
    return {**env, "PYTHONPATH": str(ROOT)}


async def _always() -> bool:
    return True


def _free_ports(count: int) -> list[int]:
    """Return ports that were free a moment ago, all different."""
    taken = [socket.socket() for _ in range(count)]
    try:
        for one in taken:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in taken]
    finally:
        for one in taken:
            one.close()


def _peak(pid: int) -> int:
    """Return the most memory a process ever held, in bytes; what it holds now if unknown."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return int(psutil.Process(pid).memory_info().rss)
