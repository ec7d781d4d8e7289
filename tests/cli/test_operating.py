"""keys, users, migrate and doctor, on real databases."""

import json
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cli.embedded import postgres
from services.app import App, close_app, open_app
from services.bootstrap import bootstrap
from stores import migrate
from tests.cli.commands import Shell, on_database
from tests.fixtures.api import KEY, a_client, settings_for
from tests.fixtures.dashboard import EMAIL, PASSWORD, a_browser
from tests.fixtures.servers import Servers, TestDatabase, free_port
from tests.fixtures.system import System


@pytest.fixture
def shell(tmp_path: Path, app: App, database: Any) -> Shell:
    """Give a shell of the operator of a bootstrapped system."""
    return Shell(tmp_path, dict(on_database(database)))


async def test_a_new_key_works(app: App, shell: Shell) -> None:
    said = await shell.run("keys", "create", "shop")
    [key] = said.out.splitlines()
    assert re.fullmatch(r"tcs_[\w-]{43}", key)
    async with a_client(app, key) as client:
        keys = (await client.get("/v1/keys")).json()["items"]
    made = {one["name"]: one for one in keys}["shop"]
    assert (made["scopes"], made["module"], made["hint"]) == (["*"], "default", f"…{key[-4:]}")


async def test_a_key_has_the_scopes_that_were_named(app: App, shell: Shell) -> None:
    scopes = "notifications:read,templates:read"
    key = (await shell.run("keys", "create", "reader", "--scopes", scopes)).out.strip()
    async with a_client(app, key) as client:
        assert (await client.get("/v1/notifications")).status_code == 200
        assert (await client.get("/v1/templates")).status_code == 200
        assert (await client.get("/v1/keys")).status_code == 403


async def test_a_key_belongs_to_the_module_that_was_named(app: App, shell: Shell) -> None:
    async with a_client(app, KEY) as client:
        assert (await client.post("/v1/modules", json={"key": "shop"})).status_code == 201
        await shell.run("keys", "create", "of the shop", "--module", "shop")
        keys = (await client.get("/v1/keys")).json()["items"]
    assert {one["name"]: one["module"] for one in keys}["of the shop"] == "shop"


async def test_an_unknown_module_is_told(shell: Shell) -> None:
    said = await shell.run("keys", "create", "x", "--module", "nope", code=1)
    assert said.err == "There is no module nope.\n"


@pytest.mark.parametrize("scopes", ["notifications:read,mails:write", ""])
async def test_an_unknown_scope_is_told_in_a_sentence(shell: Shell, scopes: str) -> None:
    said = await shell.run("keys", "create", "x", "--scopes", scopes, code=1)
    assert said.out == ""
    assert "is not `*` or <resource>:read|write with a resource of notifications" in said.err
    assert "pydantic" not in said.err
    assert "validation error" not in said.err


async def test_a_reset_password_signs_in_until_it_is_changed(app: App, shell: Shell) -> None:
    async with a_browser(app) as before, a_browser(app) as after:
        assert (await before.sign_in()).status_code == 303
        [password] = (await shell.run("users", "reset-password", EMAIL)).out.splitlines()
        assert (await before.get("/account")).status_code == 303, "it is signed out"
        assert (await after.sign_in(EMAIL, PASSWORD)).status_code != 303
        assert (await after.sign_in(EMAIL, password)).status_code == 303
        assert "temporary" in (await after.get("/account")).text


async def test_an_unknown_user_is_told(shell: Shell) -> None:
    said = await shell.run("users", "reset-password", "nobody@example.com", code=1)
    assert said.err == "There is no user nobody@example.com.\n"
    assert said.out == ""


@pytest.fixture
async def empty(postgres_servers: Servers) -> AsyncIterator[TestDatabase]:
    """Give a database that was never migrated."""
    name = f"test_{secrets.token_hex(8)}"
    conn = await asyncpg.connect(postgres.dsn(postgres_servers.leader_port, "postgres"))
    try:
        await conn.execute(f"CREATE DATABASE {name}")
        yield TestDatabase(
            postgres.dsn(postgres_servers.leader_port, name),
            postgres.dsn(postgres_servers.replica_port, name),
            name,
        )
        await conn.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await conn.close()


async def revision(database: TestDatabase) -> str | None:
    """Return a database's revision."""
    app = open_app(settings_for(database))
    try:
        async with app.db.leader() as conn:
            return await migrate.current_revision(conn)
    finally:
        await close_app(app)


