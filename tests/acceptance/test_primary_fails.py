"""The primary account fails under mixed load: nothing is lost, and it takes its traffic back."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from sqlalchemy import text

from domain.balance import balanced
from domain.ids import encode, new_id
from fakes.http_server import FakeHttp
from fakes.http_vendor import Answer, Asked, Behaviour
from fakes.smtp import FakeSmtp
from fakes.twilio import FakeTwilio
from services.app import close_app, open_app
from stores import accounts
from tests.fixtures.api import settings_for
from tests.fixtures.deployment import Deployment
from tests.fixtures.servers import TestTemporal, until

LOAD: Final = (("transactional", 5), ("otp", 2), ("bulk", 3))
"""Shares of ten single texts; batches of texts and single mails go beside them."""
BATCH: Final = 50
BACKLOG: Final = 100
"""Messages that may wait at most: so the load is what the machine carries, and no more."""


class Primary(FakeTwilio):
    """The cheap account: once it fails, it does so in every way in turn."""

    name = "primary"

    def __init__(self) -> None:
        super().__init__()
        self.arrivals: list[tuple[str, float]] = []
        self.failing = False
        self.failed: Counter[Behaviour] = Counter()
        self._ways: Iterator[Behaviour] = itertools.cycle(
            [
                Behaviour.UNAVAILABLE, Behaviour.DROP_AFTER_BODY, Behaviour.THROTTLE,
                Behaviour.REJECT_ACCOUNT, Behaviour.HANG, Behaviour.UNAVAILABLE,
            ]
        )  # fmt: skip

    def behaviour_for(self, asked: Asked) -> Behaviour:
        way = next(self._ways) if self.failing else Behaviour.ACCEPT
        if self.failing:
            self.failed[way] += 1
        return way

    def answer(self, asked: Asked) -> Answer:
        before = len(self.taken)
        answer = super().answer(asked)
        self.arrivals += [(one.tag, time.monotonic()) for one in self.taken[before:]]
        return answer


class Spare(Primary):
    """The dear account, which always works."""

    name = "spare"


@dataclass
class Load:
    """What was asked, and when it was promised."""

    client: httpx.AsyncClient
    received: Callable[[], int]
    asked: int = 0
    promised: dict[str, float] = field(default_factory=dict)
    texts: set[str] = field(default_factory=set)
    number: Iterator[int] = field(default_factory=itertools.count)

    async def one(self) -> None:
        """Post a single text of some class, and every fifth time a mail."""
        n = next(self.number)
        classes = [name for name, share in LOAD for _ in range(share)]
        body: dict[str, Any] = {
            "recipient": {"phone": f"+1415{n:07}"}, "content": {"sms": {"text": "It rang"}},
            "category": classes[n % len(classes)],
        }  # fmt: skip
        if n % 5 == 0:
            body |= {
                "recipient": {"email": f"r{n}@example.com"},
                "content": {"email": {"subject": "Hi", "text": "Hello"}},
            }
        answer = await self.client.post("/v1/notifications", json=body)
        assert answer.status_code == 202, answer.text
        self._note([answer.json()["id"]], is_text=n % 5 != 0)

    async def many(self) -> None:
        """Post a batch of texts."""
        content = {"sms": {"text": "It rang"}}
        asked = [
            {"recipient": {"phone": f"+1415{next(self.number):07}"}, "content": content}
            for _ in range(BATCH)
        ]
        answer = await self.client.post("/v1/notifications/batch", json={"notifications": asked})
        self._note([one["id"] for one in answer.json()["items"]], is_text=True)

    def _note(self, ids: list[str], *, is_text: bool) -> None:
        now = time.monotonic()
        self.promised |= dict.fromkeys(ids, now)
        self.texts |= set(ids) if is_text else set()

    async def run(self, total: int, concurrency: int) -> None:
        """Post until `total` were promised."""

        async def poster() -> None:
            for turn in itertools.count():
                if len(self.promised) >= total:
                    return
                while self.asked - self.received() > BACKLOG:
                    await asyncio.sleep(0.02)
                batch = turn % 10 == 0
                self.asked += BATCH if batch else 1
                await (self.many() if batch else self.one())

        await asyncio.gather(*(poster() for _ in range(concurrency)))


@asynccontextmanager
async def running(
    database: Any, temporal: TestTemporal, folder: Path, primary: Primary, spare: Spare
) -> AsyncIterator[Deployment]:
    """Start API and workers with two accounts for texts, the failing one the cheaper."""
    async with FakeSmtp() as smtp, FakeHttp(primary, spare) as server:
        system = Deployment(database, temporal.address, "default", folder, smtp)
        system.extra = {"TOCSIN_ALLOW_NETWORKS": "127.0.0.0/8", "TOCSIN_OTP_START_SECONDS": "120"}
        await system.prepare()
        app = open_app(settings_for(database))
        async with app.db.leader() as conn:
            await conn.execute(text("UPDATE accounts SET enabled = false WHERE channel = 'sms'"))
            for fake in (primary, spare):
                given = {
                    "base_url": server.url(fake.name), "account_sid": fake.account_sid,
                    "auth_token": fake.token, "from": "+14155550199", "reply_seconds": 2,
                }  # fmt: skip
                await accounts.put(
                    conn, id=new_id(), name=fake.name, channel="sms", vendor="twilio",
                    settings=app.seal.close(given),
                )  # fmt: skip
            await conn.execute(text("UPDATE accounts SET cost = 1 WHERE name = 'spare'"))
        await close_app(app)
        try:
            await system.start("api", "api")
            await system.start("one", "worker", "--lanes", "high,medium")
            await system.start("two", "worker", "--lanes", "low,control")
            await until(system.api_ready, 60)
            for worker in ("one", "two"):
                await until(partial(system.said, worker, "worker.serving"), 60)
            yield system
        finally:
            await system.close()


@pytest.mark.timeout(900)
async def test_the_primary_account_fails_under_load_and_nothing_is_lost(
    database: Any, temporal_server: TestTemporal, tmp_path: Path, chaos: int
) -> None:
    primary, spare = Primary(), Spare()
    total = chaos * 2
    async with (
        running(database, temporal_server, tmp_path, primary, spare) as system,
        system.client() as client,
    ):

        def came() -> int:
            return len(primary.taken) + len(spare.taken) + len(system.smtp.messages)

        load, started = Load(client, came), time.monotonic()
        posting = asyncio.create_task(load.run(total, concurrency=12))
        while len(load.promised) < total * 0.3:
            await asyncio.sleep(0.02)
        primary.failing, switched = True, time.monotonic()
        await posting
        rate = total / (time.monotonic() - started)
        await system.settled(240)
        drained = time.monotonic() - started
        primary.failing = False

        async def healed() -> bool:
            before = len(primary.taken)
            await load.one()
            await asyncio.sleep(0.5)
            [row] = await system.query(
                "SELECT circuit FROM account_states s JOIN accounts a ON a.id = s.account_id"
                " WHERE a.name = 'primary'"
            )
            return row["circuit"] == "closed" and len(primary.taken) > before

        await until(healed, 60)
        await system.settled(120)
        rows = await system.query(
            "SELECT notification_id, state, class, attempts, maybe_sent, channel FROM deliveries"
        )
        tags = await system.query(
            "SELECT attempt_id AS id, notification_id AS ntf FROM deliveries"
            " UNION ALL SELECT t.id, d.notification_id FROM attempts t"
            " JOIN deliveries d ON d.id = t.delivery_id"
        )
        totals = (await client.get("/v1/analytics/summary")).json()["totals"]
    owner = {encode("att", row["id"]): encode("ntf", row["ntf"]) for row in tags if row["id"]}
    arrivals = [(owner[tag], at) for tag, at in (*primary.arrivals, *spare.arrivals)]
    received = Counter(id for id, _ in arrivals)
    state = {encode("ntf", row["notification_id"]): row for row in rows}
    prompt = _prompt(load, arrivals, switched)
    twice = {id for id, times in received.items() if times > 1}
    unknown = {id for id, row in state.items() if row["state"] == "unknown"}
    print(
        f"{len(load.promised)} promised at {rate:.0f}/s, {BACKLOG} waiting at most, drained after"
        f" {drained:.0f} s: {totals}; "
        f"the primary failed {sum(primary.failed.values())} times {dict(primary.failed)}; "
        f"{len(prompt)} texts were promised in the 5 s after the switch, "
        f"{sum(prompt) / max(len(prompt), 1):.1%} of them arrived within 10 s; "
        f"received twice {len(twice)}, unknown {len(unknown)}; "
        f"primary {len(primary.taken)}, spare {len(spare.taken)}"
    )
    assert sum(primary.failed.values()) > 0, "the primary never failed"
    assert balanced(totals)
    assert totals["asked"] == len(load.promised)
    assert {row["state"] for row in state.values()} <= {"sent", "unknown"}
    assert {id for id in load.texts if state[id]["state"] == "sent"} <= set(received)
    for id in twice:  # sent again only where the first may have arrived, by the class's policy
        assert state[id]["maybe_sent"], id
        assert state[id]["class"] in ("otp", "transactional"), id
    assert all(state[id]["class"] == "bulk" for id in unknown)


def _prompt(load: Load, arrivals: list[tuple[str, float]], switched: float) -> list[bool]:
    """Return, for texts promised in the five seconds after the switch, who came within ten."""
    first: dict[str, float] = {}
    for id, at in arrivals:
        first[id] = min(at, first.get(id, at))
    asked = {
        id: at
        for id, at in load.promised.items()
        if id in load.texts and switched <= at <= switched + 5
    }
    return [first.get(id, float("inf")) - at <= 10 for id, at in asked.items()]
