"""accounts and rotate-secrets as an operator types them."""

from pathlib import Path
from typing import Any

import pytest

from fakes.http_server import FakeHttp
from fakes.twilio import FakeTwilio
from services.app import App
from tests.cli.commands import SECRET_KEY, Shell, on_database


@pytest.fixture
def shell(tmp_path: Path, app: App, database: Any) -> Shell:
    """Give a shell of the operator of a bootstrapped system."""
    return Shell(tmp_path, dict(on_database(database, TOCSIN_ALLOW_NETWORKS="127.0.0.0/8")))


async def test_an_account_is_added_tried_and_removed(shell: Shell) -> None:
    fake = FakeTwilio()
    async with FakeHttp(fake) as server:
        (shell.folder / "token").write_text(fake.token)
        said = await shell.run(
            "accounts", "add", "texts", "--channel", "sms", "--vendor", "twilio",
            "--set", f"base_url={server.url('twilio')}",
            "--set", f"account_sid={fake.account_sid}",
            "--set", "auth_token=@token", "--set", "from=+14155550199", "--cost", "0.01",
        )  # fmt: skip
        assert said.out.startswith("acc_")
        told = await shell.run("accounts", "test", "texts", "+14155550100")
        assert told.out == "The vendor has taken the message.\n"
        assert len(fake.taken) == 1
    listed = (await shell.run("accounts", "list", "--json")).json()
    found = next(one for one in listed if one["name"] == "texts")
    assert (found["state"], found["cost"]) == ("closed", 0.01)
    assert fake.token not in str(listed)
    await shell.run("accounts", "pause", "texts")
    shell.variables["COLUMNS"] = "60"
    table = (await shell.run("accounts", "list")).out
    assert "paused" in table
    assert found["id"] in table, "ids are copied, so they stay whole"
    await shell.run("accounts", "resume", "texts")
    assert (await shell.run("accounts", "health", "texts")).json()["state"] == "closed"
    await shell.run("accounts", "remove", "texts")
    gone = await shell.run("accounts", "health", "texts", code=1)
    assert "There is no account texts." in gone.err


async def test_what_is_wrong_is_said_in_a_sentence(shell: Shell) -> None:
    said = await shell.run(
        "accounts", "add", "texts", "--channel", "sms", "--vendor", "twilio", code=1
    )
    assert "settings.account_sid is required" in said.err
    said = await shell.run("accounts", "add", "texts", "--channel", "x", "--vendor", "y", code=1)
    assert "channel" in said.err


async def test_secrets_are_sealed_anew(shell: Shell) -> None:
    new = "1" * 64
    shell.variables["TOCSIN_SECRET_KEY"] = f"{new},{SECRET_KEY}"
    assert "are sealed with the newest key" in (await shell.run("rotate-secrets")).out
    shell.variables["TOCSIN_SECRET_KEY"] = new
    await shell.run("rotate-secrets")
    shell.variables["TOCSIN_SECRET_KEY"] = "2" * 64
    broken = await shell.run("rotate-secrets", code=1)
    assert "No key opens the secrets of" in broken.err
