"""suppressions: the list of addresses that must not be used, on the machine itself."""

import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from cli.acting import act
from cli.embedded.trouble import Trouble
from cli.running import DataDir
from cli.tables import print_table

_CHUNK = 64 * 1024
_KINDS = {".csv": "text/csv", ".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}
Channel = Annotated[list[str] | None, typer.Option("--channel", help="email, sms, …; repeatable")]
Reason = Annotated[
    list[str] | None,
    typer.Option("--reason", help="hard_bounce, complaint, unsubscribe or manual; repeatable"),
]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    suppressions = typer.Typer(help="Addresses that must not be used", no_args_is_help=True)
    suppressions.command("list")(list_suppressions)
    suppressions.command("add")(add)
    suppressions.command("remove")(remove)
    suppressions.command("import")(bring_in)
    suppressions.command("export")(export)
    app.add_typer(suppressions, name="suppressions")


def list_suppressions(
    q: Annotated[str | None, typer.Option("--search", help="Part of an address or note")] = None,
    channel: Channel = None,
    reason: Reason = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts")] = False,
    data_dir: DataDir = None,
) -> None:
    """List the newest 200 suppressions; `export` has all."""
    from services import suppressions
    from services.suppression_filters import SuppressionFilters

    filters = SuppressionFilters(channel=channel or (), reason=reason or (), q=q, limit=200)
    page = act(data_dir, lambda app, actor: suppressions.find(app, actor, filters))
    if as_json:
        typer.echo(json.dumps(page.items))
        return
    rows = [
        (one["channel"], one["address"], one["category"] or "all", one["reason"],
         one["module"] or "all modules", one["expires_at"] or "", one["id"])
        for one in page.items
    ]  # fmt: skip
    columns = ("channel", "address", "category", "reason", "binds", "until", "id")
    print_table(columns, rows, whole="id")
    if page.next_cursor:
        typer.echo("There are more; `tocsin suppressions export` writes all.", err=True)


def add(
    channel: str,
    address: str,
    reason: Annotated[str, typer.Option(help="Why")] = "manual",
    category: Annotated[str | None, typer.Option(help="Only messages of this one")] = None,
    scope: Annotated[str, typer.Option(help="module or all")] = "module",
    module: Annotated[str, typer.Option(help="The module it binds")] = "default",
    expires_at: Annotated[str | None, typer.Option(help="Such as 2030-01-31T09:00:00Z")] = None,
    note: Annotated[str, typer.Option(help="What others should know")] = "",
    data_dir: DataDir = None,
) -> None:
    """Suppress an address and print the suppression's id."""
    from domain.contract.suppression import SuppressionRequest
    from services import suppressions
    from services.fields import validated

    given = {
        "channel": channel, "address": address, "reason": reason, "category": category,
        "scope": scope, "expires_at": expires_at, "note": note,
    }  # fmt: skip

    async def create(app: Any, actor: Any) -> Any:
        request = validated(SuppressionRequest, given)
        return await suppressions.create(app, actor, request, module=module, source="command")

    typer.echo(act(data_dir, create).content["id"])


def remove(
    suppression: Annotated[str, typer.Argument(help="Its id, as `list` shows it")],
    reason: Annotated[str, typer.Option(help="Why; a complaint is not lifted without")] = "",
    data_dir: DataDir = None,
) -> None:
    """Lift a suppression."""
    from services import suppressions

    act(data_dir, lambda app, actor: suppressions.remove(app, actor, suppression, why=reason))


def bring_in(
    file: Annotated[str, typer.Argument(help="A file of CSV or NDJSON; - reads CSV")],
    data_dir: DataDir = None,
) -> None:
    """Read suppressions from a file; wrong rows are told, exit code 1 when there are any."""
    from services import suppression_imports as imports

    kind = "text/csv" if file == "-" else _KINDS.get(Path(file).suffix.lower(), "")
    if not kind:
        raise Trouble(f"{file} is neither .csv nor .ndjson.", "Give it the ending of what it is.")
    try:
        source = sys.stdin.buffer if file == "-" else Path(file).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise Trouble(f"{file} cannot be read: {error.strerror}") from None
    with source:
        told = act(data_dir, lambda app, actor: imports.bring_in(app, actor, _chunks(source), kind))
    for one in told["errors"]:
        typer.echo(f"line {one['line']}: {one['reason']}", err=True)
    typer.echo(
        f"{told['rows']} rows: {told['added']} added, {told['known']} known,"
        f" {told['rejected']} rejected"
    )
    if told["rejected"]:
        raise typer.Exit(1)


def export(
    kind: Annotated[str, typer.Option("--format", help="csv or ndjson")] = "csv",
    channel: Channel = None,
    reason: Reason = None,
    data_dir: DataDir = None,
) -> None:
    """Write all suppressions to standard output, as `import` reads them."""
    from services import suppression_exports as exports
    from services.suppression_filters import SuppressionFilters

    media = _KINDS.get(f".{kind}")
    if media is None:
        raise Trouble(f"{kind} is neither csv nor ndjson.")
    filters = SuppressionFilters(channel=channel or (), reason=reason or ())

    async def write(app: Any, actor: Any) -> None:
        async for text in exports.stream(app, actor, filters, media):
            sys.stdout.write(text)

    act(data_dir, write)


async def _chunks(source: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := source.read(_CHUNK):
        yield chunk
