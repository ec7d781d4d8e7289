"""users: people who sign in to the dashboard, kept on the machine itself."""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.acting import act
from cli.running import DataDir

Email = Annotated[str, typer.Argument(help="The address they sign in with")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    users = typer.Typer(help="Users of the dashboard", no_args_is_help=True)
    users.command("list")(list_users)
    users.command("add")(add)
    users.command("role")(give_role)
    users.command("deactivate")(deactivate)
    users.command("activate")(activate)
    users.command("remove")(remove)
    users.command("reset-password")(reset_password)
    app.add_typer(users, name="users")


def list_users(
    as_json: Annotated[bool, typer.Option("--json", help="For scripts")] = False,
    data_dir: DataDir = None,
) -> None:
    """List the newest 200 users with their roles."""
    from services import users

    page = act(data_dir, lambda app, actor: users.find(app, actor, limit=200))
    if as_json:
        typer.echo(json.dumps(page.items))
        return
    table = Table("name", "sign-in", "role", "state", "id", box=None)
    for one in page.items:
        state = "active" if one["active"] else "deactivated"
        table.add_row(one["name"], one["email"], one["role"], state, one["id"])
    Console().print(table)


def add(
    email: Email,
    role: Annotated[
        str, typer.Option(help="administrator, approver, author, operator or viewer")
    ] = "viewer",
    name: Annotated[str | None, typer.Option(help="What they are called")] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a user and print their temporary password this once."""
    from domain.contract.user import UserRequest
    from services import users
    from services.fields import validated

    async def create(app: Any, actor: Any) -> Any:
        given = {"name": name or email, "email": email, "role": role}
        return await users.create(app, actor, validated(UserRequest, given))

    typer.echo(act(data_dir, create)["password"])


def give_role(email: Email, role: str, data_dir: DataDir = None) -> None:
    """Give a user another role; it holds from their next click on."""
    _change(data_dir, email, {"role": role})


def deactivate(email: Email, data_dir: DataDir = None) -> None:
    """End a user's sessions and stop their keys, at once."""
    _change(data_dir, email, {"active": False})


def activate(email: Email, data_dir: DataDir = None) -> None:
    """Let a user sign in again."""
    _change(data_dir, email, {"active": True})


def remove(email: Email, data_dir: DataDir = None) -> None:
    """Erase a user with sessions and keys; the audit log keeps their id."""
    from services import users

    _on(data_dir, email, lambda app, actor, id: users.remove(app, actor, id))


def reset_password(email: Email, data_dir: DataDir = None) -> None:
    """Give a user a new temporary password and print it."""
    from services import users

    told = _on(data_dir, email, lambda app, actor, id: users.reset_password(app, actor, id))
    typer.echo(told["password"])


def _change(data_dir: Any, email: str, given: dict[str, Any]) -> None:
    from domain.contract.user import UserPatch
    from services import users
    from services.fields import validated

    async def change(app: Any, actor: Any, id: str) -> Any:
        return await users.change(app, actor, id, validated(UserPatch, given))

    _on(data_dir, email, change)


def _on(data_dir: Any, email: str, use: Callable[[Any, Any, str], Awaitable[Any]]) -> Any:
    """Return what a use case returns for the user of an address."""
    from services import users

    async def work(app: Any, actor: Any) -> Any:
        return await use(app, actor, await users.id_of(app, email))

    return act(data_dir, work)