async def test_a_new_database_is_migrated_once_and_again(
    tmp_path: Path, empty: TestDatabase
) -> None:
    shell = Shell(tmp_path, dict(on_database(empty)))
    first = (await shell.run("migrate")).out.splitlines()
    assert first[2:] == ["The schema is at head."]
    password = first[0].removeprefix(f"First administrator: {EMAIL} ")
    key = first[1].removeprefix("First API key: ")
    assert await revision(empty) == migrate.newest_revision()
    app = open_app(settings_for(empty))
    async with a_client(app, key) as client, a_browser(app) as browser:
        assert (await client.get("/v1/notifications")).status_code == 200
        assert (await browser.sign_in(EMAIL, password)).status_code == 303
    await close_app(app)
    assert (await shell.run("migrate")).out == "The schema is at head.\n"


async def test_a_database_is_migrated_down_and_up(tmp_path: Path, empty: TestDatabase) -> None:
    shell = Shell(tmp_path, dict(on_database(empty)))
    await shell.run("migrate", "--to", "0001")
    assert await revision(empty) == "0001"
    assert (await shell.run("migrate", "--down", "--to", "base")).out == "Migrated down to base.\n"
    assert await revision(empty) is None
    await shell.run("migrate")
    assert await revision(empty) == migrate.newest_revision()


@pytest.mark.parametrize("command", ["migrate --to 9999", "migrate --down --to 9999"])
async def test_an_unknown_revision_is_told(shell: Shell, command: str) -> None:
    assert "9999" in (await shell.run(*command.split(), code=1)).err


async def test_down_does_not_claim_what_it_did_not_do(shell: Shell) -> None:
    said = await shell.run("migrate", "--down", code=2)
    assert "--to" in said.err


async def test_doctor_says_how_to_mend_an_unreachable_database(tmp_path: Path) -> None:
    port = free_port()
    away = TestDatabase(postgres.dsn(port, "one"), postgres.dsn(port, "two"), "one")
    said = await Shell(tmp_path, dict(on_database(away))).run("doctor", code=1)
    lines = said.out.splitlines()
    [number] = [n for n, line in enumerate(lines) if line.startswith("✗ postgresql: ")]
    assert str(port) in lines[number]
    assert lines[number + 1].strip().startswith("Start PostgreSQL, mend TOCSIN_DATABASE_URL")
    assert any(line.startswith("✗ temporal: does not answer at") for line in lines)


async def test_doctor_says_how_to_mend_a_database_that_was_never_migrated(
    tmp_path: Path, empty: TestDatabase
) -> None:
    said = await Shell(tmp_path, dict(on_database(empty))).run("doctor", code=1)
    assert "✗ postgresql: has schema none; run `tocsin migrate`" in said.out


async def test_doctor_tells_a_secret_key_that_does_not_fit(shell: Shell) -> None:
    shell.variables["TOCSIN_SECRET_KEY"] = "1" * 64
    said = await shell.run("doctor", code=1)
    assert "✗ account email: TOCSIN_SECRET_KEY does not fit what is stored" in said.out


async def test_doctor_finds_a_running_system_well(
    tmp_path: Path, system: System, database: Any
) -> None:
    shell = Shell(
        tmp_path,
        {**on_database(database), "TOCSIN_TEMPORAL_ADDRESS": system.app.settings.temporal_target},
    )
    said = await shell.run("doctor")
    assert "✗" not in said.out
    names = re.findall(r"^✓ ([\w ]+):", said.out, re.MULTILINE)
    assert names == [
        "postgresql", "replica", "temporal", "disk", "clock", "account email", "search attributes",
        "lane high", "lane medium", "lane low",
    ]  # fmt: skip


async def test_a_folder_whose_system_runs_leads_to_its_database_and_key(
    tmp_path: Path, postgres_servers: Servers
) -> None:
    """As after `tocsin up`: no variable is needed, state and key of the folder say it all."""
    folder, port = tmp_path / ".tocsin", postgres_servers.leader_port
    folder.mkdir()
    (folder / "secret.key").write_text("0" * 64)
    parts = [{"name": "postgres", "port": port}, {"name": "replica", "port": port}]
    (folder / "state.json").write_text(json.dumps({"parts": parts}))
    conn = await asyncpg.connect(postgres.dsn(port, "postgres"))
    await conn.execute(f"CREATE DATABASE tocsin TEMPLATE {postgres_servers.template}")
    try:
        database = TestDatabase(postgres.dsn(port), postgres.dsn(port), "tocsin")
        await bootstrap(settings_for(database))
        key = (await Shell(tmp_path).run("keys", "create", "x")).out.strip()
        app = open_app(settings_for(database))
        async with a_client(app, key) as client:
            assert (await client.get("/v1/notifications")).status_code == 200
        await close_app(app)
    finally:
        await conn.execute("DROP DATABASE tocsin WITH (FORCE)")
        await conn.close()
