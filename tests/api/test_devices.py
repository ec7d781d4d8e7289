"""/v1/profiles/{id}/devices: tokens of phones and subscriptions of browsers."""

from typing import Any

import pytest

from tests.api.test_profiles import a_profile
from tests.fixtures.api import Client, problem_fields

TOKEN = "0a" * 32


async def test_devices_are_added_renewed_and_removed(client: Client) -> None:
    path = f"/v1/profiles/{(await a_profile(client))['id']}"
    phone = {"channel": "push", "platform": "ios", "token": TOKEN}
    answer = await client.post(f"{path}/devices", json=phone)
    assert answer.status_code == 201
    device = answer.json()
    assert {name: device[name] for name in phone} == phone
    again = await client.post(f"{path}/devices", json={"channel": "push", "token": TOKEN})
    assert again.json() == device
    shown = (await client.get(path)).json()
    assert shown["devices"] == [device]
    assert shown["version"] == 3
    assert (await client.get(f"{path}/devices")).json()["items"] == [device]
    assert (await client.delete(f"{path}/devices/{device['id']}")).status_code == 204
    assert (await client.delete(f"{path}/devices/{device['id']}")).status_code == 404
    assert (await client.get(path)).json()["devices"] == []


async def test_a_browsers_subscription(client: Client) -> None:
    path = f"/v1/profiles/{(await a_profile(client))['id']}/devices"
    subscription = {
        "endpoint": "https://push.example.com/abc",
        "keys": {"p256dh": "BNcRd", "auth": "tBHI"},
    }
    answer = await client.post(path, json={"channel": "webpush", "subscription": subscription})
    assert answer.status_code == 201
    assert answer.json()["subscription"] == subscription
    assert answer.json()["token"] is None


@pytest.mark.parametrize(
    ("device", "field"),
    [
        ({"channel": "push"}, "token"),
        ({"channel": "push", "platform": "ios", "token": "abc"}, "token"),
        ({"channel": "push", "platform": "iPhone", "token": TOKEN}, "platform"),
        ({"channel": "push", "token": "two words"}, "token"),
        ({"channel": "push", "token": "t", "subscription": {}}, "subscription"),
        ({"channel": "webpush", "token": "t"}, "token"),
        ({"channel": "webpush"}, "subscription.endpoint"),
        (
            {"channel": "webpush", "subscription": {"endpoint": "http://example.com"}},
            "subscription.endpoint",
        ),
        (
            {"channel": "webpush", "subscription": {"endpoint": "https://[x/"}},
            "subscription.endpoint",
        ),
        (
            {"channel": "webpush", "subscription": {"endpoint": "https://example.com/x"}},
            "subscription.keys.p256dh",
        ),
        ({"channel": "email", "token": "t"}, "channel"),
    ],
)
async def test_a_device_must_be_usable(client: Client, device: dict[str, Any], field: str) -> None:
    path = f"/v1/profiles/{(await a_profile(client))['id']}/devices"
    answer = await client.post(path, json=device)
    assert answer.status_code == 422
    assert problem_fields(answer) == [field]
