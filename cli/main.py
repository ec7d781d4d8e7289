"""The one command: `tocsin --help`."""

import sys

import typer

from cli import administration, inspect, processes, running, talking
from cli.embedded.trouble import Trouble

app = typer.Typer(
    name="tocsin",
    help="Durable notifications: asked for once, sent once, every message accounted for.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_show_locals=False,
)
running.register(app)
processes.register(app)
inspect.register(app)
talking.register(app)
administration.register(app)


def main() -> None:
    """Run the command; what the operator can mend is said in a sentence, without a traceback."""
    try:
        app()
    except Trouble as trouble:
        typer.secho(trouble.what, fg="red", err=True)
        if trouble.remedy:
            typer.echo(trouble.remedy, err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
