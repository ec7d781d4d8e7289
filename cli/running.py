"""up, status, down: the embedded system as a whole."""

import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.embedded.data_folder import DataFolder, default_folder
from cli.embedded.process import is_alive
from cli.embedded.trouble import Trouble
from config.settings import Settings

DataDir = Annotated[
    Path | None,
    typer.Option("--data-dir", help="Folder of the data (TOCSIN_DATA_DIR, else ./.tocsin)"),
]
Port = Annotated[
    int | None, typer.Option("--port", help="Port of the API; the other ports follow it")
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(up)
    app.command()(status)
    app.command()(down)


def settings_from(data_dir: Path | None = None, port: int | None = None) -> Settings:
    """Return the settings, with what the command line says over them."""
    given: dict[str, Any] = {}
    if data_dir is not None:
        given["data_dir"] = data_dir
    if port is not None:
        given["port"] = port
    return Settings(**given)


def up(
    data_dir: DataDir = None,
    port: Port = None,
    detach: Annotated[bool, typer.Option("--detach", help="Return once it is ready")] = False,
) -> None:
    """Start Tocsin with PostgreSQL, a replica, Temporal, API, workers and an SMTP sink."""
    from cli.embedded.system import run

    settings = settings_from(data_dir, port)
    folder = default_folder(settings)
    if detach:
        _detach(settings, folder)
        return
    console = Console(highlight=False)
    asyncio.run(run(settings, folder, console))


def status(
    data_dir: DataDir = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts")] = False,
) -> None:
    """Show each part: its state, process, port and restarts; exit code 3 when it is stopped."""
    state = _state(default_folder(settings_from(data_dir)))
    if as_json:
        typer.echo(json.dumps(state, indent=1))
    else:
        _show(state)
    raise typer.Exit(0 if state["running"] else 3)


def down(data_dir: DataDir = None) -> None:
    """Stop the system that runs on a data folder, and wait until it is gone."""
    folder = default_folder(settings_from(data_dir))
    state = folder.read_state() or {}
    supervisor = state.get("supervisor") or {}
    if not is_alive(supervisor):
        typer.echo(f"Tocsin does not run on {folder.path}.")
        return
    os.kill(int(supervisor["pid"]), 15)
    deadline = time.monotonic() + 90
    while is_alive(supervisor):
        if time.monotonic() > deadline:
            raise Trouble(
                f"Process {supervisor['pid']} did not stop within 90 s.",
                f"Its log is {folder.logs / 'up.log'}.",
            )
        time.sleep(0.1)
    typer.echo("Stopped.")


def _detach(settings: Settings, folder: DataFolder) -> None:
    command = [sys.executable, "-m", "cli.main", "up", "--data-dir", str(folder.path)]
    if "port" in settings.model_fields_set:
        command += ["--port", str(settings.port)]
    folder.make()
    log = folder.logs / "up.log"
    begun = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        child = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
        )
    while child.poll() is None:
        said = log.read_bytes()[begun:].decode(errors="replace")
        if "Ctrl-C stops everything" in said:
            typer.echo(said)
            return
        time.sleep(0.2)
    raise Trouble(log.read_bytes()[begun:].decode(errors="replace").strip())


def _state(folder: DataFolder) -> dict[str, Any]:
    state = folder.read_state() or {"parts": []}
    running = is_alive(state.get("supervisor"))
    for part in state["parts"]:
        alive = is_alive(part.get("process"))
        part["pid"] = part["process"]["pid"] if alive else None
        if not alive and part["state"] == "ready":
            part["state"] = "restarting" if running else "stopped"
        del part["process"]
    supervisor = state.get("supervisor") or {}
    return {
        **state,
        "running": running,
        "ready": running and all(part["state"] == "ready" for part in state["parts"]),
        "supervisor": supervisor.get("pid") if running else None,
        "data_dir": str(folder.path),
    }


def _show(state: dict[str, Any]) -> None:
    console = Console(highlight=False)
    if not state["running"]:
        console.print(f"Tocsin does not run on {state['data_dir']}; `tocsin up` starts it.")
        return
    word = "is ready" if state["ready"] else "is starting, or something is amiss"
    console.print(f"Tocsin {word}: {state.get('url')}")
    table = Table(box=None, header_style="dim")
    for heading in ("part", "state", "process", "port", "restarts"):
        table.add_column(heading)
    for part in state["parts"]:
        cells = (part["title"], part["state"], part["pid"], part["port"], part["restarts"])
        table.add_row(*("" if cell is None else str(cell) for cell in cells))
    console.print(table)
