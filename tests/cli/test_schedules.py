"""schedules as an operator types them."""

from pathlib import Path
from typing import Any

from domain.contract.schedule import ScheduleRequest
from services import schedules
from services.access import operator
from services.app import App
from tests.cli.commands import Shell, on_database


async def test_schedules_from_a_terminal(tmp_path: Path, app: App, database: Any) -> None:
    request = ScheduleRequest.model_validate({
        "name": "leap", "cron": "0 9 29 2 *",
        "action": {"notification": {
            "recipient": {"email": "sam@example.com"},
            "content": {"email": {"subject": "Hi", "text": "Hello"}},
        }},
    })  # fmt: skip
    await schedules.create(app, await operator(app), request)
    shell = Shell(tmp_path, dict(on_database(database)))
    assert [one["name"] for one in (await shell.run("schedules", "list", "--json")).json()] == [
        "leap"
    ]
    said = await shell.run("schedules", "next", "leap", "--most", "2")
    assert said.out.splitlines()[0].endswith("-02-29T09:00:00.000Z")
    said = await shell.run("schedules", "pause", "leap", "--note", "rest")
    assert said.out == "leap is paused\n"
    assert (await shell.run("schedules", "trigger", "leap")).out.startswith("ntf_")
    assert "leap is active, next " in (await shell.run("schedules", "resume", "leap")).out
    assert (await shell.run("schedules", "next", "none", code=1)).err.startswith("There is no sch")
