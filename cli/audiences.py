"""audiences: stored selections of recipients, looked at and resolved on the machine itself."""

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from cli.acting import act
from cli.embedded.trouble import Trouble
from cli.running import DataDir
from cli.tables import print_table

Audience = Annotated[str, typer.Argument(help="Its name, or its id as `list` shows it")]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    audiences = typer.Typer(help="Stored selections of recipients", no_args_is_help=True)
    audiences.command("list")(list_audiences)
    audiences.command("preview")(preview)
    audiences.command("resolve")(resolve)
    app.add_typer(audiences, name="audiences")


def list_audiences(
    q: Annotated[str | None, typer.Option("--search", help="Part of a name")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="group, filter, …; repeatable")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """List the newest 200 audiences."""
    from services import audiences

    page = act(
        data_dir, lambda app, actor: audiences.find(app, actor, kind=kind or (), q=q, limit=200)
    )
    if as_json:
        typer.echo(json.dumps(page.items))
        return
    rows = [
        (one["name"], one["kind"], one["module"], one["updated_at"][:19], one["id"])
        for one in page.items
    ]
    print_table(("audience", "kind", "module", "changed", "id"), rows, whole="id")


def preview(
    audience: Audience,
    channel: Annotated[list[str] | None, typer.Option(help="email, sms, …; repeatable")] = None,
    category: Annotated[str | None, typer.Option(help="Whose suppressions count too")] = None,
    sample: Annotated[int, typer.Option(help="How many to show, up to 100")] = 5,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Resolve an audience: how many, some of them, and how many cannot be reached and why."""
    from domain.contract.audience import AudiencePreview
    from services import audience_previews
    from services.fields import validated

    given = {"channels": channel or [], "category": category, "sample": sample}

    async def look(app: Any, actor: Any, id: str) -> Any:
        return await audience_previews.preview(app, actor, id, validated(AudiencePreview, given))

    told = _on(data_dir, audience, look)
    if as_json:
        typer.echo(json.dumps(told))
        return
    unreached = sum(told["suppressed"].values())
    typer.echo(f"{told['count']} members, {told['count'] - unreached} can be reached.")
    for reason, count in told["suppressed"].items():
        typer.echo(f"{count} {reason.replace('_', ' ')}")
    names = ("external_id", "name", "email", "phone", "profile")
    if told["sample"]:
        rows = [[one[name] or "" for name in names] for one in told["sample"]]
        print_table(names, rows, whole="profile")


def resolve(
    audience: Audience,
    kind: Annotated[str, typer.Option("--format", help="csv or ndjson")] = "csv",
    snapshot: Annotated[
        bool, typer.Option("--snapshot", help="Keep them as a snapshot, and print it")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Resolve an audience and write everybody in it, with addresses, to standard output."""
    from services import audience_exports as exports
    from services import audience_snapshots

    if kind not in (exports.CSV, exports.NDJSON):
        raise Trouble(f"{kind} is neither csv nor ndjson.")
    if snapshot:
        typer.echo(json.dumps(_on(data_dir, audience, audience_snapshots.create)))
        return

    async def write(app: Any, actor: Any, id: str) -> None:
        async for text in exports.stream(app, actor, id, kind):
            sys.stdout.write(text)

    _on(data_dir, audience, write)


def _on(data_dir: Any, audience: str, use: Callable[[Any, Any, str], Awaitable[Any]]) -> Any:
    """Run a use case on an audience that is named by its name or its id."""

    async def found(app: Any, actor: Any) -> Any:
        from services import audiences

        if audience.startswith("aud_"):
            return await use(app, actor, audience)
        page = await audiences.find(app, actor, name=[audience])
        if not page.items:
            raise Trouble(f"There is no audience {audience}.", "`tocsin audiences list` has all.")
        if len(page.items) > 1:
            ids = ", ".join(f"{one['id']} of {one['module']}" for one in page.items)
            raise Trouble(f"Several audiences are called {audience}.", f"Name one by id: {ids}.")
        return await use(app, actor, page.items[0]["id"])

    return act(data_dir, found)
