"""schedules as an operator types them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.main import app as command
from domain.contract.schedule import ScheduleRequest
from services import schedules
from services.access import operator
from services.app import App
from tests.cli.commands import on_database

LEAP: dict[str, Any] = {
    "name": "leap", "cron": "0 9 29 2 *",
    "action": {"notification": {
        "recipient": {"email": "sam@example.com"},
        "content": {"email": {"subject": "Hi", "text": "Hello"}},
    }},
}  # fmt: skip


async def test_schedules_from_a_terminal(
    tmp_path: Path, app: App, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await schedules.create(app, await operator(app), ScheduleRequest.model_validate(LEAP))

    async def run(*words: str) -> Any:
        environment = {**on_database(database), "NO_COLOR": "1"}
        return await asyncio.to_thread(
            CliRunner().invoke, command, ["schedules", *words], env=environment
        )

    listed = json.loads((await run("list", "--json")).stdout)
    assert [(one["name"], one["state"]) for one in listed] == [("leap", "active")]
    assert "leap" in (await run("list")).stdout
    coming = (await run("next", "leap", "--most", "2")).stdout.splitlines()
    assert [line[4:] for line in coming] == ["-02-29T09:00:00.000Z"] * 2
    assert (await run("pause", "leap", "--note", "rest")).stdout.endswith("leap is paused\n")
    assert "ntf_" in (await run("trigger", "leap")).stdout
    assert f"leap is active, next {coming[0]}" in (await run("resume", "leap")).stdout
    assert "There is no schedule none." in str((await run("next", "none")).exception)
