"""Accounts by API: checked by their vendor, their secrets never read back, tried at once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from fakes.http_server import FakeHttp
from fakes.http_vendor import Behaviour
from fakes.mandrill import FakeMandrill
from fakes.twilio import FakeTwilio
from services.app import close_app, open_app
from services.resealing import reseal
from tests.fixtures.accounts import SETTINGS, an_account, made
from tests.fixtures.api import Client, problem_fields, settings_for


@pytest.fixture
async def twilio(client: Client) -> AsyncIterator[tuple[FakeTwilio, str]]:
    client.app.settings.allow_networks = ["127.0.0.0/8"]
    fake = FakeTwilio()
    async with FakeHttp(fake) as server:
        yield fake, server.url("twilio")


async def test_an_account_is_added_and_read_without_its_secrets(client: Client) -> None:
    account = await made(client, cost=0.01, countries=["US", "+4179"], per_second=5)
    assert account["settings"]["auth_token"] is None
    assert account["settings"]["from"] == "+14155550199"
    assert account["secrets"] == ["auth_token"]
    assert (account["state"], account["cost"], account["countries"]) == (
        "closed", 0.01, ["US", "+4179"],
    )  # fmt: skip
    assert account["receipts_url"].endswith(f"/v1/receipts/{account['id']}")
    read = await client.get(f"/v1/accounts/{account['id']}")
    assert read.json() == account
    assert FakeTwilio.token not in read.text
    listed = await client.get("/v1/accounts", params={"vendor": "twilio", "channel": "sms"})
    assert [one["name"] for one in listed.json()["items"]] == ["texts"]
    async with client.app.db.leader() as conn:
        told = (await conn.execute(text("SELECT detail::text FROM audit"))).scalars().all()
        kept = (await conn.execute(text("SELECT settings FROM accounts"))).scalars().all()
    assert not any(FakeTwilio.token in one for one in told)
    assert not any(FakeTwilio.token.encode() in bytes(one) for one in kept)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"vendor": "pigeon"}, ["vendor"]),
        ({"channel": "email"}, ["channel"]),
        ({"settings": {**SETTINGS, "what": 1}}, ["settings.what"]),
        ({"settings": {"from": "+14155550199"}},
         ["settings.account_sid", "settings.auth_token"]),
        ({"settings": {**SETTINGS, "base_url": "ftp://example.com"}}, ["settings.base_url"]),
        ({"weight": 0}, ["weight"]),
        ({"cost": -1}, ["cost"]),
        ({"countries": ["Germany"]}, ["countries[0]"]),
        ({"categories": ["no-such"]}, ["categories[0]"]),
        ({"per_second": 0}, ["per_second"]),
        ({"slow_seconds": 60}, ["slow_share"]),
        ({"name": ""}, ["name"]),
        ({"unknown": 1}, ["unknown"]),
    ],
)  # fmt: skip
async def test_wrong_accounts_name_the_field_and_nothing_is_kept(
    client: Client, change: dict[str, Any], fields: list[str]
) -> None:
    answer = await client.post("/v1/accounts", json=an_account(**change))
    assert answer.status_code == 422, answer.text
    assert problem_fields(answer) == fields
    assert FakeTwilio.token not in answer.text
    listed = await client.get("/v1/accounts", params={"vendor": "twilio"})
    assert listed.json()["items"] == []


async def test_a_name_is_taken_once_and_free_when_removed(client: Client) -> None:
    account = await made(client)
    again = await client.post("/v1/accounts", json=an_account())
    assert again.status_code == 409
    path = f"/v1/accounts/{account['id']}"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await made(client))["id"] != account["id"]


async def test_a_patch_keeps_the_secret_that_it_does_not_name(client: Client) -> None:
    account = await made(client)
    path = f"/v1/accounts/{account['id']}"
    patch = {"settings": {**account["settings"], "from": "+14155550188"}, "weight": 3}
    answer = await client.patch(path, json=patch, headers={"If-Match": '"1"'})
    assert answer.status_code == 200, answer.text
    assert answer.json()["settings"]["from"] == "+14155550188"
    assert answer.json()["secrets"] == ["auth_token"]
    stale = await client.patch(path, json={"weight": 4}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    wrong = await client.patch(path, json={"settings": {"account_sid": ""}})
    assert problem_fields(wrong) == ["settings.account_sid"]
    assert (await client.patch(path, json={"name": None})).status_code == 422
    reset = await client.patch(path, json={"weight": None})
    assert reset.json()["weight"] == 1


async def test_an_empty_secret_takes_an_optional_one_away_and_no_other(client: Client) -> None:
    settings = {"bot_token": "123456:ABCDEFGHIJ", "webhook_secret": "a-word"}
    account = await made(client, channel="telegram", vendor="telegram", settings=settings)
    path = f"/v1/accounts/{account['id']}"
    assert account["secrets"] == ["bot_token", "webhook_secret"]
    kept = await client.patch(path, json={"settings": {"webhook_secret": None}})
    assert kept.json()["secrets"] == ["bot_token", "webhook_secret"]
    taken = await client.patch(path, json={"settings": {"webhook_secret": ""}})
    assert taken.json()["secrets"] == ["bot_token"]
    needed = await client.patch(path, json={"settings": {"bot_token": ""}})
    assert problem_fields(needed) == ["settings.bot_token"]


async def test_a_paused_account_says_so(client: Client) -> None:
    account = await made(client)
    path = f"/v1/accounts/{account['id']}"
    assert (await client.post(f"{path}/pause")).json()["state"] == "paused"
    paused = await client.get("/v1/accounts", params={"state": "paused"})
    assert [one["id"] for one in paused.json()["items"]] == [account["id"]]
    assert (await client.post(f"{path}/resume")).json()["state"] == "closed"


async def test_a_test_sends_one_message(client: Client, twilio: tuple[FakeTwilio, str]) -> None:
    fake, url = twilio
    account = await made(client, settings={**SETTINGS, "base_url": url})
    path = f"/v1/accounts/{account['id']}/test"
    told = (await client.post(path, json={"address": "+14155550100"})).json()
    assert (told["ok"], told["words"]) == (True, "The vendor has taken the message.")
    [taken] = fake.taken
    assert "test of the account texts" in taken.fields["Body"]
    fake.script(Behaviour.UNAVAILABLE)
    told = (await client.post(path, json={"address": "+14155550100"})).json()
    assert (told["ok"], told["outcome"]) == (False, "transient")
    async with client.app.db.leader() as conn:
        asked = await conn.execute(text("SELECT count(*) FROM notifications"))
        assert asked.scalar_one() == 0, "it is no notification"


async def test_a_test_that_the_vendor_holds_back_is_not_well(client: Client) -> None:
    client.app.settings.allow_networks = ["127.0.0.0/8"]
    fake = FakeMandrill()
    fake.queues = "account-suspended"
    async with FakeHttp(fake) as server:
        settings = {"base_url": server.url("mandrill"), "api_key": fake.api_key}
        account = await made(client, channel="email", vendor="mandrill", settings=settings)
        path = f"/v1/accounts/{account['id']}/test"
        told = (await client.post(path, json={"address": "sam@example.com"})).json()
    assert (told["ok"], told["outcome"]) == (False, "accepted")
    assert told["words"] == "The vendor has taken the message but holds it back: suspended."


async def test_a_test_says_which_secret_is_wrong(
    client: Client, twilio: tuple[FakeTwilio, str]
) -> None:
    _, url = twilio
    settings = {**SETTINGS, "base_url": url, "auth_token": "not-the-token"}
    account = await made(client, settings=settings)
    answer = await client.post(
        f"/v1/accounts/{account['id']}/test", json={"address": "+14155550100"}
    )
    told = answer.json()
    assert (told["ok"], told["reason"]) == (False, "auth_failed")
    assert "settings.auth_token" in told["look_at"]
    assert "not-the-token" not in answer.text


async def test_a_test_of_a_private_address_is_refused_by_the_guard(client: Client) -> None:
    account = await made(client, settings={**SETTINGS, "base_url": "http://127.0.0.1:9"})
    path = f"/v1/accounts/{account['id']}/test"
    told = (await client.post(path, json={"address": "+14155550100"})).json()
    assert told["reason"] == "address_not_allowed"
    assert told["look_at"] == ["settings.base_url", "settings.ca_file"]
    assert "TOCSIN_ALLOW_NETWORKS" in told["detail"]


async def test_wrong_words_of_a_test_name_the_field(client: Client) -> None:
    account = await made(client)
    path = f"/v1/accounts/{account['id']}/test"
    body = {"address": "+14155550100", "content": {"wrong": "x"}}
    answer = await client.post(path, json=body)
    assert answer.status_code == 422
    assert all(field.startswith("content.sms") for field in problem_fields(answer))


async def test_accounts_need_their_own_scope(client: Client) -> None:
    account = await made(client)
    reader = await client.with_key("accounts:read", module="other")
    assert (await reader.get(f"/v1/accounts/{account['id']}")).status_code == 200
    for method, path in (("POST", "/pause"), ("PATCH", ""), ("DELETE", "")):
        answer = await reader.request(method, f"/v1/accounts/{account['id']}{path}", json={})
        assert answer.status_code == 403
    nobody = await client.with_key("notifications:write")
    assert (await nobody.get("/v1/accounts")).status_code == 403


async def test_every_vendor_shows_the_form_of_its_settings(client: Client) -> None:
    items = (await client.get("/v1/vendors")).json()["items"]
    assert {"smtp", "sandbox", "twilio", "ses", "fcm", "apns", "webpush"} <= {
        one["name"] for one in items
    }
    twilio = (await client.get("/v1/vendors/twilio")).json()
    assert twilio["settings"]["properties"]["auth_token"]["writeOnly"] is True
    assert twilio["channels"] == ["sms"]
    files = {
        f"{one['name']}.{name}": told["contentMediaType"]
        for one in items
        for name, told in one["settings"].get("properties", {}).items()
        if "contentMediaType" in told
    }
    assert files == {
        "fcm.service_account": "application/json",
        "apns.key": "application/x-pem-file",
        "webpush.vapid_private_key": "application/x-pem-file",
    }
    assert (await client.get("/v1/vendors/pigeon")).status_code == 404


async def test_keys_are_rotated_and_the_old_one_is_needed_no_more(
    client: Client, database: Any
) -> None:
    await made(client)
    old, new = "0" * 64, "1" * 64
    both = open_app(settings_for(database, secret_key=f"{new},{old}"))
    done = await reseal(both)
    assert done.broken == ()
    assert done.count >= 2
    assert await reseal(both) == done, "it can be repeated"
    await close_app(both)
    alone = open_app(settings_for(database, secret_key=new))
    assert (await reseal(alone)).broken == ()
    await close_app(alone)
    strange = open_app(settings_for(database, secret_key="2" * 64))
    assert "texts" in (await reseal(strange)).broken
    await close_app(strange)
