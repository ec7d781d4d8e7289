"""send and tail against the real API of a whole running system."""

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from api.app import create_api
from fakes.smtp_faults import parse_fault
from tests.cli.commands import Shell
from tests.fixtures.api import KEY
from tests.fixtures.serving import served
from tests.fixtures.system import System


@pytest.fixture
async def site(system: System) -> AsyncIterator[str]:
    """Serve the API of a whole running system."""
    async with served(create_api(system.app)) as address:
        yield address


@pytest.fixture
def shell(tmp_path: Path, site: str) -> Shell:
    """Give a shell that knows the API and the key."""
    return Shell(tmp_path, {"TOCSIN_URL": site, "TOCSIN_API_KEY": KEY})


async def test_send_waits_for_the_end(system: System, shell: Shell) -> None:
    said = await shell.run(
        "send", "--email", "sam@example.com", "--subject", "Bell", "--text", "It rang.", "--wait"
    )
    id, state = said.out.splitlines()
    found = await system.get(id)
    assert state == found["state"] == "sent"
    assert said.err == ""
    [message] = system.smtp.messages
    assert message.recipients == ["sam@example.com"]
    assert b"Subject: Bell" in message.content
    assert b"It rang." in message.content


async def test_send_by_sms_prints_the_id_and_returns(system: System, shell: Shell) -> None:
    said = await shell.run("send", "--phone", "+14155550100", "--text", "It rang.")
    [id] = said.out.splitlines()
    assert (await system.finished(id))["channels"] == ["sms"]


async def test_send_by_options_rather_than_variables(
    system: System, shell: Shell, site: str
) -> None:
    shell.variables = {"TOCSIN_URL": "http://127.0.0.1:9", "TOCSIN_API_KEY": "tcs_wrong"}
    said = await shell.run(
        "send", "--email", "sam@example.com", "--text", "Hi", "--priority", "low",
        "--url", site, "--key", KEY,
    )  # fmt: skip
    assert (await system.get(said.out.strip()))["priority"] == "low"


async def test_send_that_ends_badly_says_why(system: System, shell: Shell) -> None:
    system.smtp.script(parse_fault("rcpt:reply:550 5.1.1 no such user"))
    said = await shell.run("send", "--email", "sam@example.com", "--text", "Hi", "--wait", code=1)
    id, end = said.out.splitlines()
    found = await system.get(id)
    assert end == f"failed ({found['reason']})"


async def test_what_the_api_refuses_is_said_by_field(shell: Shell) -> None:
    said = await shell.run("send", "--email", "no address", "--text", "Hi", code=1)
    assert said.err.startswith("Some fields are not valid: recipient.email ")
    assert said.out == ""


@pytest.mark.parametrize("command", ["send --text Hi --email a@example.com", "tail"])
async def test_a_wrong_key_is_told(shell: Shell, command: str) -> None:
    shell.variables["TOCSIN_API_KEY"] = "tcs_wrong"
    said = await shell.run(*command.split(), code=1)
    assert "The API key is unknown or was revoked." in said.err


@asynccontextmanager
async def tailing(
    system: System, shell: Shell, *options: str
) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Run `tail` and give a reader of its lines; at the end press Ctrl-C, which it must not mind.

    Mails are sent until it prints a first line, which says that it is connected.
    """
    process = await shell.start("tail", *options)
    assert process.stdout is not None
    reading = process.stdout

    async def line() -> str:
        read = (await reading.readline()).decode()
        assert read, "it ended by itself"
        return read

    try:
        first = asyncio.create_task(line())
        while not first.done():
            await system.ask()
            await asyncio.wait({first}, timeout=0.5)
        assert "ntf_" in await first
        yield line
        process.send_signal(signal.SIGINT)
        _, err = await process.communicate()
        assert (process.returncode, err.decode()) == (0, "")
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def test_tail_prints_events_for_scripts_until_interrupted(
    system: System, shell: Shell
) -> None:
    async with tailing(system, shell, "--json") as line:
        id = (await system.ask())["id"]
        steps: list[dict[str, Any]] = []
        while not steps or steps[-1]["to"] != "sent":
            event = json.loads(await line())
            steps += [event] if event["notification"] == id else []
    assert [(one["type"], one["to"]) for one in steps] == [
        ("notification", "accepted"), ("delivery", "accepted"), ("delivery", "sending"),
        ("delivery", "sent"),
    ]  # fmt: skip
    assert steps[-1]["vendor"] == "smtp"


async def test_tail_prints_lines_for_people(system: System, shell: Shell) -> None:
    async with tailing(system, shell) as line:
        id = (await system.ask())["id"]
        while id not in (found := await line()) or " sent " not in found:
            pass
    assert re.fullmatch(
        rf"\d\d:\d\d:\d\d\.\d{{3}} sent +email +{id} by smtp transactional medium\s*", found
    )
