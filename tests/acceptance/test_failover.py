"""Several accounts of a channel: who is asked, who takes over, and how a sick one comes back."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from fakes.http_server import FakeHttp
from fakes.http_vendor import Behaviour
from fakes.twilio import FakeTwilio
from tests.fixtures.servers import until
from tests.fixtures.system import System


class FakeSpare(FakeTwilio):
    """A second Twilio account."""

    name = "spare"


@dataclass
class Pair:
    """A system whose texts go over a cheap account and, when that fails, over a dear one."""

    system: System
    cheap: FakeTwilio
    dear: FakeTwilio
    settings: dict[str, Any]
    """Those of the cheap account."""

    async def text(self, number: int = 0, **change: Any) -> dict[str, Any]:
        """Send a text and return the finished notification."""
        recipient = {"phone": f"+1415555{number:04}"}
        content = {"sms": {"text": "It rang"}}
        made = await self.system.ask(recipient=recipient, content=content, **change)
        return await self.system.finished(made["id"])

    async def circuit(self, name: str) -> tuple[str, str]:
        """Return an account's circuit and why it is not closed."""
        [found] = await self.rows(
            "SELECT circuit, s.reason FROM account_states s JOIN accounts a"
            f" ON a.id = s.account_id WHERE a.name = '{name}'"
        )
        return found.circuit, found.reason

    async def rows(self, statement: str) -> list[Any]:
        """Return the rows of a statement."""
        async with self.system.app.db.leader() as conn:
            return list((await conn.execute(text(statement))).all())


@pytest.fixture
async def pair(system: System) -> AsyncIterator[Pair]:
    cheap, dear = FakeTwilio(), FakeSpare()
    async with FakeHttp(cheap, dear) as server:
        await system.remove_sandbox("sms")
        for fake, cost in ((dear, 2.0), (cheap, 1.0)):
            settings = {
                "base_url": server.url(fake.name), "account_sid": fake.account_sid,
                "auth_token": fake.token, "from": "+14155550199", "reply_seconds": 2,
            }  # fmt: skip
            await system.add_account(fake.name, "sms", "twilio", settings, cost=cost)
        yield Pair(system, cheap, dear, settings)


async def test_the_cheapest_account_is_used(pair: Pair) -> None:
    found = await pair.text()
    assert (found["state"], len(pair.cheap.taken), len(pair.dear.taken)) == ("sent", 1, 0)


@pytest.mark.parametrize(
    "behaviour", [Behaviour.UNAVAILABLE, Behaviour.THROTTLE, Behaviour.REJECT_ACCOUNT]
)
async def test_another_account_takes_over_at_once(pair: Pair, behaviour: Behaviour) -> None:
    pair.cheap.script(behaviour)
    found = await pair.text()
    [delivery] = found["deliveries"]
    assert (found["state"], len(pair.cheap.taken), len(pair.dear.taken)) == ("sent", 0, 1)
    assert [one["account"] for one in delivery["tries"]] == ["twilio", "spare"]
    first, second = delivery["tries"]
    assert first["outcome"]["kind"] != "accepted"
    assert second["outcome"]["kind"] == "accepted"


async def test_what_may_have_arrived_is_not_given_to_another_account(pair: Pair) -> None:
    pair.cheap.script(Behaviour.DROP_AFTER_BODY)
    found = await pair.text(category="bulk")
    assert (found["state"], len(pair.cheap.taken), len(pair.dear.taken)) == ("unknown", 1, 0)


async def test_a_refused_recipient_is_refused_everywhere(pair: Pair) -> None:
    pair.cheap.script(Behaviour.REJECT_RECIPIENT)
    found = await pair.text()
    assert (found["state"], len(pair.dear.asked)) == ("failed", 0)
    assert found["deliveries"][0]["reason"] == "invalid_address"


async def test_a_failing_account_is_left_alone_and_comes_back(pair: Pair) -> None:
    pair.cheap.always = Behaviour.UNAVAILABLE
    for number in range(8):
        assert (await pair.text(number))["state"] == "sent"
    assert len(pair.dear.taken) == 8
    assert (await pair.circuit("twilio"))[0] != "closed"
    asked = len(pair.cheap.asked)
    found = await pair.text(90)
    skipped = found["deliveries"][0]["tries"][-1]["route"]
    print(f"asked the failing account {asked} times for 8 texts; then {skipped}")
    assert asked < 8
    pair.cheap.always = Behaviour.ACCEPT

    async def healed() -> bool:
        await pair.text(91)
        return (await pair.circuit("twilio"))[0] == "closed"

    await until(healed, 30)
    before = len(pair.cheap.taken)
    await pair.text(92)
    assert len(pair.cheap.taken) == before + 1, "it takes its traffic back"
    texts = await pair.system.client.get("/v1/notifications", params={"limit": 200})
    sent = [one for one in texts.json()["items"] if one["state"] == "sent"]
    assert len(sent) == len(pair.cheap.taken) + len(pair.dear.taken), "each went out once"


