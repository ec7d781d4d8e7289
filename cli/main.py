"""The one command: `tocsin --help`."""

import sys

import typer
from pydantic import ValidationError

from cli import (
    accounts,
    administration,
    audiences,
    audit,
    campaigns,
    importing,
    inspect,
    processes,
    rotas,
    running,
    schedules,
    suppressions,
    talking,
    templates,
    users,
    vendors,
)
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
importing.register(app)
administration.register(app)
users.register(app)
audit.register(app)
vendors.register(app)
accounts.register(app)
suppressions.register(app)
audiences.register(app)
campaigns.register(app)
templates.register(app)
schedules.register(app)
rotas.register(app)


def main() -> None:
    """Run the command; what the operator can mend is said in a sentence, without a traceback."""
    try:
        app()
    except Exception as error:
        trouble = _explained(error)
        if trouble is None:
            raise
        typer.secho(trouble.what, fg="red", err=True)
        if trouble.remedy:
            typer.echo(trouble.remedy, err=True)
        sys.exit(1)


def _explained(error: Exception) -> Trouble | None:
    """Return what an operator can mend about an error; None for a fault of ours."""
    if isinstance(error, Trouble):
        return error
    if isinstance(error, ValidationError) and error.title == "Settings":
        wrong = "; ".join(
            f"TOCSIN_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors()
        )
        return Trouble(f"A setting is wrong. {wrong}.", "`tocsin config` lists all with meaning.")
    # Not at the top: most commands need no database, and should not wait for its library.
    from stores.database import unreachable
    from stores.sealing import SealBroken

    if isinstance(error, SealBroken):
        return Trouble(str(error), "`tocsin up` keeps a key in its data folder; elsewhere set one.")
    if unreachable(error):
        words = str(error).strip().splitlines() or [type(error).__name__]
        return Trouble(f"The database does not answer: {words[0]}", "`tocsin doctor` says more.")
    return None


if __name__ == "__main__":
    main()
