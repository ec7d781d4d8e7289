"""The whole of `tocsin up`: from a data folder to a ready system, and back."""

import asyncio
from datetime import UTC, datetime

from pydantic import SecretStr
from rich.console import Console

from cli.embedded import panel, postgres
from cli.embedded.data_folder import DataFolder
from cli.embedded.parts import processes, secret_of, servers
from cli.embedded.ports import check_ports
from cli.embedded.supervisor import Supervisor, until_told
from config.settings import Settings
from services.bootstrap import bootstrap
from stores import migrate


async def run(settings: Settings, folder: DataFolder, console: Console) -> None:
    """Start everything, stay until told to stop, stop everything; raises Trouble."""
    folder.open()
    progress = panel.Progress(console)
    facts = {
        "url": panel.base_url(settings),
        "started_at": datetime.now(UTC).isoformat(),
        "temporal_ui": settings.temporal_ui,
        "data_dir": str(folder.path),
    }
    supervisor = Supervisor(folder, progress.tell, facts)
    if left := supervisor.clear_leftovers():
        console.print(f"  [dim]· ended {left} processes that an earlier run left behind[/]")
    check_ports(settings)
    told = asyncio.create_task(until_told())
    starting = asyncio.create_task(_start(settings, folder, supervisor, console))
    try:
        await asyncio.wait({told, starting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await told
            console.print("\nStopping.")
        else:
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
    finally:
        forced = await supervisor.stop()
        told.cancel()
    console.print("Stopped." if not forced else f"Stopped; {', '.join(forced)} by force.")


async def _start(
    settings: Settings, folder: DataFolder, supervisor: Supervisor, console: Console
) -> None:
    console.print(f"Starting Tocsin in {folder.path}")
    leader, replica, temporal = servers(settings, folder)
    settings.secret_key = SecretStr(secret_of(settings, folder))
    apart = asyncio.create_task(supervisor.start([temporal]))
    try:
        await supervisor.start([leader])
        if settings.postgres_port is not None:
            await postgres.create_database(settings.postgres_port)
        await supervisor.start([replica])
        await migrate.upgrade(settings.leader_dsn)
        made = await bootstrap(settings)
        await supervisor.start_together(processes(settings, folder))
        await apart
    finally:
        apart.cancel()
    panel.show(console, settings, made)
