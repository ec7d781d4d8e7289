"""vendors: what accounts can be made of, and the settings of each."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.accounts import AsJson
from cli.embedded.trouble import Trouble


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("vendors")(vendors)


def vendors(
    name: Annotated[str | None, typer.Argument(help="Show the settings of this one")] = None,
    as_json: AsJson = False,
) -> None:
    """List the vendors that accounts can be made of, or the settings of one."""
    from services.vendors import view
    from vendors.registry import KINDS

    if name is not None and name not in KINDS:
        raise Trouble(f"There is no vendor {name}.", "`tocsin vendors` lists them.")
    shown = [view(KINDS[one]) for one in ([name] if name else sorted(KINDS))]
    if as_json:
        typer.echo(json.dumps(shown[0] if name else shown))
    elif name:
        _print_settings(shown[0])
    else:
        _print_all(shown)


def _print_all(kinds: list[dict[str, Any]]) -> None:
    """Print a line a vendor: only its title is cut where a terminal is narrow."""
    table = Table(box=None, header_style="dim", padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column("vendor", no_wrap=True)
    table.add_column("title")
    table.add_column("channels", no_wrap=True)
    table.add_column("batch", no_wrap=True, justify="right")
    for heading in ("receipts", "replies", "look-up"):
        table.add_column(heading, no_wrap=True)
    for one in kinds:
        able = one["capabilities"]
        table.add_row(
            one["name"],
            Text(one["title"], no_wrap=True, overflow="ellipsis"),
            _channels(one),
            f"{able['batch']:,}",
            *("yes" if able[what] else "-" for what in ("receipts", "replies", "look_up")),
        )
    console = Console(highlight=False)
    console.print(table)
    console.print("`tocsin vendors NAME` shows the settings of one.", style="dim")


def _print_settings(kind: dict[str, Any]) -> None:
    """Print a vendor with its settings: first what is required, last what all vendors have."""
    able = kind["capabilities"]
    has = [f"{able['batch']:,} a call"]
    has += [what.replace("_", "-") for what in ("receipts", "replies", "look_up") if able[what]]
    console = Console(highlight=False)
    console.print(f"{kind['title']}: {_channels(kind)}; {', '.join(has)}", style="bold")
    schema = kind["settings"]
    if not schema.get("properties"):
        console.print("It has no settings.")
        return
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("setting", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("meaning", overflow="fold")
    for name, about in _ordered(schema):
        required = "required" if name in schema.get("required", ()) else ""
        table.add_row(name, required, Text(_meaning(about)))
    console.print(table)


def _ordered(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return settings as people fill them in."""
    from vendors.http_api import HttpSettings

    required, usual = schema.get("required", ()), HttpSettings.model_fields
    return sorted(
        schema["properties"].items(), key=lambda one: (one[0] not in required, one[0] in usual)
    )


def _secret(about: dict[str, Any]) -> bool:
    return any(one.get("writeOnly", False) for one in (about, *about.get("anyOf", ())))


def _meaning(about: dict[str, Any]) -> str:
    """Return what a setting means, and what more there is to know of its value."""
    more = ["secret"] if _secret(about) else []
    if choices := about.get("enum"):
        more.append(f"one of {', '.join(choices)}")
    default = about.get("default")
    if default not in (None, "", []):
        more.append(f"default {default}")
    return f"{about['description']} ({'; '.join(more)})" if more else str(about["description"])


def _channels(kind: dict[str, Any]) -> str:
    from domain.vocabulary import Channel

    return "all" if len(kind["channels"]) == len(Channel) else ", ".join(kind["channels"])
