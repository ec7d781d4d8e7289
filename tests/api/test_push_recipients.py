"""Push tokens in a request: as they are, or with the platform of their phone."""

from typing import Any

import pytest

from activities.planning import plan_new
from domain.ids import decode
from domain.vocabulary import Channel
from fakes.apns import FakeApns
from fakes.fcm import FakeFcm
from fakes.http2_server import FakeHttp2
from fakes.http_server import FakeHttp
from services.app import App
from tests.contract.conftest import all_cases
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.heard import fetch
from tests.fixtures.otp import OtpClient
from tests.fixtures.system import System

APNS, FCM = "0a" * 32, "dGhpcyBpcyBh:APA91bGx_0-x"
PHONES: list[Any] = [FCM, APNS, {"token": "Zz9", "platform": "android"}, {"token": "b1" * 40}]
PUSH: dict[str, Any] = {
    "recipient": {"push": PHONES},
    "content": {"push": {"title": "It rang"}},
}


async def targets(app: App, id: str) -> dict[str, str]:
    """Plan a notification as a worker does, and return the platform of each token."""
    async with app.db.leader() as conn:
        await plan_new(conn, [decode("ntf", id)], id)
    found = await fetch(app, "SELECT address, target, channel FROM deliveries ORDER BY id")
    assert {one.channel for one in found} == {Channel.PUSH}
    return {one.address: one.target["platform"] for one in found}


async def test_each_token_goes_to_its_platform(app: App, client: Client) -> None:
    made = (await client.post("/v1/notifications", json=PUSH)).json()
    assert await targets(app, made["id"]) == {
        FCM: "android", APNS: "ios", "Zz9": "android", "b1" * 40: "ios",
    }  # fmt: skip
    shown = (await client.get(f"/v1/notifications/{made['id']}")).json()
    assert shown["recipient"]["push"] == [
        "dGh•••_0-x", "0a0•••0a0a", {"token": "Z•••", "platform": "android"},
        {"token": "b1b•••b1b1"},
    ]  # fmt: skip
    by_token = await client.get("/v1/notifications", params={"recipient": "Zz9"})
    assert [one["id"] for one in by_token.json()["items"]] == [made["id"]]


async def test_what_a_client_knows_of_a_token_counts_more_than_its_form(
    app: App, client: Client
) -> None:
    twice = [{"token": APNS, "platform": "android"}, APNS]
    made = (
        await client.post("/v1/notifications", json={**PUSH, "recipient": {"push": twice}})
    ).json()
    assert await targets(app, made["id"]) == {APNS: "android"}, "a token is one phone"


WRONG: list[tuple[Any, str]] = [
    ("two words", "push[1]"),
    ("", "push[1]"),
    ("é", "push[1]"),
    (7, "push[1]"),
    ({"token": "two words", "platform": "android"}, "push[1].token"),
    ({"token": FCM, "platform": "ios"}, "push[1].token"),
    ({"token": f"<{APNS}>", "platform": "ios"}, "push[1].token"),
    ({"token": "a" * 4_097}, "push[1].token"),
    ({"token": FCM, "platform": "windows"}, "push[1].platform"),
    ({"platform": "ios"}, "push[1].token"),
    ({"token": FCM, "plattform": "ios"}, "push[1].plattform"),
]


async def test_a_wrong_token_is_named(client: Client) -> None:
    for given, field in WRONG:
        body = {**PUSH, "recipient": {"push": [FCM, given]}}
        answer = await client.post("/v1/notifications", json=body)
        assert answer.status_code == 422, given
        assert problem_fields(answer) == [f"recipient.{field}"]
        answer = await client.post("/v1/notifications/batch", json={"notifications": [PUSH, body]})
        good, bad = answer.json()["items"]
        assert good["id"]
        assert [one["field"] for one in bad["error"]["errors"]] == [
            f"notifications[1].recipient.{field}"
        ]
        otp = {"recipient": body["recipient"], "channels": ["push"]}
        answer = await client.post("/v1/otp", json=otp)
        assert answer.status_code == 422
        assert problem_fields(answer) == [f"recipient.{field}"]


async def test_a_code_goes_to_the_platform_too(otp: OtpClient) -> None:
    recipient = {"push": [{"token": "Zz9", "platform": "android"}]}
    id = await otp.made(recipient=recipient, channels=["push"])
    [row] = await otp.notifications(id)
    assert row.recipient == recipient
    assert await targets(otp.app, row.workflow_id) == {"Zz9": "android"}


@pytest.fixture
def phones() -> dict[str, Any]:
    return {case.vendor: case for case in all_cases() if case.vendor in ("fcm", "apns")}


async def test_each_phone_is_reached_by_its_own_vendor(
    system: System, phones: dict[str, Any]
) -> None:
    await system.remove_sandbox("push")
    async with FakeHttp(FakeFcm()) as http, FakeHttp2(FakeApns()) as http2:
        for server, name in ((http, "fcm"), (http2, "apns")):
            given = phones[name].account(server.url(name), **server.settings)
            await system.add_account(name, "push", name, given)
        devices = [
            {"token": phones["fcm"].address, "platform": "android"},
            {"token": phones["apns"].address, "platform": "ios"},
        ]
        made = await system.ask(recipient={"push": devices}, content={"push": {"title": "It rang"}})
        found = await system.finished(made["id"])
    assert {one["vendor"]: one["state"] for one in found["deliveries"]} == {
        "fcm": "sent", "apns": "sent",
    }  # fmt: skip
