"""api, worker, smtp-sink, bounces, migrate: the processes as they run in production."""

import asyncio
import errno
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer

from cli.embedded.trouble import Trouble
from config.logging import configure_logging
from config.settings import Settings
from config.tracing import configure_tracing


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(api)
    app.command()(worker)
    app.command("smtp-sink")(smtp_sink)
    app.command()(bounces)
    app.command()(migrate)


def api() -> None:
    """Serve the API and the dashboard; it accepts whether or not Temporal answers."""
    import uvicorn

    from workers.web import create_app

    settings = Settings()
    configure_logging(settings)
    configure_tracing(settings, "api")
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
        server_header=False,
    )


def worker(
    lanes: Annotated[
        str, typer.Option("--lanes", help="Which lanes, separated by commas")
    ] = "high,medium,low,control",
) -> None:
    """Serve lanes: high, medium and low send; control sweeps, seals and tidies."""
    import uvloop

    from workers.lanes import run

    settings = Settings()
    configure_logging(settings)
    configure_tracing(settings, f"worker {lanes}")
    try:
        uvloop.run(run(settings, [lane.strip() for lane in lanes.split(",") if lane.strip()]))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def smtp_sink() -> None:
    """Receive mail for the Outbox page instead of sending it on."""
    from workers.smtp_sink import run

    settings = Settings()
    _listen(run, settings, settings.smtp_sink_port, "TOCSIN_SMTP_SINK_PORT")


def bounces() -> None:
    """Take bounce mails by SMTP at TOCSIN_BOUNCES_PORT, and make receipts of them."""
    from workers.bounces import run

    settings = Settings()
    if settings.bounces_port is None:
        raise Trouble(
            "There is no port for bounce mails.", "Set TOCSIN_BOUNCES_PORT, for example to 2526."
        )
    _listen(run, settings, settings.bounces_port, "TOCSIN_BOUNCES_PORT")


def migrate(
    to: Annotated[
        str | None, typer.Option("--to", help="A revision, `head` (the default) or `base`")
    ] = None,
    down: Annotated[bool, typer.Option("--down", help="Migrate down: data may be lost")] = False,
) -> None:
    """Bring the database's schema to a revision, and make what a new installation needs."""
    from alembic.util import CommandError

    from services.bootstrap import bootstrap
    from stores import migrate as store

    if down and to is None:
        raise typer.BadParameter("--down needs --to: a revision or `base`")
    settings, to = Settings(), to or "head"
    try:
        asyncio.run((store.downgrade if down else store.upgrade)(settings.leader_dsn, to))
    except CommandError as error:
        raise Trouble(f"{error}.") from None
    if down:
        typer.echo(f"Migrated down to {to}.")
        return
    if to == "head":
        made = asyncio.run(bootstrap(settings))
        if made.admin_password:
            typer.echo(f"First administrator: {made.admin_email} {made.admin_password}")
        if made.api_key:
            typer.echo(f"First API key: {made.api_key}")
    typer.echo(f"The schema is at {to}.")


def _listen(
    run: Callable[[Settings], Coroutine[Any, Any, None]],
    settings: Settings,
    port: int | None,
    variable: str,
) -> None:
    """Run a process that listens; raises Trouble when its port is taken."""
    configure_logging(settings)
    try:
        asyncio.run(run(settings))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise Trouble(f"Port {port} is taken.", f"Set {variable} to another.") from None