async def test_what_waits_for_its_turn_goes_elsewhere_when_the_account_fails(pair: Pair) -> None:
    narrow = {**pair.settings, "connections": 1}
    await pair.system.add_account("narrow", "sms", "twilio", narrow, cost=0.5)
    async with pair.system.app.db.leader() as conn:
        await conn.execute(text("UPDATE accounts SET enabled = false WHERE name = 'twilio'"))
    pair.cheap.always = Behaviour.REJECT_ACCOUNT
    content = {"sms": {"text": "It rang"}}
    asked = [{"recipient": {"phone": f"+1415555{n:04}"}, "content": content} for n in range(30)]
    answer = await pair.system.client.post("/v1/notifications/batch", json={"notifications": asked})
    found = [await pair.system.finished(one["id"]) for one in answer.json()["items"]]
    assert {one["state"] for one in found} == {"sent"}
    first = [one["deliveries"][0]["tries"][0]["outcome"] for one in found]
    queued = [one for one in first if one["phase"] == "queue"]
    print(f"30 texts: the account that fails was asked {len(pair.cheap.asked)} times")
    assert len(pair.dear.taken) == 30
    assert len(pair.cheap.asked) + len(queued) == 30
    assert {one["reason"] for one in queued} == {"circuit_open"}


async def test_the_record_says_who_was_passed_over_and_why(pair: Pair) -> None:
    async with pair.system.app.db.leader() as conn:
        await conn.execute(
            text(
                "UPDATE account_states SET circuit = 'open', reason = '9 of 10 failed',"
                " retry_at = now() + interval '1 hour' WHERE account_id ="
                " (SELECT id FROM accounts WHERE name = 'twilio')"
            )
        )
    await asyncio.sleep(0.6)
    found = await pair.text()
    [tried] = found["deliveries"][0]["tries"]
    assert tried["account"] == "spare"
    [skipped] = tried["route"]
    assert skipped["account"] == "twilio"
    assert skipped["skipped"].startswith("circuit open since")
    assert skipped["skipped"].endswith("9 of 10 failed")


async def test_rules_of_country_and_category_choose(pair: Pair) -> None:
    async with pair.system.app.db.leader() as conn:
        await conn.execute(
            text("UPDATE accounts SET countries = '{+4179,DE}', version = 2 WHERE name = 'twilio'")
        )
    await asyncio.sleep(5.1)
    found = await pair.text()
    assert found["deliveries"][0]["tries"][0]["account"] == "spare"
    for phone in ("+41791234567", "+4915112345678"):
        made = await pair.system.ask(
            recipient={"phone": phone}, content={"sms": {"text": "It rang"}}
        )
        found = await pair.system.finished(made["id"])
        assert found["deliveries"][0]["tries"][0]["account"] == "twilio", phone


async def test_slow_receipts_open_a_circuit(pair: Pair) -> None:
    async with pair.system.app.db.leader() as conn:
        await conn.execute(
            text("UPDATE accounts SET slow_seconds = 60, slow_share = 0.3 WHERE name = 'twilio'")
        )
    for number in range(20):
        assert (await pair.text(number))["state"] == "sent"
    await pair.system.upkeep.judge_receipts()
    assert (await pair.circuit("twilio"))[0] == "closed", "they have a minute"
    async with pair.system.app.db.leader() as conn:
        await conn.execute(text("UPDATE account_states SET changed_at = now() - interval '1 hour'"))
        await conn.execute(
            text("UPDATE deliveries SET attempted_at = attempted_at - interval '2 minutes'")
        )
    await pair.system.upkeep.judge_receipts()
    state, why = await pair.circuit("twilio")
    assert (state, why) == ("open", "20 of 20 receipts took longer than 60 s")


async def test_a_pace_is_kept_and_nothing_is_lost(pair: Pair) -> None:
    async with pair.system.app.db.leader() as conn:
        await conn.execute(text("UPDATE accounts SET per_second = 20, version = 2"))
    await asyncio.sleep(5.1)
    content = {"sms": {"text": "It rang"}}
    asked = [{"recipient": {"phone": f"+1415555{n:04}"}, "content": content} for n in range(60)]
    answer = await pair.system.client.post("/v1/notifications/batch", json={"notifications": asked})
    ids = [one["id"] for one in answer.json()["items"]]
    found = [await pair.system.finished(id) for id in ids]
    assert {one["state"] for one in found} == {"sent"}
    assert len(pair.cheap.taken) == 60
    [span] = await pair.rows(
        "SELECT max(attempted_at) - min(attempted_at) AS length FROM deliveries"
    )
    print(f"60 texts at 20 a second took {span.length.total_seconds():.1f} s")
    assert span.length.total_seconds() > 1.5, "a second's worth at once, the rest at its pace"
    wanted = {f"+1415555{n:04}" for n in range(60)}
    assert {one.address for one in pair.cheap.taken} == wanted
