"""users and audit as an operator types them."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import text
from typer.testing import CliRunner

from cli.embedded.trouble import Trouble
from cli.main import app as command
from services import audit_log
from services.access import session, sign_in
from services.app import App
from tests.cli.commands import on_database


async def run(variables: Mapping[str, str], *arguments: str) -> str:
    """Return what a command prints, or the sentence that it ends with."""
    invoke = CliRunner().invoke
    said = await asyncio.to_thread(invoke, command, arguments, env=dict(variables))
    if isinstance(said.exception, Trouble):
        return said.exception.what
    assert said.exception is None or isinstance(said.exception, SystemExit), said.exception
    return f"{said.exit_code}: {said.output}" if said.exit_code else said.output


async def test_users_are_kept_and_the_log_is_checked_from_a_terminal(
    app: App, database: Any
) -> None:
    here, address = on_database(database), "operator@example.com"
    password = (await run(here, "users", "add", address, "--role", "operator")).strip()
    opened = await sign_in(app, address, password, "c")
    listed = json.loads(await run(here, "users", "list", "--json"))
    assert [one["role"] for one in listed] == ["operator", "administrator"]
    await run(here, "users", "deactivate", address)
    assert await session(app, opened.token) is None
    refused = await run(here, "users", "role", "admin@example.com", "viewer")
    assert refused.startswith("This is the last active administrator")
    wrong = await run(here, "users", "add", "nobody", "--role", "king")
    assert {line.split()[0] for line in wrong.split("; ")} == {"email", "role"}
    bound = await run(here, "keys", "create", "k", "--user", address)
    assert "no active user" in bound
    await audit_log.seal(app)
    lines = json.loads(await run(here, "audit", "list", "--action", "user", "--json"))
    assert [one["action"] for one in lines] == ["user.changed", "user.created"]
    assert "user.changed" in await run(here, "audit", "list")
    head = (await run(here, "audit", "head")).strip()
    assert head in await run(here, "audit", "verify", "--head", head)
    async with app.db.leader() as conn:
        await conn.execute(text("DELETE FROM audit WHERE seq = 2"))
    assert (await run(here, "audit", "verify")).startswith("1: Line 2 (not there): ")
