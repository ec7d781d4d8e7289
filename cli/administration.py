"""keys: what an operator does on the machine itself."""

import asyncio
from typing import Annotated

import typer
from pydantic import ValidationError

from cli.embedded.trouble import Trouble
from cli.running import DataDir, settings_from
from config.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    keys = typer.Typer(help="API keys", no_args_is_help=True)
    keys.command("create")(create_key)
    app.add_typer(keys, name="keys")


def create_key(
    name: str,
    scopes: Annotated[str, typer.Option(help="Separated by commas, or *")] = "*",
    module: Annotated[str, typer.Option(help="The module it belongs to")] = "default",
    user: Annotated[str | None, typer.Option(help="Binds it to a user, by address")] = None,
    data_dir: DataDir = None,
) -> None:
    """Make an API key and print it this once."""
    from domain.contract.access import KeyRequest
    from domain.errors import Problem
    from services.access import operator
    from services.app import close_app, open_app
    from services.keys import create
    from services.users import id_of

    async def make(settings: Settings) -> str:
        app = open_app(settings)
        try:
            actor = await operator(app)
            bound = await id_of(app, user) if user else None
            request = KeyRequest(name=name, module=module, scopes=scopes.split(","), user=bound)
            made: str = (await create(app, actor, request))["key"]
        finally:
            await close_app(app)
        return made

    try:
        typer.echo(asyncio.run(make(local_settings(data_dir))))
    except Problem as problem:
        raise Trouble(problem.detail) from None
    except ValidationError as error:
        said = dict.fromkeys(
            f"{one['loc'][0]} {one['msg'].removeprefix('Value error, ')}" for one in error.errors()
        )
        raise Trouble("; ".join(said)) from None


def local_settings(data_dir: "DataDir" = None) -> Settings:
    """Return settings that reach the system that runs on a data folder, with its ports and key."""
    from cli.embedded.data_folder import default_folder

    settings = settings_from(data_dir)
    folder = default_folder(settings)
    state = folder.read_state()
    if state is None or settings.database_url is not None:
        return settings
    ports = {part["name"]: part["port"] for part in state["parts"]}
    given = {
        "port": ports.get("api"), "postgres_port": ports.get("postgres"),
        "replica_port": ports.get("replica"), "temporal_port": ports.get("temporal"),
        "smtp_sink_port": ports.get("smtp-sink"),
    }  # fmt: skip
    known = {name: port for name, port in given.items() if port}
    key = settings.secret_key or folder.secret_key()
    return Settings(**{**known, "secret_key": key, "data_dir": folder.path})
