"""Many notifications as one message: through the whole system, and over the death of its sender."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from fakes.smtp import FakeSmtp
from services.app import close_app, open_app
from tests.fixtures.api import KEY, a_client, settings_for
from tests.fixtures.deployment import Deployment
from tests.fixtures.servers import TestTemporal, until
from tests.fixtures.system import System

LAYOUT = {
    "subject": "{{ count }} orders",
    "text": "{% for one in items %}{{ one.data.order }}={{ one.subject }};{% endfor %}",
}
MAIL = {"subject": "Order {{ order }}", "text": "On its way."}


def said(message: Any) -> tuple[str, str]:
    """(subject, text) of a mail as it arrived."""
    mail = message_from_bytes(message.content, policy=policy.default)
    body = mail.get_body(("plain",))
    assert body is not None
    return str(mail["subject"]), str(body.get_content()).strip()


async def test_what_comes_within_the_window_leaves_as_one_mail(system: System) -> None:
    async def ask(order: str, **given: Any) -> str:
        made = await system.ask(
            content={"email": {**MAIL, "digest": LAYOUT}}, data={"order": order},
            digest={"key": "orders", "window_seconds": 3}, **given,
        )  # fmt: skip
        return str(made["id"])

    first = await ask("a")
    while (await system.get(first))["state"] != "held":
        await asyncio.sleep(0.05)
    gone = await ask("b")
    others = [await ask("c"), await ask("d")]
    urgent = await ask("e", priority="high")
    held = await system.get(first)
    assert (held["reason"], held["digest"]["key"]) == ("digest", "orders")
    assert (await system.client.post(f"/v1/notifications/{gone}/cancel")).status_code == 200
    assert (await system.finished(urgent))["state"] == "sent"
    ended = [await system.finished(id) for id in (first, *others)]
    assert [one["state"] for one in ended] == ["sent"] * 3
    assert {one["digest"]["id"] for one in ended} == {held["digest"]["id"]}
    assert ended[0]["digest"]["count"] == 3
    assert (await system.get(gone))["state"] == "cancelled"
    mails = [said(one) for one in system.smtp.messages]
    assert mails == [
        ("Order e", "On its way."), ("3 orders", "a=Order a;c=Order c;d=Order d;"),
    ]  # fmt: skip
    listed = await system.client.get(f"/v1/notifications?digest={held['digest']['id']}")
    assert {one["id"] for one in listed.json()["items"]} == {first, gone, *others}
    alone = await system.ask(digest={"key": "orders", "window_seconds": 1})
    assert (await system.finished(alone["id"]))["state"] == "sent"
    assert said(system.smtp.messages[-1]) == ("Hi", "Hello")


@pytest.mark.timeout(240)
async def test_a_digest_whose_sender_is_killed_stays_whole(
    database: Any, temporal_server: TestTemporal, tmp_path: Path
) -> None:
    async with FakeSmtp() as smtp, AsyncExitStack() as stack:
        system = Deployment(database, temporal_server.address, "default", tmp_path, smtp)
        fired = tmp_path / "fired"
        system.extra = {
            "TOCSIN_FAILPOINT": "sent@2",
            "TOCSIN_FAILPOINT_LOG": str(fired),
            "TOCSIN_LEASE_SECONDS": "10",
        }
        await system.prepare()
        stack.push_async_callback(system.close)
        await system.start("worker", "worker", "--lanes", "high,medium,low,control")
        await until(lambda: system.said("worker", "worker.serving"), 120)
        settings = settings_for(database, temporal_address=temporal_server.address)
        app = open_app(settings)
        stack.push_async_callback(close_app, app)
        client = await stack.enter_async_context(a_client(app, KEY))
        for category in ("transactional", "bulk"):
            body = {
                "recipient": {"email": f"{category}@example.com"}, "category": category,
                "content": {"email": MAIL}, "data": {"order": "a"}, "priority": "medium",
                "digest": {"key": "orders", "window_seconds": 5},
            }  # fmt: skip
            answers = [await client.post("/v1/notifications", json=body) for _ in range(4)]
            assert {one.status_code for one in answers} == {202}
        await until(lambda: asyncio.to_thread(fired.exists), 60)
        await system.settled(90)
        rows = await system.query("SELECT class, state, attempts FROM deliveries")
        events = await system.query(
            "SELECT count(*), class, state FROM notifications GROUP BY class, state"
        )
    assert Counter((row["class"], row["state"]) for row in rows) == {
        ("transactional", "sent"): 4, ("bulk", "unknown"): 4,
    }  # fmt: skip
    assert {(one["class"], one["state"], one["count"]) for one in events} == {
        ("transactional", "sent", 4), ("bulk", "unknown", 4),
    }  # fmt: skip
    mails = [(one.recipients[0].split("@")[0], said(one)[0]) for one in smtp.messages]
    subject = "4 messages: Order a, Order a, Order a, Order a"
    assert Counter(mails) == {("transactional", subject): 2, ("bulk", subject): 1}
