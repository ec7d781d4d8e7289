"""What receipts do besides: suppress addresses and lift that, confirm, fetch, answer."""

import itertools
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from sqlalchemy import text

from activities.planning import plan_new
from domain.http import HttpRequest, HttpResponse
from domain.ids import encode, new_id
from domain.vocabulary import Channel
from fakes.twilio import FakeTwilio
from services.app import App
from services.outside import Outside
from tests.fixtures import rows
from tests.fixtures.api import Client
from tests.fixtures.heard import (
    PHONE,
    Probe,
    an_account,
    an_attempt,
    callback,
    default_module,
    fetch,
    make,
    state_of,
)
from vendors.registry import KINDS


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> Probe:
    made = Probe()
    monkeypatch.setitem(KINDS, "probe", made.kind)
    return made


async def suppressed(app: App) -> list[tuple[str, str, str | None, bool, str]]:
    """(channel, address, category, for all modules, reason) of every suppression."""
    found = await fetch(app, "SELECT * FROM suppressions ORDER BY reason, category")
    return [(s.channel, s.address, s.category, s.module_id is None, s.reason) for s in found]


async def planned_state(app: App, **given: Any) -> tuple[str, str]:
    """The state and reason of the next delivery to PHONE."""
    usual: dict[str, Any] = {
        "module_id": await default_module(app), "channels": ["sms"],
        "recipient": {"phone": PHONE}, "content": {"sms": {"text": "Hi"}},
    }  # fmt: skip
    async with app.db.leader() as conn:
        row = await rows.accepted(conn, **{**usual, **given})
        await plan_new(conn, [row["id"]], row["workflow_id"])
        found = await conn.execute(
            text("SELECT state, reason FROM deliveries WHERE notification_id = :id"),
            {"id": row["id"]},
        )
        one = found.one()
    return one.state, one.reason


async def test_after_a_hard_failure_the_next_one_is_suppressed(app: App, client: Client) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account)
    fake = FakeTwilio()
    fake.error = "30005"
    for _ in range(3):
        await make(client, callback(app, account, row["attempt"], "undelivered", fake=fake))
    assert await state_of(app, row) == "sent", "the balance keeps it, with its receipt"
    assert await suppressed(app) == [("sms", PHONE, None, True, "invalid_address")]
    assert await planned_state(app) == ("suppressed", "invalid_address")


async def test_a_soft_failure_suppresses_nothing(app: App, client: Client) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account)
    await make(client, callback(app, account, row["attempt"], "undelivered"))
    assert await suppressed(app) == []
    assert await planned_state(app) == ("accepted", "")
    found = (await client.get(f"/v1/notifications/{encode('ntf', row['id'])}")).json()
    assert found["deliveries"][0]["receipts"][0]["reason"] == "unreachable"


async def test_what_the_recipient_wants_holds_for_this_module_alone(
    app: App, client: Client
) -> None:
    account = await an_account(app)
    row = await an_attempt(app, account)
    fake = FakeTwilio()
    fake.error = "21610"
    await make(client, callback(app, account, row["attempt"], "failed", fake=fake))
    assert await suppressed(app) == [("sms", PHONE, None, False, "opted_out")]
    assert await planned_state(app, module_id=new_id()) == ("accepted", "")


