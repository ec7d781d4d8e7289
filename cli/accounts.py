"""accounts, rotate-secrets: what an operator does with vendors on the machine itself."""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from cli.acting import act
from cli.embedded.trouble import Trouble
from cli.running import DataDir
from cli.tables import print_table

AsJson = Annotated[bool, typer.Option("--json", help="For scripts")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    accounts = typer.Typer(help="Accounts at vendors", no_args_is_help=True)
    accounts.command("list")(list_accounts)
    accounts.command("add")(add)
    accounts.command("test")(try_account)
    accounts.command("health")(health)
    accounts.command("pause")(pause)
    accounts.command("resume")(resume)
    accounts.command("remove")(remove)
    app.add_typer(accounts, name="accounts")
    app.command("rotate-secrets")(rotate_secrets)


def list_accounts(as_json: AsJson = False, data_dir: DataDir = None) -> None:
    """List accounts with channel, vendor and state."""
    from services import accounts

    page = act(data_dir, lambda app, actor: accounts.find(app, actor, limit=200))
    if as_json:
        typer.echo(json.dumps(page.items))
        return
    rows = [
        (one["name"], one["channel"], one["vendor"], one["state"], f"{one['cost']:g}", one["id"])
        for one in page.items
    ]
    print_table(("account", "channel", "vendor", "state", "cost", "id"), rows, whole="id")


def add(
    name: str,
    channel: Annotated[str, typer.Option(help="email, sms, push, …")],
    vendor: Annotated[str, typer.Option(help="As `tocsin vendors` lists them")],
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="name=value; name=@file or name=- reads it, for secrets"),
    ] = None,
    cost: Annotated[float, typer.Option(help="Of one message")] = 0.0,
    weight: Annotated[int, typer.Option(help="Share among equal costs")] = 1,
    data_dir: DataDir = None,
) -> None:
    """Add an account and print its id."""
    from domain.contract.account import AccountRequest
    from services import accounts

    given = {
        "name": name, "channel": channel, "vendor": vendor, "cost": cost, "weight": weight,
        "settings": dict(_setting(one) for one in setting or ()),
    }  # fmt: skip
    try:
        request = AccountRequest.model_validate(given)
    except ValidationError as error:
        raise Trouble("; ".join(f"{e['loc'][0]} {e['msg']}" for e in error.errors())) from None
    made = act(data_dir, lambda app, actor: accounts.create(app, actor, request))
    typer.echo(made.content["id"])


def try_account(account: str, address: str, data_dir: DataDir = None) -> None:
    """Send one message through an account (name or id) and tell what came of it."""
    from domain.contract.account import AccountTest
    from services import account_tests

    request = AccountTest(address=address)
    told = _on(
        data_dir, account, lambda app, actor, id: account_tests.try_account(app, actor, id, request)
    )
    typer.echo(told["words"])
    if told["detail"]:
        typer.echo(told["detail"])
    if told["look_at"]:
        typer.echo(f"Look at {', '.join(told['look_at'])}.")
    if not told["ok"]:
        raise typer.Exit(1)


def health(account: str, data_dir: DataDir = None) -> None:
    """Tell how an account (name or id) does, as JSON."""
    from services import account_health

    told = _on(data_dir, account, account_health.get)
    typer.echo(json.dumps(told, indent=2))


def pause(account: str, data_dir: DataDir = None) -> None:
    """Leave an account (name or id) alone until it is resumed."""
    from services import accounts

    _on(data_dir, account, lambda app, actor, id: accounts.pause(app, actor, id, paused=True))


def resume(account: str, data_dir: DataDir = None) -> None:
    """Use a paused account (name or id) again."""
    from services import accounts

    _on(data_dir, account, lambda app, actor, id: accounts.pause(app, actor, id, paused=False))


def remove(account: str, data_dir: DataDir = None) -> None:
    """Take an account (name or id) away with its secrets."""
    from services import accounts

    _on(data_dir, account, accounts.remove)


def rotate_secrets(data_dir: DataDir = None) -> None:
    """Seal all secrets anew with the first key of TOCSIN_SECRET_KEY; safe to repeat."""
    from services.resealing import reseal

    async def rotate(app: Any, _actor: Any) -> Any:
        return await reseal(app)

    done = act(data_dir, rotate)
    typer.echo(f"{done.count} secrets are sealed with the newest key.")
    if done.broken:
        raise Trouble(
            f"No key opens the secrets of {', '.join(done.broken)}.",
            "Add the key they were sealed with to TOCSIN_SECRET_KEY, after the newest one.",
        )


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Trouble(f"{name!r} is no setting.", "Write --set name=value.")
    if value == "-":
        value = sys.stdin.readline().rstrip("\n")
    elif value.startswith("@"):
        try:
            value = Path(value[1:]).read_text()
        except OSError as error:
            raise Trouble(f"{value[1:]} cannot be read: {error.strerror}") from None
    return name, value


def _on(data_dir: Any, account: str, use: Callable[[Any, Any, str], Awaitable[Any]]) -> Any:
    """Run a use case on an account that is named by its name or its id."""

    async def found(app: Any, actor: Any) -> Any:
        from services import accounts

        if account.startswith("acc_"):
            return await use(app, actor, account)
        page = await accounts.find(app, actor, name=[account])
        if not page.items:
            raise Trouble(f"There is no account {account}.", "`tocsin accounts list` names them.")
        return await use(app, actor, page.items[0]["id"])

    return act(data_dir, found)
