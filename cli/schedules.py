"""schedules: look at them, let them rest and go on, fire them; on the machine itself."""

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.acting import act
from cli.running import DataDir

Name = Annotated[str, typer.Argument(help="Its id, as `list` shows it, or its name")]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    schedules = typer.Typer(help="What happens again and again", no_args_is_help=True)
    schedules.command("list")(list_schedules)
    schedules.command("next")(show_next)
    schedules.command("pause")(pause)
    schedules.command("resume")(resume)
    schedules.command("trigger")(trigger)
    app.add_typer(schedules, name="schedules")


def list_schedules(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List the newest 200 schedules of all modules."""
    from services import schedules

    page = act(data_dir, lambda app, actor: schedules.find(app, actor, limit=200))
    if as_json:
        typer.echo(json.dumps(page.items))
        return
    table = Table("name", "state", "next", "does", "module", "id", box=None)
    for one in page.items:
        does = next(iter(one["action"]))
        table.add_row(one["name"], one["state"], one["next"] or "", does, one["module"], one["id"])
    Console().print(table)


def show_next(
    schedule: Name,
    most: Annotated[int, typer.Option("--most", min=1, max=100, help="How many times")] = 10,
    data_dir: DataDir = None,
) -> None:
    """Print when a schedule fires next, a time a line, in UTC."""
    from services import schedules

    told = act(data_dir, lambda app, actor: schedules.next_page(app, actor, schedule, most))
    for moment in told["items"]:
        typer.echo(moment)


def pause(
    schedule: Name,
    note: Annotated[str, typer.Option(help="Why, for those who see it")] = "",
    data_dir: DataDir = None,
) -> None:
    """Let a schedule rest."""
    from domain.contract.schedule import PauseRequest
    from services import schedules
    from services.fields import validated

    async def rest(app: Any, actor: Any) -> Any:
        request = validated(PauseRequest, {"note": note})
        return await schedules.pause(app, actor, schedule, request)

    _tell(act(data_dir, rest))


def resume(schedule: Name, data_dir: DataDir = None) -> None:
    """Let a schedule go on; what it would have done meanwhile is not made up for."""
    from services import schedules

    _tell(act(data_dir, lambda app, actor: schedules.resume(app, actor, schedule)))


def trigger(schedule: Name, data_dir: DataDir = None) -> None:
    """Fire a schedule now, besides its times, and print the id of what it made."""
    from services import schedule_by_hand

    told = act(data_dir, lambda app, actor: schedule_by_hand.trigger(app, actor, schedule))
    typer.echo(next(value for name, value in told.content.items() if name != "at"))


def _tell(schedule: dict[str, Any]) -> None:
    coming = f", next {schedule['next']}" if schedule["next"] else ""
    typer.echo(f"{schedule['name']} is {schedule['state']}{coming}")
