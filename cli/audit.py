"""audit: who did what, and whether the log is as it was written."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.acting import act
from cli.running import DataDir

Words = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audit = typer.Typer(help="The log of who did what", no_args_is_help=True)
    audit.command("list")(list_lines)
    audit.command("verify")(verify)
    audit.command("head")(head)
    app.add_typer(audit, name="audit")


def list_lines(
    actor: Annotated[Words, typer.Option(help="A user's address or id, key:NAME, operator")] = None,
    action: Annotated[Words, typer.Option(help="Such as template or template.published")] = None,
    subject: Annotated[Words, typer.Option(help="The id of what was changed")] = None,
    module: Annotated[Words, typer.Option(help="The key of a module")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts")] = False,
    data_dir: DataDir = None,
) -> None:
    """List the newest lines."""
    from services import audit_log

    filters = audit_log.AuditFilters(actor or (), action or (), subject or (), module or ())
    page = act(data_dir, lambda app, by: audit_log.find(app, by, filters, limit=limit))
    if as_json:
        typer.echo(json.dumps(page.items))
        return
    table = Table("at", "who", "did", "to", "with", box=None)
    for one in page.items:
        detail = json.dumps(one["detail"], ensure_ascii=False) if one["detail"] else ""
        table.add_row(one["at"], one["actor_name"], one["action"], one["subject"], detail)
    Console().print(table)


def verify(
    kept: Annotated[
        str | None, typer.Option("--head", help="One that was kept elsewhere; shows what was cut")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For scripts")] = False,
    data_dir: DataDir = None,
) -> None:
    """Check every line; name the first that is not as it was written, with exit code 1."""
    from services import audit_log

    told = act(data_dir, lambda app, by: audit_log.verify(app, by, kept))
    typer.echo(json.dumps(told) if as_json else _sentence(told))
    if not told["intact"]:
        raise typer.Exit(1)


def head(data_dir: DataDir = None) -> None:
    """Print where the chain ends: keep it elsewhere, and give it to `verify` later."""
    from services import audit_log

    typer.echo(act(data_dir, audit_log.head)["head"])


def _sentence(told: dict[str, Any]) -> str:
    if told["intact"]:
        waiting = f", {told['unsealed']} more are not sealed yet" if told["unsealed"] else ""
        return f"All {told['lines']} lines are as they were written{waiting}.\n{told['head']}"
    broken = told["broken"]
    number = f"Line {broken['line']}" if broken["line"] else "A line that is not sealed yet"
    return f"{number} ({broken['id'] or 'not there'}): {broken['why']}."
