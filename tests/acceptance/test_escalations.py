"""Escalations through the whole system: steps in their time, once, whoever dies or wakes them."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from domain.ids import decode, encode
from domain.report import Report
from domain.vocabulary import ReceiptKind
from fakes.smtp import FakeSmtp
from services import reports
from services.app import close_app, open_app
from services.relooking import wake_all
from tests.fixtures.api import KEY, a_client, settings_for
from tests.fixtures.deployment import Deployment
from tests.fixtures.heard import fetch
from tests.fixtures.servers import TestTemporal, until
from tests.fixtures.system import System

MAIL = {"email": {"subject": "Disk full", "text": "Acknowledge: {{ ack_url }}"}}


async def people(client: Any, *names: str) -> None:
    for name in names:
        body = {"external_id": name, "email": f"{name}@example.com"}
        assert (await client.post("/v1/profiles", json=body)).status_code == 201


def step(name: str | None, wait: int | None = None, **given: Any) -> dict[str, Any]:
    """A step to a profile, or to the notification's recipient."""
    whom = {"recipient": {"external_id": name}} if name else {}
    waits = {"wait_seconds": wait} if wait else {}
    return {**whom, **waits, **given}


def told(smtp: FakeSmtp) -> list[str]:
    return [one.recipients[0].split("@")[0] for one in smtp.messages]


async def ended(system: System, id: str) -> None:
    """Wait until the workflow of a notification has ended, which a forgotten timer would keep."""
    client = await system.app.temporal.client()
    await asyncio.wait_for(client.get_workflow_handle(id).result(), 20)


async def test_steps_begin_in_their_time_and_a_read_or_an_acknowledgement_ends_them_at_once(
    system: System,
) -> None:
    await people(system.client, "ann", "ben")
    made = await system.ask(
        content=MAIL, escalation={"steps": [step(None), step("ann", 2), step("ben", 3_600)]}
    )
    while told(system.smtp) != ["sam", "ann"]:
        await asyncio.sleep(0.05)
    id = made["id"]
    while (found := await system.get(id))["deliveries"][-1]["state"] != "sent":
        await asyncio.sleep(0.05)
    assert (found["state"], found["escalation"]["state"]) == ("sending", "waiting")
    begun = [datetime.fromisoformat(one["began_at"]) for one in found["escalation"]["steps"][:2]]
    assert 2 <= (begun[1] - begun[0]).total_seconds() < 10
    assert (await system.client.post(f"/v1/notifications/{id}/acknowledge")).status_code == 200
    await ended(system, id)
    found = await system.get(id)
    assert (found["state"], found["escalation"]["stopped"]["left"]) == ("sent", 1)

    read = await system.ask(content=MAIL, escalation={"steps": [step(None), step("ann", 3_600)]})
    while (await system.get(read["id"]))["deliveries"][-1:] == []:
        await asyncio.sleep(0.05)
    while (await system.get(read["id"]))["deliveries"][0]["state"] != "sent":
        await asyncio.sleep(0.05)
    [row] = await fetch(
        system.app, "SELECT attempt_id, account_id FROM deliveries WHERE notification_id = :id",
        id=decode("ntf", read["id"]),
    )  # fmt: skip
    said = Report(ReceiptKind.READ, encode("att", row.attempt_id), "1", datetime.now(UTC))
    async with system.app.db.leader() as conn:
        kept = await reports.keep(conn, row.account_id, [said])
    assert kept.woken == [read["id"]]
    await wake_all(system.app, kept.woken)
    await ended(system, read["id"])
    found = await system.get(read["id"])
    assert (found["state"], found["escalation"]["stopped"]["because"]) == ("read", "read")

    cancelled = await system.ask(content=MAIL, escalation={"steps": [step(None), step("ann", 60)]})
    while told(system.smtp).count("sam") < 3:
        await asyncio.sleep(0.05)
    while (await system.get(cancelled["id"]))["deliveries"][0]["state"] != "sent":
        await asyncio.sleep(0.05)
    answer = await system.client.post(f"/v1/notifications/{cancelled['id']}/cancel")
    assert answer.json()["escalation"]["stopped"]["because"] == "cancelled", answer.text
    await ended(system, cancelled["id"])
    assert told(system.smtp) == ["sam", "ann", "sam", "sam"]


@pytest.mark.timeout(300)
async def test_a_step_is_sent_once_though_its_workers_are_killed(
    database: Any, temporal_server: TestTemporal, tmp_path: Path
) -> None:
    async with FakeSmtp() as smtp, AsyncExitStack() as stack:
        system = Deployment(database, temporal_server.address, "default", tmp_path, smtp)
        await system.prepare()
        stack.push_async_callback(system.close)
        await system.start("worker", "worker", "--lanes", "high,medium,low,control")
        await until(lambda: system.said("worker", "worker.serving"), 120)
        settings = settings_for(database, temporal_address=temporal_server.address)
        app = open_app(settings)
        stack.push_async_callback(close_app, app)
        client = await stack.enter_async_context(a_client(app, KEY))
        await people(client, "ann", "ben", "cy")
        body = {
            "recipient": {"email": "sam@example.com"}, "content": MAIL,
            "escalation": {"steps": [
                step(None), step("ann", 5), step("ben", 5), step("cy", 3_600),
            ]},
        }  # fmt: skip
        made = (await client.post("/v1/notifications", json=body)).json()

        async def states() -> list[str]:
            rows = await system.query("SELECT state FROM deliveries ORDER BY id")
            return [row["state"] for row in rows]

        async def after(*wanted: str) -> None:
            await until(lambda: _is(states, list(wanted)), 90)

        await after("sent")
        # Killed while the second step waits; its successor dies when that step begins, before it
        # is committed; the next one once it is committed and leased, before anything is sent.
        first, second = tmp_path / "first", tmp_path / "second"
        system.extra = {"TOCSIN_FAILPOINT": "escalated", "TOCSIN_FAILPOINT_LOG": str(first)}
        system.kill("worker")
        await until(lambda: asyncio.to_thread(first.exists), 90)
        system.extra = {"TOCSIN_FAILPOINT": "leased", "TOCSIN_FAILPOINT_LOG": str(second)}
        await until(lambda: asyncio.to_thread(second.exists), 90)
        system.extra = {}
        await after("sent", "sent", "sent")
        waits = (await client.get(f"/v1/notifications/{made['id']}")).json()
        told_of = await client.post(f"/v1/notifications/{made['id']}/acknowledge")
        await system.settled(60)
        steps = await system.query("SELECT step, count(*) FROM deliveries GROUP BY step")
        totals = (await client.get("/v1/analytics/summary")).json()["totals"]
    assert [one["state"] for one in waits["escalation"]["steps"]] == ["done"] * 3 + ["waiting"]
    assert told_of.json()["escalation"]["stopped"]["left"] == 1
    assert Counter(told(smtp)) == {"sam": 1, "ann": 1, "ben": 1}
    assert {(row["step"], row["count"]) for row in steps} == {(1, 1), (2, 1), (3, 1)}
    assert (totals["asked"], totals["sent"], totals["waiting"]) == (3, 3, 0)
    assert system.starts["worker"] == 4


async def _is(states: Any, wanted: list[str]) -> bool:
    return bool(await states() == wanted)
