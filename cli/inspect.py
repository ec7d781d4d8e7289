"""doctor and config: what is wrong, and what is set."""

import asyncio
import json
from typing import Annotated, Any

import typer
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from cli.administration import local_settings
from cli.running import DataDir
from config.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(doctor)
    app.command()(config)


def doctor(data_dir: DataDir = None) -> None:
    """Check each dependency and say how to mend it; exit code 1 when something is broken."""
    from services.diagnosis import diagnose

    console = Console(highlight=False)
    findings = asyncio.run(diagnose(local_settings(data_dir)))
    for one in findings:
        mark = "[green]✓[/]" if one.ok else "[red]✗[/]"
        console.print(f"{mark} {one.name}: {one.detail}")
        if not one.ok:
            console.print(f"    {one.remedy}")
    raise typer.Exit(0 if all(one.ok for one in findings) else 1)


def config(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts")] = False,
) -> None:
    """List every setting: its variable, value and meaning; secrets are not shown."""
    settings = Settings()
    rows = [_row(settings, name) for name in Settings.model_fields]
    if as_json:
        typer.echo(json.dumps({row["variable"]: row for row in rows}, indent=1))
        return
    table = Table(box=None, header_style="dim")
    for heading in ("variable", "value", "from", "meaning"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        value = "" if row["value"] is None else str(row["value"])
        table.add_row(row["variable"], value, row["from"], row["meaning"])
    Console(highlight=False).print(table)


def _row(settings: Settings, name: str) -> dict[str, Any]:
    value = getattr(settings, name)
    if isinstance(value, SecretStr):
        value = "(set)"
    elif isinstance(value, list):
        value = ["(set)" for _ in value]
    elif value is not None and not isinstance(value, int | float | str | bool):
        value = str(value)
    return {
        "variable": f"TOCSIN_{name.upper()}",
        "value": value,
        "from": "environment" if name in settings.model_fields_set else "default",
        "meaning": Settings.model_fields[name].description or "",
    }
