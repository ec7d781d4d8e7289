"""From the API to the mail server and back, through real Temporal and PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from fakes.smtp_faults import Fault
from stores import outbox
from tests.fixtures.system import System


async def test_a_mail_arrives_once_and_its_story_is_told(system: System) -> None:
    made = await system.ask(data={"x": 1})
    found = await system.finished(made["id"])
    assert (found["state"], len(system.smtp.messages)) == ("sent", 1)
    assert [event["event"] for event in found["timeline"]] == [
        "accepted", "claimed", "attempted", "settled",
    ]  # fmt: skip
    [delivery] = found["deliveries"]
    assert (delivery["vendor"], delivery["attempts"], delivery["address"]) == (
        "smtp", 1, "s•••@example.com",
    )  # fmt: skip
    [message] = system.smtp.messages
    assert made["id"].encode() in message.content
    assert b"\r\nFrom: shop@example.com\r\n" in b"\r\n" + message.content, "the account's sender"


async def test_every_channel_reaches_its_sandbox(system: System) -> None:
    profile = (await system.client.post("/v1/profiles", json={"name": "Sample Recipient"})).json()[
        "id"
    ]
    sub = {"endpoint": "https://push.example.com/1", "keys": {"p256dh": "a", "auth": "b"}}
    device = {"channel": "webpush", "subscription": sub}
    assert (
        await system.client.post(f"/v1/profiles/{profile}/devices", json=device)
    ).status_code == 201
    inline = {"phone": "+14155550100", "telegram": "42", "push": ["token-1"]}
    notice = {"title": "Hi {{ n }}", "body": "there"}
    cases: list[tuple[Any, dict[str, Any]]] = [
        (inline, {"sms": {"text": "Hi {{ n }}"}}),
        (inline, {"whatsapp": {"text": "Hi {{ n }}"}}),
        (inline, {"telegram": {"text": "Hi {{ n }}"}}),
        (inline, {"push": notice}),
        (profile, {"webpush": notice}),
        (profile, {"inapp": notice}),
    ]
    for recipient, content in cases:
        made = await system.ask(recipient=recipient, content=content, data={"n": 7})
        [channel] = content
        assert (await system.finished(made["id"]))["state"] == "sent", channel
        kept = await system.client.get("/v1/outbox", params={"notification": made["id"]})
        [message] = kept.json()["items"]
        assert message["channel"] == channel
        assert "Hi 7" in (message["content"].get("text") or message["content"]["title"])


async def test_a_scheduled_one_is_held_and_sent_when_due(system: System) -> None:
    due = datetime.now(UTC) + timedelta(seconds=2)
    made = await system.ask(send_at=due.isoformat())
    assert made["state"] == "scheduled"
    await asyncio.sleep(0.5)
    assert system.smtp.messages == []
    found = await system.finished(made["id"])
    attempt = found["deliveries"][0]["tries"][0]
    assert datetime.fromisoformat(attempt["at"]) >= due


async def test_a_change_wakes_a_scheduled_one(system: System) -> None:
    made = await system.ask(send_at=(datetime.now(UTC) + timedelta(hours=5)).isoformat())
    await asyncio.sleep(0.5)
    path = f"/v1/notifications/{made['id']}"
    changed = await system.client.patch(path, json={"send_at": None})
    assert changed.status_code == 200, changed.text
    assert (await system.finished(made["id"]))["state"] == "sent"


async def test_a_moved_priority_changes_the_lane(system: System) -> None:
    made = await system.ask(send_at=(datetime.now(UTC) + timedelta(hours=5)).isoformat())
    patch = {"send_at": None, "priority": "high"}
    await system.client.patch(f"/v1/notifications/{made['id']}", json=patch)
    found = await system.finished(made["id"])
    assert (found["state"], found["priority"]) == ("sent", "high")
    assert found["workflow_id"].startswith("moved_")


async def test_a_cancelled_one_is_never_sent(system: System) -> None:
    made = await system.ask(send_at=(datetime.now(UTC) + timedelta(seconds=1)).isoformat())
    cancelled = await system.client.post(f"/v1/notifications/{made['id']}/cancel")
    assert cancelled.json()["state"] == "cancelled"
    await asyncio.sleep(1.5)
    assert system.smtp.messages == []


async def test_a_transient_refusal_is_tried_again(system: System) -> None:
    system.smtp.script(Fault("rcpt", "reply", "451 4.3.2 try later"))
    found = await system.finished((await system.ask())["id"])
    assert (found["state"], len(system.smtp.messages)) == ("sent", 1)
    [delivery] = found["deliveries"]
    kinds = [attempt["outcome"]["kind"] for attempt in delivery["tries"]]
    assert kinds == ["transient", "accepted"]


async def test_a_refused_address_fails_and_falls_back_to_the_next_channel(system: System) -> None:
    system.smtp.script(Fault("rcpt", "reply", "550 5.1.1 nobody here"))
    made = await system.ask(
        recipient={"email": "gone@example.com", "phone": "+14155550100"},
        content={"email": {"subject": "Hi", "text": "Hello"}, "sms": {"text": "Hello"}},
    )
    found = await system.finished(made["id"])
    assert found["state"] == "sent"
    assert [(d["channel"], d["state"], d["reason"]) for d in found["deliveries"]] == [
        ("email", "failed", "invalid_address"), ("sms", "sent", ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("category", "state", "mails"),
    [("otp", "sent", 2), ("transactional", "sent", 2), ("bulk", "unknown", 1),
     ("marketing", "unknown", 1)],
)  # fmt: skip
async def test_lost_after_the_body_goes_by_the_policy_of_the_class(
    system: System, category: str, state: str, mails: int
) -> None:
    system.smtp.script(Fault("dot", "drop"))
    found = await system.finished((await system.ask(category=category))["id"])
    assert (found["state"], len(system.smtp.messages)) == (state, mails)
    first = found["deliveries"][0]["tries"][0]["outcome"]
    assert (first["kind"], first["phase"]) == ("unknown", "final-dot")


async def test_a_batch_is_delivered_each_once(system: System) -> None:
    items = [
        {"recipient": {"email": f"r{n}@example.com"},
         "content": {"email": {"subject": "Hi", "text": f"You are {n}"}}}
        for n in range(120)
    ]  # fmt: skip
    answer = await system.client.post("/v1/notifications/batch", json={"notifications": items})
    for item in answer.json()["items"]:
        assert (await system.finished(item["id"]))["state"] == "sent"
    addressed = sorted(one.recipients[0] for one in system.smtp.messages)
    assert addressed == sorted(f"r{n}@example.com" for n in range(120))


async def test_a_workflow_terminated_by_hand_is_recovered_and_sent_once(system: System) -> None:
    due = datetime.now(UTC) + timedelta(seconds=2)
    made = await system.ask(send_at=due.isoformat())
    client = await system.app.temporal.client()
    await client.get_workflow_handle(made["id"]).terminate("by hand")
    found = await system.finished(made["id"])
    assert (found["state"], len(system.smtp.messages)) == ("sent", 1)
    assert found["workflow_id"].startswith("recovery_")


async def test_an_expired_one_is_not_sent(system: System) -> None:
    system.smtp.script(*[Fault("rcpt", "reply", "451 4.3.2 later")] * 40)
    expires = datetime.now(UTC) + timedelta(seconds=1.5)
    found = await system.finished((await system.ask(expires_at=expires.isoformat()))["id"])
    assert (found["state"], system.smtp.messages) == ("expired", [])


async def test_events_are_sealed_in_order(system: System) -> None:
    made = await system.ask()
    await system.finished(made["id"])
    await system.upkeep.seal()
    async with system.app.db.leader() as conn:
        left = await conn.execute(text("SELECT count(*) FROM outbox"))
        batches = await outbox.read_batches(conn, after=0)
        assert left.scalar_one() == 0
        events = [event for batch in batches for event in batch.events]
    mine = [event for event in events if event["notification"] == made["id"]]
    assert [event["to"] for event in mine] == ["accepted", "accepted", "sending", "sent"]
    steps = [event["version"] for event in mine if event["type"] == "delivery"]
    assert steps == sorted(steps)


async def test_an_otp_moved_to_another_time_is_sent_then(system: System) -> None:
    later = {"send_at": "2040-01-31T09:00:00Z", "expires_at": "2040-01-31T09:10:00Z"}
    made = await system.ask(category="otp", **later)
    path = f"/v1/notifications/{made['id']}"
    due = datetime.now(UTC) + timedelta(seconds=1)
    moved = await system.client.patch(path, json={"send_at": due.isoformat()})
    assert moved.status_code == 200, moved.text
    found = await system.finished(made["id"])
    assert (found["state"], len(system.smtp.messages)) == ("sent", 1)
