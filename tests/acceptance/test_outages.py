"""Outages: Temporal away, Temporal's data gone, workers killed under load."""

import asyncio
import contextlib
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from cli.embedded import temporal
from cli.embedded.process import spawn, stop
from domain.balance import balanced
from domain.ids import encode
from fakes.smtp import FakeSmtp
from services.app import close_app, open_app
from tests.fixtures.api import KEY, a_client, settings_for
from tests.fixtures.deployment import Deployment
from tests.fixtures.servers import free_port, until

ALL_LANES = ("worker", "--lanes", "high,medium,low,control")


class OwnTemporal:
    """A Temporal server with a data file, to be stopped, started and robbed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.data = folder / "temporal.db"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        command = temporal.command(port=self.port, ui_port=None, data=self.data)
        self._process = await spawn(command, log=self.folder / "temporal.log")
        await until(lambda: temporal.ready(self.port))

    async def kill(self) -> None:
        if self._process is not None:
            await stop(self._process, signal.SIGKILL, 10)

    def lose_everything(self) -> int:
        lost = list(self.folder.glob("temporal.db*"))
        for file in lost:
            file.unlink()
        return len(lost)


@contextlib.asynccontextmanager
async def a_system(
    database: Any, folder: Path, server: OwnTemporal
) -> AsyncIterator[tuple[Deployment, httpx.AsyncClient]]:
    async with AsyncExitStack() as stack:
        smtp = await stack.enter_async_context(FakeSmtp())
        address = f"127.0.0.1:{server.port}"
        system = Deployment(database, address, "default", folder, smtp)
        await system.prepare()
        stack.push_async_callback(system.close)
        app = open_app(settings_for(database, temporal_address=address))
        stack.push_async_callback(close_app, app)
        yield system, await stack.enter_async_context(a_client(app, KEY))


async def ask(client: httpx.AsyncClient, **change: Any) -> httpx.Response:
    body = {
        "recipient": {"email": "sam@example.com"},
        "content": {"email": {"subject": "Hi", "text": "Hello"}},
        **change,
    }
    return await client.post("/v1/notifications", json=body)


async def test_accepted_while_temporal_is_away_and_sent_once_when_it_is_back(
    database: Any, tmp_path: Path
) -> None:
    server = OwnTemporal(tmp_path)
    async with a_system(database, tmp_path, server) as (system, client):
        answers = [await ask(client) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [202] * 3
        assert (await client.get("/readyz")).json()["status"] == "degraded"
        await system.start("worker", *ALL_LANES)
        await asyncio.sleep(3)
        assert system.smtp.messages == []
        await server.start()
        await system.settled(60)
        print(f"accepted 3 without Temporal; received {len(system.smtp.messages)}")
        assert len(system.smtp.messages) == 3
        await system.close()
        await server.kill()


async def test_temporals_data_is_deleted_and_what_was_held_is_still_sent_once(
    database: Any, tmp_path: Path
) -> None:
    server = OwnTemporal(tmp_path)
    await server.start()
    async with a_system(database, tmp_path, server) as (system, client):
        await system.start("worker", *ALL_LANES)
        due = datetime.now(UTC) + timedelta(seconds=8)
        made = (await ask(client, send_at=due.isoformat())).json()
        await server.kill()
        lost = server.lose_everything()
        assert lost >= 1, "the fault never happened"
        await server.start()
        await system.settled(60)
        found = (await client.get(f"/v1/notifications/{made['id']}")).json()
        print(f"deleted {lost} files of Temporal; received {len(system.smtp.messages)}")
        assert (found["state"], len(system.smtp.messages)) == ("sent", 1)
        assert found["workflow_id"].startswith("recovery_")
        assert datetime.fromisoformat(found["deliveries"][0]["tries"][0]["at"]) >= due
        await system.close()
        await server.kill()


@pytest.mark.timeout(600)
async def test_workers_killed_twice_under_load_lose_and_repeat_nothing(
    database: Any, tmp_path: Path, chaos: int
) -> None:
    server = OwnTemporal(tmp_path)
    await server.start()
    async with a_system(database, tmp_path, server) as (system, client):
        await system.start("one", "worker", "--lanes", "high,medium")
        await system.start("two", "worker", "--lanes", "medium,low,control")
        gate = asyncio.Semaphore(50)

        async def post(number: int) -> str:
            async with gate:
                answer = await ask(client, recipient={"email": f"r{number}@example.com"})
                assert answer.status_code == 202, answer.text
                return str(answer.json()["id"])

        async def kill_twice() -> int:
            for share in (0.25, 0.6):
                while len(system.smtp.messages) < chaos * share:
                    await asyncio.sleep(0.02)
                system.kill("one")
                system.kill("two")
            return 2

        posted, kills = await asyncio.gather(
            asyncio.gather(*(post(number) for number in range(chaos))), kill_twice()
        )
        await system.settled(300)
        summary = (await client.get("/v1/analytics/summary")).json()["totals"]
        received = Counter(
            message.headers_notification() for message in map(_Mail, system.smtp.messages)
        )
        twice = {id for id, times in received.items() if times > 1}
        doubtful = await system.query(
            "SELECT notification_id FROM deliveries WHERE maybe_sent AND attempts > 1"
        )
        print(
            f"posted {len(posted)} at concurrency 50, killed both workers {kills} times "
            f"(starts {system.starts}): {summary}; received {len(system.smtp.messages)}, "
            f"twice {len(twice)}, attempts in doubt {len(doubtful)}"
        )
        assert min(system.starts.values()) >= 3, "the kills never happened"
        assert summary["asked"] == chaos == len(set(posted))
        assert balanced(summary)
        assert summary["sent"] == chaos
        assert set(received) == set(posted)
        # transactional mail is sent at least once: again only where the first try was in doubt
        in_doubt = {encode("ntf", row["notification_id"]) for row in doubtful}
        for id in sorted(twice):
            print(f"{id} was received {received[id]} times, its attempts were in doubt")
        assert len(twice) <= len(doubtful)
        assert twice <= in_doubt
        await system.close()
        await server.kill()


class _Mail:
    def __init__(self, received: Any) -> None:
        self.content: bytes = received.content

    def headers_notification(self) -> str:
        head = self.content.partition(b"\r\n\r\n")[0].decode()
        line = next(one for one in head.split("\r\n") if one.startswith("X-Tocsin-Notification"))
        return line.partition(": ")[2]
