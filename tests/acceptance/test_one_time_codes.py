"""A code is read by its recipient, and is found nowhere else in the whole system."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text

from domain.ids import decode, encode, new_id
from domain.orders import Order
from domain.vocabulary import Channel
from fakes.http_server import FakeHttp
from fakes.http_vendor import Answer, Asked, Behaviour
from fakes.smtp_faults import Fault
from fakes.twilio import FakeTwilio
from stores import accounts, otps
from tests.fixtures.system import System
from transport.http import tracing
from workflows.attributes import Facts

LENGTH = 8
"""Of the codes: shorter ones stand in ids and times by chance."""


class EchoingTwilio(FakeTwilio):
    """Repeats in its errors what it was sent."""

    def refuse(self, behaviour: Behaviour, asked: Asked) -> Answer:
        body = asked.form().get("Body", "")
        return Answer.of_json(400, {"code": 21602, "message": f"cannot send: {body}"})


@dataclass
class Traces:
    """Everything that a system leaves behind, to be searched."""

    system: System
    spans: InMemorySpanExporter
    capfd: Any
    caplog: Any
    logs: str = field(default="", repr=False)
    planted: set[str] = field(default_factory=set)

    async def holding(self, code: str) -> set[str]:
        """Return the places in which a code is found."""
        captured = self.capfd.readouterr()
        self.logs += captured.out + captured.err
        places = {"logs": self.logs + self.caplog.text, "spans": self._spans()}
        places |= await self._tables()
        places |= await self._histories()
        assert places["logs"]
        assert any(name.startswith("history") for name in places)
        assert {"table notifications", "table sandbox_messages", "table otps"} <= set(places)
        return {name for name, content in places.items() if code in content}

    def _spans(self) -> str:
        return "".join(span.to_json() for span in self.spans.get_finished_spans())

    async def _tables(self) -> dict[str, str]:
        async with self.system.app.db.leader() as conn:
            names = await conn.execute(
                text("SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p')"
                     " AND c.relnamespace = 'public'::regnamespace")
            )  # fmt: skip
            found = {}
            for name in names.scalars().all():
                rows = (await conn.execute(text(f"SELECT t::text FROM {name} t"))).scalars()
                found[f"table {name}"] = "\n".join(rows.all())
        return found

    async def _histories(self) -> dict[str, str]:
        client = await self.system.app.temporal.client()
        async with self.system.app.db.leader() as conn:
            ids = (await conn.execute(text("SELECT workflow_id FROM notifications"))).scalars()
        found = {}
        for id in {*ids.all(), *self.planted}:
            handle = client.get_workflow_handle(id)
            history = await handle.fetch_history()
            # Payloads are base64 in JSON and plain in the events themselves.
            plain = "".join(str(one.SerializeToString()) for one in history.events)
            found[f"history {id}"] = history.to_json() + plain + str(await handle.describe())
        return found


@pytest.fixture
async def traces(
    system: System, monkeypatch: pytest.MonkeyPatch, capfd: Any, caplog: Any
) -> AsyncIterator[Traces]:
    """Collect what a system leaves behind."""
    caplog.set_level("DEBUG")
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    # The product's one tracer; the global provider can be set only once in a process.
    monkeypatch.setattr(tracing, "_TRACER", provider.get_tracer("of the test"))
    yield Traces(system, spans, capfd, caplog)
    provider.shutdown()


async def asked(system: System, **body: Any) -> tuple[str, str, list[str]]:
    """Post for a code; return its id, the code and its notifications."""
    answer = await system.client.post("/v1/otp", json={"length": LENGTH, **body})
    assert answer.status_code == 202, answer.text
    return await looked_up(system, answer.json()["id"])


async def looked_up(system: System, id: str) -> tuple[str, str, list[str]]:
    async with system.app.db.leader() as conn:
        found = await conn.execute(
            text("SELECT * FROM otps WHERE id = :id"), {"id": decode("otp", id)}
        )
        row = found.one()
    code = system.app.codes.code(otps.seed_of(row))
    return id, code, [encode("ntf", one) for one in row.notification_ids]


async def outbox(system: System, notification: str) -> list[dict[str, Any]]:
    found = await system.client.get("/v1/outbox", params={"notification": notification})
    items: list[dict[str, Any]] = found.json()["items"]
    return items


async def guess(system: System, id: str, code: str) -> Any:
    return (await system.client.post(f"/v1/otp/{id}/verify", json={"code": code})).json()


def mails(system: System) -> list[Any]:
    """The mails that the server got, taken apart."""
    return [message_from_bytes(one.content, policy=policy.default) for one in system.smtp.messages]


async def test_a_code_is_read_verified_and_found_nowhere(system: System, traces: Traces) -> None:
    id, code, [notification] = await asked(
        system,
        recipient={"phone": "+14155550100", "email": "sam@example.com"},
        channels=["sms", "email"],
        data={"app": "Example Shop", "domain": "shop.example.com"},
    )
    found = await system.finished(notification)
    assert (found["state"], found["otp"]) == ("sent", id)
    assert "••••••••" in found["content"]["sms"]["text"]
    [message] = await outbox(system, notification)
    assert message["content"]["text"].endswith(f"\n\n@shop.example.com #{code}")

    system.smtp.script(Fault("dot", "reply", text=f"250 2.0.0 {code} is accepted as it is"))
    answer = await system.client.post(f"/v1/otp/{id}/resend", json={"channel": "email"})
    assert answer.status_code == 202, answer.text
    _, _, [_, by_mail] = await looked_up(system, id)
    assert (await system.finished(by_mail))["state"] == "sent"

    assert (await guess(system, id, "0" * LENGTH))["attempts_left"] == 4
    assert (await guess(system, id, code))["verified"] is True
    [message] = await outbox(system, notification)
    assert message["content"]["text"].startswith("•••••••• is your Example Shop code.")
    await system.upkeep.seal()
    assert await traces.holding(code) == set()


async def test_its_mail_shows_it_everywhere_it_should(system: System) -> None:
    _, code, [notification] = await asked(
        system, recipient={"email": "sam@example.com"}, data={"app": "Shop"}
    )
    assert (await system.finished(notification))["state"] == "sent"
    [mail] = mails(system)
    assert mail["Subject"] == f"{code} is your Shop code."
    for kind in ("plain", "html"):
        assert code in mail.get_body((kind,)).get_content()


async def test_a_planted_code_is_found_in_each_place(system: System, traces: Traces) -> None:
    _, code, [notification] = await asked(system, recipient={"phone": "+14155550100"})
    await system.finished(notification)
    assert await traces.holding(code) == set()
    structlog.get_logger().warning("planted", code=code)
    assert "logs" in await traces.holding(code)
    with tracing._TRACER.start_as_current_span("planted", attributes={"body": f"is {code}."}):
        pass
    assert "spans" in await traces.holding(code)
    for table, column in (
        ("notifications", "metadata"), ("deliveries", "outcome"), ("sandbox_messages", "content"),
        ("outbox_batches", "events"),
    ):  # fmt: skip
        async with system.app.db.leader() as conn:
            await system.upkeep.seal()
            await conn.execute(
                text(f"UPDATE {table} SET {column} = jsonb_build_object('x', CAST(:x AS text))"),
                {"x": f"is {code}."},
            )
        assert f"table {table}" in await traces.holding(code)
    planted = encode("ntf", new_id())
    order = Order(planted, [encode("ntf", new_id()), f"ntf_{code}"], "low")
    await system.app.temporal.start(order, summary="planted", facts=Facts("m", "otp", ("sms",)))
    traces.planted.add(planted)
    assert f"history {planted}" in await traces.holding(code)
    client = await system.app.temporal.client()
    await client.get_workflow_handle(planted).terminate()


class TestAVendorThatRepeatsWhatItWasSent:
    async def test_is_not_repeated(self, system: System, traces: Traces) -> None:
        twilio = EchoingTwilio()
        async with FakeHttp(twilio) as server:
            await self._account(system, server.url("twilio"))
            twilio.script(Behaviour.REJECT_MESSAGE)
            id, code, [notification] = await asked(
                system,
                recipient={"phone": "+14155550100", "email": "sam@example.com"},
                channels=["sms", "email"],
            )
            found = await system.finished(notification)
        assert code in twilio.asked[0].form()["Body"], "the vendor was sent the code"
        assert 200 < int(twilio.asked[0].form()["ValidityPeriod"]) <= 300
        first, second = found["deliveries"]
        assert (first["channel"], first["state"], second["state"]) == ("sms", "failed", "sent")
        outcome = first["tries"][0]["outcome"]
        assert (outcome["kind"], outcome["reason"]) == ("rejected", "invalid_payload")
        assert (outcome["vendor_code"], outcome["detail"]) == ("21602", "")
        assert code in mails(system)[0]["Subject"], "the same code by the next channel"
        assert traces.spans.get_finished_spans(), "the request was traced"
        await outbox(system, notification)
        assert (await guess(system, id, code))["verified"] is True
        assert await traces.holding(code) == set()

    async def _account(self, system: System, base_url: str) -> None:
        settings = {
            "base_url": base_url, "account_sid": FakeTwilio.account_sid,
            "auth_token": FakeTwilio.token, "from": "+14155550199",
        }  # fmt: skip
        async with system.app.db.leader() as conn:
            await conn.execute(text("UPDATE accounts SET enabled = false WHERE channel = 'sms'"))
            await accounts.put(
                conn, id=new_id(), name="twilio", channel=Channel.SMS, vendor="twilio",
                settings=system.app.seal.close(settings),
            )  # fmt: skip


async def test_a_code_that_could_not_be_sent_in_time_is_never_sent(system: System) -> None:
    system.smtp.script(Fault("greeting", "reply", text="421 4.3.2 busy", times=50))
    answer = await system.client.post(
        "/v1/otp", json={"recipient": {"email": "sam@example.com"}, "ttl_seconds": 2}
    )
    _, _, [notification] = await looked_up(system, answer.json()["id"])
    found = await system.finished(notification)
    assert found["state"] in ("expired", "failed")
    await asyncio.sleep(1)
    assert system.smtp.messages == []


async def test_nobodys_code_runs_like_others_and_sends_nothing(system: System) -> None:
    answer = await system.client.post(
        "/v1/otp", json={"recipient": {"external_id": "nobody"}, "channels": ["email"]}
    )
    assert answer.status_code == 202
    _, _, [notification] = await looked_up(system, answer.json()["id"])
    client = await system.app.temporal.client()
    assert await client.get_workflow_handle(notification).result() == {}
    assert system.smtp.messages == []
    assert (await system.client.get(f"/v1/notifications/{notification}")).status_code == 404
