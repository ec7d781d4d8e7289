"""Calls of Mandrill and Infobip through the API: probed, believed, refused, repeated."""

from typing import Any
from uuid import UUID

import pytest

from domain.ids import encode
from domain.vocabulary import Channel
from fakes.http_vendor import Asked, Call, Forgery, Taken
from fakes.infobip import FakeInfobip
from fakes.mandrill import FakeMandrill
from services.app import App
from tests.fixtures.api import Client
from tests.fixtures.heard import PHONE, an_account, an_attempt, fetch, make, state_of, url_of

MAIL = "sam@example.com"
FAKES: dict[str, Any] = {"mandrill": FakeMandrill, "infobip": FakeInfobip}
SETTINGS: dict[str, dict[str, Any]] = {
    "mandrill": {"api_key": "k", "webhook_key": FakeMandrill.webhook_key},
    "infobip": {
        "base_url": "https://xyz123.api.infobip.com",
        "api_key": "k",
        "from": "InfoSMS",
        "webhook_password": FakeInfobip.password,
    },
}
ADDRESSES = {"mandrill": MAIL, "infobip": PHONE}
DELIVERED = {"mandrill": "delivered", "infobip": "DELIVERED_TO_HANDSET"}
CHANNELS = {"mandrill": Channel.EMAIL, "infobip": Channel.SMS}


async def added(app: App, vendor: str) -> UUID:
    return await an_account(app, vendor, vendor, CHANNELS[vendor], **SETTINGS[vendor])


def told(app: App, vendor: str, account: UUID, attempt: UUID, **given: Any) -> Call:
    """Return the call that tells that an attempt was delivered."""
    tag = encode("att", attempt)
    asked = Asked("POST", "/", "", {}, b"")
    taken = Taken(tag, ADDRESSES[vendor], tag, asked, {"subject": "Hello"})
    call: Call = FAKES[vendor]().receipt(
        taken, DELIVERED[vendor], url=url_of(app, account), **given
    )
    return call


async def verdicts(client: Client) -> list[str]:
    """Return what became of the calls, newest first."""
    items = (await client.get("/v1/receipts")).json()["items"]
    return [one["verdict"] for one in items]


@pytest.mark.parametrize("vendor", FAKES)
async def test_a_true_call_is_heard_once_and_a_forged_one_counted(
    app: App, client: Client, vendor: str
) -> None:
    account = await added(app, vendor)
    row = await an_attempt(
        app, account, address=ADDRESSES[vendor], channel=CHANNELS[vendor], class_="bulk"
    )
    for forgery in (Forgery.UNSIGNED, Forgery.WRONG_KEY):
        call = told(app, vendor, account, row["attempt"], forgery=forgery)
        assert (await make(client, call)).status_code == 403
    assert await state_of(app, row) == "sent"
    call = told(app, vendor, account, row["attempt"])
    for _ in range(2):
        assert (await make(client, call)).status_code == 200
    assert await state_of(app, row) == "delivered"
    assert await verdicts(client) == ["repeated", "heard", "forged", "forged"]
    [stats] = await fetch(
        app, "SELECT sum(receipts) AS receipts, sum(forged) AS forged FROM account_stats"
    )
    assert (stats.receipts, stats.forged) == (1, 2)


async def test_mandrill_sees_that_its_new_webhook_is_there(app: App, client: Client) -> None:
    account = await added(app, "mandrill")
    answer = await make(client, FakeMandrill().probe(url=url_of(app, account)))
    assert (answer.status_code, answer.content) == (200, b"")
    assert await verdicts(client) == []


async def test_mandrills_own_test_events_are_heard_and_change_nothing(
    app: App, client: Client
) -> None:
    account = await added(app, "mandrill")
    event = {"event": "send", "msg": {"metadata": {"user_id": 111}}, "_id": "example", "ts": 1}
    call = FakeMandrill().call([event], url=url_of(app, account))
    assert (await make(client, call)).status_code == 200
    assert await verdicts(client) == ["heard"]
    assert await fetch(app, "SELECT 1 FROM receipts") == []


async def test_stop_that_came_by_infobip_means_stop(app: App, client: Client) -> None:
    account = await added(app, "infobip")
    row = await an_attempt(app, account)
    call = FakeInfobip().reply(
        PHONE.removeprefix("+"), "41793026834", "Stop", url=url_of(app, account)
    )
    assert (await make(client, call)).status_code == 200
    [reply] = await fetch(app, "SELECT * FROM replies")
    assert reply.sender == PHONE
    [suppression] = await fetch(app, "SELECT * FROM suppressions")
    assert suppression.address == PHONE
    assert await state_of(app, row) == "sent"
