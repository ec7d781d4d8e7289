"""`tocsin up` as its users start it: a killed part, refusals, down, kill -9 of everything.

One life, since nothing costs more than a start.
"""

import asyncio
import json
import os
import random
import re
import signal
import socket
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle

from tests.fixtures.forked import ROOT, fork
from tests.fixtures.servers import until

OFFSETS = (0, 1, 2, 3, 4, 5)


@dataclass
class Up:
    """A data folder and the commands on it."""

    folder: Path
    port: int
    key: str = ""

    @property
    def _place(self) -> tuple[str, str]:
        return "--data-dir", str(self.folder)

    @property
    def _environment(self) -> dict[str, str]:
        usual = {k: v for k, v in os.environ.items() if not k.startswith("TOCSIN_")}
        return {**usual, "TOCSIN_API_KEY": self.key, "NO_COLOR": "1"}

    async def command(self, *arguments: str, code: int | None = 0) -> str:
        """Run `tocsin …` on the folder and return what it said; fail on another exit code."""
        process = await fork([*arguments, *self._place], env=self._environment, cwd=ROOT)
        said = b"".join(await process.communicate()).decode()
        assert code is None or process.returncode == code, said
        return said

    async def up(self) -> str:
        """Start it as a user does, and keep the key it shows the first time."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "cli.main", "up", "--detach", "--port", str(self.port)),
            *self._place,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
        )  # fmt: skip
        said = (await process.communicate())[0].decode()
        assert process.returncode == 0, said
        if found := re.search(r"tcs_[\w-]+", said):
            self.key = found[0]
        return said

    async def status(self) -> dict[str, Any]:
        """Return what `tocsin status --json` tells."""
        told: dict[str, Any] = json.loads(await self.command("status", "--json", code=None))
        return told

    async def parts(self) -> dict[str, dict[str, Any]]:
        """Return its parts by name."""
        return {part["name"]: part for part in (await self.status())["parts"]}

    def client(self) -> httpx.AsyncClient:
        """Return a client of its API."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Authorization": f"Bearer {self.key}"},
            trust_env=False,
        )

    async def workflow(self, id: str) -> WorkflowHandle[Any, Any]:
        """Return a workflow of its own Temporal."""
        port = (await self.parts())["temporal"]["port"]
        client = await Client.connect(f"127.0.0.1:{port}")
        return client.get_workflow_handle(id)

    async def received(self) -> list[dict[str, Any]]:
        """Return what the mail sink received."""
        async with self.client() as client:
            items: list[dict[str, Any]] = (await client.get("/v1/outbox")).json()["items"]
        return items


def ports_in_a_row() -> int:
    """Return a port that is free together with those that follow it in an embedded system.

    Below the range that connections take their own ports from, so that none gets in between.
    """
    while True:
        port = random.randrange(15_000, 30_000)
        try:
            for offset in OFFSETS:
                with socket.socket() as sock:
                    sock.bind(("127.0.0.1", port + offset))
        except (OSError, OverflowError):
            continue
        return port


async def ask(client: httpx.AsyncClient, **change: Any) -> str:
    """Ask for a mail and return its id."""
    body = {
        "recipient": {"email": "sam@example.com"},
        "content": {"email": {"subject": "Hi", "text": "Hello"}},
        **change,
    }
    answer = await client.post("/v1/notifications", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def finished(client: httpx.AsyncClient, id: str) -> dict[str, Any]:
    """Wait until a notification has an end."""
    while True:
        found: dict[str, Any] = (await client.get(f"/v1/notifications/{id}")).json()
        if found["finished_at"]:
            return found
        await asyncio.sleep(0.2)


@pytest.mark.timeout(600)
async def test_its_life(tmp_path: Path) -> None:
    system = Up(tmp_path / "data", ports_in_a_row())
    try:
        said = await system.up()
        assert "Tocsin is ready" in said
        assert system.key in said
        await a_killed_part_comes_back(system)
        await it_refuses_what_cannot_be(system)
        await a_clean_stop_and_other_ports_change_nothing(system)
        await kill_9_of_everything_loses_nothing_and_sends_on_time(system)
    finally:
        await system.command("down", code=None)


async def a_killed_part_comes_back(system: Up) -> None:
    victim = (await system.parts())["worker-high"]
    os.kill(victim["pid"], signal.SIGKILL)

    async def is_back() -> bool:
        found = (await system.parts())["worker-high"]
        return bool(found["restarts"] == 1 and found["state"] == "ready" and found["pid"])

    await until(is_back)
    said = await system.command("send", "--email", "a@example.com", "--text", "Hi", "--wait")
    assert "sent" in said


async def it_refuses_what_cannot_be(system: Up) -> None:
    second = await system.command("up", "--port", str(system.port), code=1)
    assert "runs on" in second
    assert "`tocsin down`" in second
    other = Up(system.folder.parent / "other", system.port)
    refused = await other.command("up", "--port", str(system.port), code=1)
    assert f"Port {system.port} for the API and dashboard is taken" in refused
    assert "TOCSIN_PORT" in refused
    assert "✓ temporal" in await system.command("doctor")


async def a_clean_stop_and_other_ports_change_nothing(system: Up) -> None:
    due = datetime.now(UTC) + timedelta(hours=1)
    async with system.client() as client:
        waiting = await ask(client, send_at=due.isoformat())
    before = await (await system.workflow(waiting)).describe()
    pids = [part["pid"] for part in (await system.parts()).values()]
    assert "Stopped" in await system.command("down")
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []
    assert "does not run" in await system.command("status", code=3)

    system.port = ports_in_a_row()
    await system.up()
    async with asyncio.timeout(60):  # its workers serve their lanes a moment after it is up
        while "✗" in await system.command("doctor", code=None):
            await asyncio.sleep(0.5)
    first = await system.workflow(waiting)
    after = await first.describe()
    assert (after.run_id, after.status) == (before.run_id, WorkflowExecutionStatus.RUNNING)
    async with system.client() as client:
        now = await client.patch(f"/v1/notifications/{waiting}", json={"send_at": None})
        assert now.status_code == 200, now.text
        found = await finished(client, waiting)
    await asyncio.wait_for(first.result(), 60)  # the workflow of before the stop went on
    assert found["state"] == "sent"
    assert [one["notification"] for one in await system.received()].count(waiting) == 1


async def kill_9_of_everything_loses_nothing_and_sends_on_time(system: Up) -> None:
    due = datetime.now(UTC) + timedelta(seconds=25)
    async with system.client() as client:
        id = await ask(client, send_at=due.isoformat())
    state = await system.status()
    everyone = [state["supervisor"], *(part["pid"] for part in state["parts"])]
    assert None not in everyone
    processes = [psutil.Process(pid) for pid in everyone]
    for pid in everyone:
        os.kill(pid, signal.SIGKILL)
    _, left = psutil.wait_procs(processes, timeout=10)
    assert left == [], "the fault never happened"
    assert not (await system.status())["running"]

    again = await system.up()
    back = datetime.now(UTC)
    assert "Tocsin is ready" in again
    assert "tcs_" not in again, "a key is shown once"
    async with system.client() as client:
        found = await finished(client, id)
    received = [one["notification"] for one in await system.received()].count(id)
    tried = datetime.fromisoformat(found["deliveries"][0]["tries"][0]["at"])
    late = (tried - max(due, back)).total_seconds()
    print(
        f"killed {len(everyone)} processes, back {(due - back).total_seconds():.1f} s before it "
        f"was due; sent {late:.3f} s late, received {received}"
    )
    assert found["state"] == "sent"
    assert tried >= due
    assert late < 10
    assert received == 1
