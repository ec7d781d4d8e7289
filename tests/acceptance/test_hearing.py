"""Receipts, replies, outgoing webhooks and look-ups, through the running system."""

import asyncio
import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from domain.ids import encode
from fakes.http_server import FakeHttp
from fakes.http_vendor import Behaviour
from fakes.twilio import FakeTwilio
from tests.fixtures.heard import make
from tests.fixtures.servers import until
from tests.fixtures.system import System
from workers.announcing import Announcing
from workers.connections import open_work
from workers.reconciling import Reconciling

PHONE = "+14155550100"


@dataclass
class Texts:
    """A system whose texts go over a fake Twilio."""

    system: System
    fake: FakeTwilio
    account: str

    @property
    def receipts_url(self) -> str:
        return f"{self.system.app.settings.base_url}/v1/receipts/{self.account}"

    async def send(self, **change: Any) -> dict[str, Any]:
        made = await self.system.ask(
            recipient={"phone": PHONE}, content={"sms": {"text": "It rang"}}, **change
        )
        return await self.system.finished(made["id"])

    async def reply(self, words: str, **more: Any) -> int:
        call = self.fake.reply(PHONE, "+14155550199", words, url=self.receipts_url, **more)
        return (await make(self.system.client, call)).status_code

    async def bodies(self) -> list[str]:
        return [one.fields["Body"] for one in self.fake.taken]


@pytest.fixture
async def texts(system: System) -> AsyncIterator[Texts]:
    fake = FakeTwilio()
    async with FakeHttp(fake) as server:
        await system.remove_sandbox("sms")
        settings = {
            "base_url": server.url("twilio"), "account_sid": fake.account_sid,
            "auth_token": fake.token, "from": "+14155550199",
        }  # fmt: skip
        id = await system.add_account("texts", "sms", "twilio", settings)
        yield Texts(system, fake, encode("acc", id))


async def test_a_receipt_reaches_its_notification(texts: Texts) -> None:
    sent = await texts.send()
    assert sent["state"] == "sent"
    [taken] = texts.fake.taken
    call = texts.fake.receipt(taken, "delivered", url="")
    assert call.url.startswith(texts.receipts_url)
    for _ in range(3):
        assert (await make(texts.system.client, call)).status_code == 200
    found = await texts.system.get(sent["id"])
    assert (found["state"], len(found["deliveries"][0]["receipts"])) == ("delivered", 1)


async def test_a_reply_is_kept_and_stop_is_obeyed_and_confirmed_once(texts: Texts) -> None:
    sent = await texts.send()
    assert await texts.reply("Thank you for the bell") == 200
    found = await texts.system.get(sent["id"])
    assert "reply" in [event["event"] for event in found["timeline"]]
    assert await texts.reply("stop") == 200
    await until(lambda: _true(len(texts.fake.taken) == 2), 20)
    assert "unsubscribed" in (await texts.bodies())[1]
    assert await texts.reply("STOP") == 200
    stopped = await texts.send()
    assert (stopped["state"], stopped["reason"]) == ("suppressed", "unsubscribed")
    assert await texts.reply("START") == 200
    assert (await texts.send())["state"] == "sent"
    assert len([one for one in await texts.bodies() if "unsubscribed" in one]) == 1


async def test_what_twilio_has_answered_itself_is_not_answered_again(texts: Texts) -> None:
    await texts.send()
    assert await texts.reply("STOP", choice="STOP") == 200
    await asyncio.sleep(1)
    assert len(texts.fake.taken) == 1
    assert (await texts.send())["state"] == "suppressed"


async def test_help_is_answered(texts: Texts) -> None:
    await texts.send()
    assert await texts.reply("HELP") == 200
    await until(lambda: _true(len(texts.fake.taken) == 2), 20)
    assert "STOP" in (await texts.bodies())[1]


async def test_what_nobody_knew_is_looked_up(texts: Texts) -> None:
    texts.fake.script(Behaviour.DROP_AFTER_BODY, Behaviour.DROP_BEFORE_BODY)
    taken = await texts.send(category="bulk")
    lost = await texts.send(category="bulk")
    assert (taken["state"], lost["state"]) == ("unknown", "unknown")
    assert len(texts.fake.taken) == 1
    async with texts.system.app.db.leader() as conn:
        await conn.execute(
            text("UPDATE deliveries SET attempted_at = attempted_at - interval '4 minutes'")
        )
        # the vendor's own clock must agree with when they were made
    for one in texts.fake.taken:
        made = dict(one.fields)
        made["date_created"] = _earlier(made["date_created"])
        texts.fake.taken = [type(one)(one.id, one.address, one.tag, one.asked, made)]
    _, router = open_work(texts.system.app)
    asked = await Reconciling(texts.system.app, router.accounts).reconcile()
    await router.close()
    states = {(await texts.system.get(one["id"]))["state"] for one in (taken, lost)}
    print(f"looked up {asked}: {states}")
    assert asked == 2
    assert "sent" in states


@dataclass
class Receiver:
    """A server of a module's, which fails as often as told before it listens."""

    secret: str = ""
    failures: int = 0
    told: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    wrong: int = 0

    async def hear(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        id, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        key = b64decode(self.secret.removeprefix("whsec_"))
        digest = hmac.digest(key, f"{id}.{at}.".encode() + body, "sha256")
        if request.headers["webhook-signature"] != f"v1,{b64encode(digest).decode()}":
            self.wrong += 1
            return web.Response(status=401)
        self.ids.append(id)
        if self.failures:
            self.failures -= 1
            return web.Response(status=500)
        self.told.append(json.loads(body))
        return web.Response(status=204)


async def test_a_webhook_is_told_signed_and_again_after_a_failure(texts: Texts) -> None:
    receiver = Receiver(failures=1)
    server = web.Server(receiver.hear)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/hook"
    body = {"url": url, "events": ["delivery.sent", "reply"]}
    answer = await texts.system.client.post("/v1/webhooks", json=body)
    assert answer.status_code == 201, answer.text
    receiver.secret = answer.json()["secret"]
    async with Announcing(texts.system.app):
        sent = await texts.send()
        await texts.reply("Thank you")
        await until(lambda: _true(len(receiver.told) == 2), 30)
    listening.close()
    await server.shutdown()
    kinds = {one["type"] for one in receiver.told}
    print(f"told {kinds} in {len(receiver.ids)} calls, {receiver.wrong} wrongly signed")
    assert (kinds, receiver.wrong) == ({"delivery.sent", "reply"}, 0)
    assert len(receiver.ids) == 3, "the one that failed came again"
    assert len(set(receiver.ids)) == 2, "under the same id"
    about = next(one for one in receiver.told if one["type"] == "delivery.sent")
    assert about["data"]["notification"] == sent["id"]
    assert PHONE not in json.dumps(receiver.told), "ids only"
    read = await texts.system.client.get(f"/v1/webhooks/{answer.json()['id']}")
    assert receiver.secret not in read.text, "the secret is shown once"


async def _true(value: bool) -> bool:
    return value


def _earlier(date: str) -> str:
    from datetime import timedelta
    from email.utils import format_datetime, parsedate_to_datetime

    return format_datetime(parsedate_to_datetime(date) - timedelta(minutes=4))