EARLY, LATE = "2030-01-01T00:00:00+00:00", "2030-01-01T00:05:00+00:00"
FAILED = {"kind": "failed", "hard": True, "reason": "invalid_address"}
BOUNCED = {"kind": "bounced", "hard": True}
STORIES: dict[str, tuple[list[dict[str, Any]], Any]] = {
    "failed and, by the vendor's clock, then delivered": (
        [{**FAILED, "at": EARLY}, {"kind": "delivered", "at": LATE}], [],
    ),
    "delivered, and a failure told of before": (
        [{"kind": "delivered", "at": EARLY}, {**FAILED, "at": LATE}], [],
    ),
    "bounced, then delivered": (
        [{**BOUNCED, "at": EARLY}, {"kind": "delivered", "at": LATE}], [],
    ),
    "delivered, then bounced late": (
        [{"kind": "delivered", "at": EARLY}, {**BOUNCED, "at": LATE}], ["hard_bounce"],
    ),
    "bounced, then opened by a scanner": (
        [{**BOUNCED, "at": EARLY}, {"kind": "opened", "machine": True, "at": LATE}],
        ["hard_bounce"],
    ),
    "delivered, then complained": (
        [{"kind": "complained", "at": EARLY}, {"kind": "delivered", "at": LATE}], ["complained"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES)
async def test_the_order_of_arrival_decides_nothing(
    app: App, client: Client, probe: Probe, story: str
) -> None:
    told, expected = STORIES[story]
    account = await an_account(app, "probe", "probe", "email")
    for order in itertools.permutations(told):
        row = await an_attempt(app, account, address="sam@example.com", channel=Channel.EMAIL)
        for one in (*order, *order):
            report = {**one, "attempt_id": encode("att", row["attempt"])}
            assert (await probe.tell(client, account, report)).status_code == 200
        found = await suppressed(app)
        assert [reason for *_, reason in found] == expected
        assert {address for _, address, *_ in found} <= {"sam@example.com"}, "not the report's"
        async with app.db.leader() as conn:
            await conn.execute(text("DELETE FROM suppressions"))


async def test_all_of_it_in_one_call_ends_the_same(app: App, client: Client, probe: Probe) -> None:
    account = await an_account(app, "probe", "probe", "email")
    attempts = [
        await an_attempt(app, account, address=f"{n}@example.com", channel=Channel.EMAIL)
        for n in range(20)
    ]
    told = []
    for number, row in enumerate(attempts):
        id = encode("att", row["attempt"])
        told += [{**BOUNCED, "at": EARLY, "attempt_id": id}]
        told += [{"kind": "delivered", "at": LATE, "attempt_id": id}] if number % 2 else []
    assert (await probe.tell(client, account, *told)).status_code == 200
    assert [address for _, address, *_ in await suppressed(app)] == unordered(
        await suppressed(app), [f"{n}@example.com" for n in range(0, 20, 2)]
    )


def unordered(found: list[Any], expected: list[str]) -> list[str]:
    """The expected addresses in the order in which they were found."""
    assert sorted(one[1] for one in found) == sorted(expected)
    return [one[1] for one in found]


async def test_a_repeated_receipt_does_not_undo_what_an_operator_lifted(
    app: App, client: Client, probe: Probe
) -> None:
    account = await an_account(app, "probe", "probe", "email")
    row = await an_attempt(app, account, address="sam@example.com", channel=Channel.EMAIL)
    report = {**BOUNCED, "attempt_id": encode("att", row["attempt"])}
    await probe.tell(client, account, dict(report))
    assert len(await suppressed(app)) == 1
    async with app.db.leader() as conn:
        await conn.execute(text("DELETE FROM suppressions"))
    await probe.tell(client, account, dict(report))
    assert await suppressed(app) == []


async def test_a_delivery_lifts_only_what_its_own_failure_did(
    app: App, client: Client, probe: Probe
) -> None:
    account = await an_account(app, "probe", "probe", "email")
    one = await an_attempt(app, account, address="sam@example.com", channel=Channel.EMAIL)
    other = await an_attempt(app, account, address="sam@example.com", channel=Channel.EMAIL)
    await probe.tell(client, account, {**BOUNCED, "attempt_id": encode("att", one["attempt"])})
    arrived = {"kind": "delivered", "at": LATE, "attempt_id": encode("att", other["attempt"])}
    await probe.tell(client, account, arrived)
    assert len(await suppressed(app)) == 1


@pytest.mark.parametrize("kind", [None, "clicked"])
async def test_an_unsubscription_holds_for_its_category(
    app: App, client: Client, probe: Probe, kind: str | None
) -> None:
    account = await an_account(app, "probe", "probe", "email")
    row = await an_attempt(
        app, account, address="sam@example.com", channel=Channel.EMAIL, class_="marketing"
    )
    report = {"attempt_id": encode("att", row["attempt"]), "unsubscribes": True, "kind": kind}
    await probe.tell(client, account, report)
    assert await suppressed(app) == [
        ("email", "sam@example.com", "marketing", False, "unsubscribed")
    ]


async def test_an_opening_by_a_program_is_no_reading(
    app: App, client: Client, probe: Probe
) -> None:
    account = await an_account(app, "probe", "probe", "email")
    row = await an_attempt(app, account, address="sam@example.com", channel=Channel.EMAIL)
    opened = {"attempt_id": encode("att", row["attempt"]), "kind": "opened"}
    await probe.tell(client, account, {**opened, "machine": True, "at": EARLY})
    assert await state_of(app, row) == "delivered"
    summary = (await client.get("/v1/analytics/summary")).json()
    assert summary["receipts"].get("opened", 0) == 0
    await probe.tell(client, account, {**opened, "at": LATE})
    assert await state_of(app, row) == "read"
    summary = (await client.get("/v1/analytics/summary")).json()
    assert summary["receipts"]["opened"] == 1


async def test_what_postgresql_cannot_store_is_stored_without_it(
    app: App, client: Client, probe: Probe
) -> None:
    account = await an_account(app, "probe", "probe", "email")
    row = await an_attempt(app, account, address="sam@example.com", channel=Channel.EMAIL)
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    report = {
        "attempt_id": encode("att", row["attempt"]), "kind": "delivered",
        "event_key": "\ud800\x00" + "k" * 5_000, "reason": "\x00" * 500,
        "raw": {"nul\x00": "half \ud83d", "deep": deep, "huge": 1e400, "n": 7},
    }  # fmt: skip
    assert (await probe.tell(client, account, report)).status_code == 200
    [kept] = await fetch(app, "SELECT raw, event_key FROM receipts")
    assert kept.raw["raw"]["n"] == 7
    assert len(kept.event_key) == 64
    assert await state_of(app, row) == "delivered"


async def test_the_vendors_answer_is_given_and_a_challenge_is_met(
    app: App, client: Client, probe: Probe
) -> None:
    account = await an_account(app, "probe", "probe", "email")
    path = f"/v1/receipts/{encode('acc', account)}?challenge=1158201444"
    answer = await client.get(path, headers={"X-Probe": "probe"})
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")
    assert (await client.get(path)).status_code == 403
    probe.heard = {"answer": HttpResponse(202, {"content-type": "text/xml"}, b"<Response/>")}
    told = await probe.tell(client, account)
    assert (told.status_code, told.text) == (202, "<Response/>")


class Elsewhere:
    """A server of the vendor's on this machine; `status` is what it answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self.url = ""

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.rel_url.raw_path)
        return web.Response(status=self.status, body=b"certificate")


@pytest.fixture
async def elsewhere(app: App) -> AsyncIterator[Elsewhere]:
    served = Elsewhere()
    runner = web.ServerRunner(web.Server(served.handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    served.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    app.outside = Outside(["127.0.0.0/8"])
    yield served
    await runner.cleanup()


async def test_what_a_signature_needs_is_fetched_once_a_day(
    app: App, client: Client, probe: Probe, elsewhere: Elsewhere
) -> None:
    account = await an_account(app, "probe", "probe", "email")
    url = f"{elsewhere.url}/cert.pem"
    probe.needs = (HttpRequest("GET", url),)
    for _ in range(3):
        assert (await probe.tell(client, account)).status_code == 200
    assert elsewhere.asked == ["/cert.pem"]
    assert [one.material for one in probe.checked] == [{url: b"certificate"}] * 3


async def test_a_certificate_that_cannot_be_fetched_now_asks_for_a_repeat(
    app: App, client: Client, probe: Probe, elsewhere: Elsewhere
) -> None:
    account = await an_account(app, "probe", "probe", "email")
    probe.needs = (HttpRequest("GET", f"{elsewhere.url}/cert.pem"),)
    elsewhere.status = 500
    answer = await probe.tell(client, account)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert probe.checked == []
    elsewhere.status = 404
    assert (await probe.tell(client, account)).status_code == 200
    assert [one.material for one in probe.checked] == [{}]


async def test_addresses_that_are_not_public_are_not_fetched_from(
    app: App, client: Client, probe: Probe, elsewhere: Elsewhere
) -> None:
    account = await an_account(app, "probe", "probe", "email")
    app.outside = Outside([])
    probe.needs = (HttpRequest("GET", f"{elsewhere.url}/cert.pem"),)
    assert (await probe.tell(client, account)).status_code == 200
    assert elsewhere.asked == []


async def test_a_subscription_is_confirmed_after_it_is_stored(
    app: App, client: Client, probe: Probe, elsewhere: Elsewhere
) -> None:
    account = await an_account(app, "probe", "probe", "email")
    probe.heard = {"follow": HttpRequest("GET", f"{elsewhere.url}/confirm?token=1")}
    assert (await probe.tell(client, account)).status_code == 200
    assert elsewhere.asked == ["/confirm"]
    elsewhere.status = 403
    assert (await probe.tell(client, account)).status_code == 200
    calls = (await client.get("/v1/receipts")).json()["items"]
    assert [one["detail"] for one in calls] == ["confirmation: 403", "confirmation: 200"]
