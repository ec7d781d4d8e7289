"""rotas: who is on duty, now and in the coming weeks; on the machine itself."""

import json
from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from cli.acting import act
from cli.running import DataDir
from cli.tables import print_table

Name = Annotated[str, typer.Argument(help="Its name, or its id as `list` shows it")]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    rotas = typer.Typer(help="Who is on duty, by turns", no_args_is_help=True)
    rotas.command("list")(list_rotas)
    rotas.command("show")(show)
    rotas.command("stand-in")(stand_in)
    app.add_typer(rotas, name="rotas")


def list_rotas(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the newest 200 rotas of all modules with who is on duty now."""
    from services import rotas

    page = act(data_dir, lambda app, actor: rotas.find(app, actor, limit=200))
    if as_json:
        typer.echo(json.dumps(page.items))
        return
    rows = [
        (one["name"], _called(one, one["on_duty"]) or "nobody", f"a {one['every']} each",
         one["module"], one["id"])
        for one in page.items
    ]  # fmt: skip
    print_table(("name", "on duty", "turns", "module", "id"), rows, whole="id")


def show(
    rota: Name,
    weeks: Annotated[int, typer.Option(min=1, max=26, help="How many weeks")] = 4,
    as_json: AsJson = False,
    data_dir: DataDir = None,
) -> None:
    """Print who is on duty in the coming weeks, a shift a line, in the rota's time zone."""
    from services import rotas

    async def look(app: Any, actor: Any) -> Any:
        found = await rotas.get(app, actor, rota)
        return found, await rotas.duty(app, actor, found["id"], weeks=weeks)

    found, told = act(data_dir, look)
    if as_json:
        typer.echo(json.dumps(told))
        return
    rows = [
        (_local(one["start_at"], found["timezone"]), _local(one["end_at"], found["timezone"]),
         _called(told, one["profile"]), "stands in" if one["override"] else "")
        for one in told["shifts"]
    ]  # fmt: skip
    print_table(("from", "until", "on duty", ""), rows, whole="from")


def stand_in(
    rota: Name,
    profile: Annotated[str, typer.Argument(help="Who: a profile's id, or your own id of it")],
    start_at: Annotated[str, typer.Argument(help="From, such as 2030-01-31T09:00:00Z")],
    end_at: Annotated[str, typer.Argument(help="Until")],
    data_dir: DataDir = None,
) -> None:
    """Let somebody be on duty for a while instead of whoever has the turn."""
    from services import rotas

    async def put(app: Any, actor: Any) -> Any:
        found = await rotas.get(app, actor, rota)
        ref = profile if profile.startswith("prf_") else {"external_id": profile}
        one = {"profile": ref, "start_at": start_at, "end_at": end_at}
        given = {"overrides": [*found["overrides"], one]}
        return await rotas.change(app, actor, found["id"], given, found["version"])

    changed = act(data_dir, put)
    typer.echo(f"{len(changed['overrides'])} stand in on {changed['name']}")


def _called(one: dict[str, Any], profile: str | None) -> str:
    return one["names"].get(profile) or profile or ""


def _local(stamp: str, zone: str) -> str:
    return f"{datetime.fromisoformat(stamp).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"
