"""The pages of vendor accounts: how they stand, who may do what, pausing, testing, removing."""

import json
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from dashboard.overview import Verdict
from dashboard.vendor_words import judge, pace
from domain.vocabulary import Role
from fakes.http_server import FakeHttp
from fakes.http_vendor import Behaviour
from fakes.twilio import FakeTwilio
from fakes.webpush import FakeWebPush
from tests.fixtures.accounts import SETTINGS, counted, made, put_circuit
from tests.fixtures.api import Client
from tests.fixtures.dashboard import Browser

TO = "+14155550100"


async def become(browser: Browser, role: Role) -> None:
    async with browser.app.db.leader() as conn:
        await conn.execute(text("UPDATE users SET role = :role"), {"role": role})


def row_of(page: str, name: str) -> str:
    """Return the text of an account's row in the list, tags left out."""
    row = next(one for one in page.split("<tr data-row>")[1:] if f">{name}</a>" in one)
    return re.sub(r"[ \n]+", " ", re.sub(r"<[^>]+>", " ", row.partition("</tr>")[0])).strip()


@pytest.fixture
async def vendors(client: Client) -> AsyncIterator[FakeHttp]:
    client.app.settings.allow_networks = ["127.0.0.0/8"]
    async with FakeHttp(FakeTwilio(), FakeWebPush()) as server:
        yield server


async def test_the_list_shows_each_channel_in_the_order_of_routing(
    client: Client, browser_client: Browser
) -> None:
    await made(client, name="dear", cost=2, per_second=50, countries=["DE", "+4179"])
    await made(client, name="cheap", cost=0.0075, weight=3, categories=["otp"])
    await counted(client.app, "cheap", accepted=1940, transient=60, latencies=[0, 1800, 0, 200])
    page = (await browser_client.get("/vendors")).text
    assert re.findall(r'row-link" href="/vendors/acc_\w+">([^<]+)', page) == [
        "email", "sms sandbox", "cheap", "dear", "push sandbox", "webpush sandbox",
        "whatsapp sandbox", "telegram sandbox", "inapp sandbox",
    ]  # fmt: skip
    assert re.findall(r'rowgroup" colspan="11">(\w+)', page)[:2] == ["email", "sms"]
    thin = "\u2009"
    assert row_of(page, "cheap").replace(thin, "_") == (
        "cheap Twilio SMS healthy 1_940 3_% 50_ms 250_ms – no limit 0.0075 3 all countries otp"
    )
    assert row_of(page, "dear").endswith("50/s 2 1 DE, +4179 all categories")
    assert "Every account works" in page
    assert f"2{thin}000 tries in the last hour, 3{thin}% of them failed." in page


async def test_each_state_is_said_with_its_reason(client: Client, browser_client: Browser) -> None:
    for name in ("open", "half", "slow", "paused", "broken"):
        await made(client, name=name, enabled=name != "paused")
    await put_circuit(client.app, "open", circuit="open", reason="9 of 10 failed: connect_failed")
    await put_circuit(client.app, "half", circuit="half_open", reason="auth_failed")
    await put_circuit(client.app, "slow", slowed_seconds=60, pace=0.5)
    async with client.app.db.leader() as conn:
        await conn.execute(text("UPDATE accounts SET settings = 'x' WHERE name = 'broken'"))
    page = (await browser_client.get("/vendors")).text
    assert re.search(r"circuit open Left alone since .*: 9 of 10 failed: connect failed\. Tried "
                     r"again ", row_of(page, "open"))  # fmt: skip
    assert re.search(r"half open .*one message at a time; 0 of 3 .*: auth failed\.",
                     row_of(page, "half"))  # fmt: skip
    assert "throttled The vendor asked to slow down; used again" in row_of(page, "slow")
    assert "paused Somebody has paused it." in row_of(page, "paused")
    assert "settings unusable settings: cannot be opened" in row_of(page, "broken")
    assert "4 of 12 accounts are out of use" in page


def health(**given: Any) -> dict[str, Any]:
    kinds = ("accepted", "transient", "unknown", "refused", "total")
    hour = {**dict.fromkeys(kinds, 0), **given.pop("hour", {})}
    usual = {"channel": "sms", "state": "closed", "in_use": True, "last_hour": hour}
    return {**usual, **given}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], Verdict("There is no account yet", "Nothing can be sent without one.", "bad")),
        ([health()], Verdict("Every account works", "Nothing was sent in the last hour.", "good")),
        ([health(), health(state="paused", in_use=False)],
         Verdict("Every account works", "Nothing was sent in the last hour.", "good")),
        ([health(hour={"total": 8, "unknown": 1}), health(state="open", in_use=False)],
         Verdict("1 of 2 accounts is out of use", "The others send instead. 8 tries in the last "
                 "hour, 12.5\u2009% of them failed.", "warn")),
        ([health(), health(channel="push", state="paused", in_use=False)],
         Verdict("Nothing can be sent now by push", "No account is in use there. What is asked for "
                 "waits until one is. Nothing was sent in the last hour.", "bad")),
    ],
)  # fmt: skip
def test_the_first_line_says_the_worst_first(found: list[Any], expected: Verdict) -> None:
    assert judge(found) == expected


@pytest.mark.parametrize(
    ("limit", "share", "words"),
    [(None, 0.5, "no limit"), (50, 1.0, "50/s"), (0.5, 1.0, "0.5/s"), (50, 0.25, "12.5 of 50/s")],
)
def test_a_pace_says_what_a_throttling_vendor_leaves(
    limit: float | None, share: float, words: str
) -> None:
    assert pace({"per_second": limit, "pace": share}) == words


async def test_an_account_has_a_page_without_its_secrets(
    client: Client, browser_client: Browser
) -> None:
    account = await made(client, name="t & t", slow_seconds=60, slow_share=0.3)
    await counted(client.app, "t & t", accepted=9, transient=1, latencies=[0, 8, 0, 2])
    page = (await browser_client.get(f"/vendors/{account['id']}")).text
    assert FakeTwilio.token not in page
    assert "<dt>Auth token</dt><dd>set</dd>" in page
    assert '<dt>API secret</dt><dd class="none">not set</dd>' in page
    assert f"<dt>From</dt><dd>{SETTINGS['from']}</dd>" in page
    assert f'value="{account["receipts_url"]}" readonly' in page
    assert 'href="/dead-letters?account=t%20%26%20t"' in page
    assert "after 60 s; at most 30\u2009%" in page
    assert "UTC: 9 accepted; 1 not now, or in doubt</title>" in page
    assert "<h1>t &amp; t</h1>" in page


async def test_who_reports_nothing_has_no_address_for_receipts(
    client: Client, browser_client: Browser
) -> None:
    [sandbox] = (await client.get("/v1/accounts", params={"channel": "sms"})).json()["items"]
    page = (await browser_client.get(f"/vendors/{sandbox['id']}")).text
    assert "receipts-url" not in page
    assert "Nothing went over it in the last hour." in page


async def test_a_test_mail_goes_to_whoever_looks_unless_they_say_else(
    client: Client, browser_client: Browser
) -> None:
    [mail] = (await client.get("/v1/accounts", params={"channel": "email"})).json()["items"]
    page = (await browser_client.get(f"/vendors/{mail['id']}")).text
    assert 'value="admin@example.com"' in page


async def test_a_vendor_that_is_gone_still_has_its_page(
    client: Client, browser_client: Browser
) -> None:
    account = await made(client)
    async with client.app.db.leader() as conn:
        await conn.execute(text("UPDATE accounts SET vendor = 'pigeon' WHERE name = 'texts'"))
    for path in ("", "/change"):
        page = await browser_client.get(f"/vendors/{account['id']}{path}")
        assert page.status_code == 200
        assert "pigeon" in page.text
        assert "not installed here any more" in page.text


async def test_pausing_and_resuming(client: Client, browser_client: Browser) -> None:
    account = await made(client)
    path = f"/vendors/{account['id']}"
    assert (await browser_client.post(f"{path}/pause")).status_code == 403, "without the token"
    for act, state, next_act in (("pause", "paused", "resume"), ("resume", "closed", "pause")):
        answer = await browser_client.submit(f"{path}/{act}")
        assert (answer.status_code, answer.headers["location"]) == (303, path)
        found = (await client.get(f"/v1/accounts/{account['id']}")).json()
        assert found["state"] == state
        page = (await browser_client.get(path)).text
        assert f'action="{path}/{next_act}"' in page
        assert f'action="{path}/{act}"' not in page


async def test_removing_asks_first_and_minds_changes(
    client: Client, browser_client: Browser
) -> None:
    account = await made(client)
    path, api = f"/vendors/{account['id']}", f"/v1/accounts/{account['id']}"
    page = (await browser_client.get(path)).text
    assert "texts is removed with its secrets." in page
    assert "No other account is in use for sms" not in page, "there is the sandbox"
    await client.patch(api, json={"weight": 2})
    for stale in ({}, {"version": "1"}, {"version": "²"}):
        assert (await browser_client.submit(f"{path}/remove", **stale)).status_code == 412
    answer = await browser_client.submit(f"{path}/remove", version="2")
    assert (answer.status_code, answer.headers["location"]) == (303, "/vendors")
    assert "texts is removed." in (await browser_client.get("/vendors")).text
    assert (await client.get(api)).status_code == 404
    assert (await browser_client.get(path)).status_code == 404


async def test_the_last_account_of_a_channel_is_pointed_out(
    client: Client, browser_client: Browser
) -> None:
    [push] = (await client.get("/v1/accounts", params={"channel": "push"})).json()["items"]
    page = (await browser_client.get(f"/vendors/{push['id']}")).text
    assert "No other account is in use for push" in page


async def test_a_test_shows_what_came_of_it(
    client: Client, browser_client: Browser, vendors: FakeHttp
) -> None:
    fake = vendors.vendors["twilio"]
    account = await made(client, settings={**SETTINGS, "base_url": vendors.url("twilio")})
    path = f"/vendors/{account['id']}/test"
    good = await browser_client.submit(path, address=TO, content='{"text": "Ring"}')
    assert "The vendor has taken the message." in good.text
    assert f'value="{TO}"' in good.text
    [taken] = fake.taken
    assert (taken.address, taken.fields["Body"]) == (TO, "Ring")
    assert f'<dd class="mono">{taken.id}</dd>' in good.text
    fake.script(Behaviour.UNAVAILABLE)
    bad = await browser_client.submit(path, address=TO)
    assert "It was surely not sent, and may go later: vendor unavailable." in bad.text
    for address, content in (("", ""), (TO, "{"), (TO, '{"wrong": 1}')):
        wrong = await browser_client.submit(path, address=address, content=content)
        assert wrong.status_code == 422
        assert f'id="error-{"content" if content else "address"}"' in wrong.text
    assert len(fake.taken) == 1


async def test_a_test_leads_to_the_setting_that_is_wrong(
    client: Client, browser_client: Browser, vendors: FakeHttp
) -> None:
    settings = {**SETTINGS, "base_url": vendors.url("twilio"), "auth_token": "not-the-token"}
    account = await made(client, settings=settings)
    path = f"/vendors/{account['id']}"
    page = (await browser_client.submit(f"{path}/test", address=TO)).text
    assert "The account was refused: auth failed." in page
    links = re.findall(rf'href="{path}/change#(field-settings\.\w+)">([^<]+)<', page)
    assert links == [
        ("field-settings.account_sid", "Account SID"), ("field-settings.api_secret", "API secret"),
        ("field-settings.auth_token", "Auth token"),
    ]  # fmt: skip
    assert "not-the-token" not in page
    form = (await browser_client.get(f"{path}/change")).text
    assert all(f'id="{place}"' in form for place, _ in links)


async def test_a_browser_is_tried_by_its_subscription(
    client: Client, browser_client: Browser, vendors: FakeHttp
) -> None:
    fake = vendors.vendors["webpush"]
    settings = {"vapid_private_key": FakeWebPush.vapid_key(), "subject": "mailto:a@example.com"}
    account = await made(
        client, name="browsers", channel="webpush", vendor="webpush", settings=settings
    )
    path = f"/vendors/{account['id']}/test"
    endpoint = f"{vendors.url('webpush')}/send/one"
    given = {"endpoint": endpoint, "expirationTime": None, "keys": FakeWebPush.keys()}
    page = (await browser_client.submit(path, address=json.dumps(given))).text
    assert "The vendor has taken the message." in page
    assert len(fake.taken) == 1
    for odd in ("[]", "{}", '{"endpoint": 7}', '{"endpoint": "x", "keys": 7}'):
        answer = await browser_client.submit(path, address=odd)
        assert answer.status_code in (200, 422), odd
        assert "has taken the message" not in answer.text


async def test_who_may_only_look_sees_no_button_and_changes_nothing(
    client: Client, browser_client: Browser
) -> None:
    account = await made(client)
    for role in set(Role) - {Role.ADMINISTRATOR, Role.OPERATOR}:
        await become(browser_client, role)
        await only_looks(browser_client, f"/vendors/{account['id']}")
    assert (await client.get(f"/v1/accounts/{account['id']}")).json() == account


async def only_looks(browser: Browser, path: str) -> None:
    for shown in ("/vendors", path):
        page = await browser.get(shown)
        assert page.status_code == 200
        main = page.text.partition("<main")[2]
        assert "<form" not in main
        assert "/vendors/new" not in main
        assert f"{path}/change" not in main
    for refused in ("/vendors/new", f"{path}/change"):
        assert (await browser.get(refused)).status_code == 403
    acts = ("/vendors/new", *(f"{path}/{act}" for act in ("change", "pause", "test", "remove")))
    for act in acts:
        answer = await browser.submit(act, vendor="twilio", version="1", address=TO, name="x")
        assert answer.status_code == 403, act


async def test_unknown_accounts_get_a_page(browser_client: Browser) -> None:
    for id in ("acc_01m86zya1meqps78gn88hn8g2r", "nonsense", "acc_%00"):
        for path in (f"/vendors/{id}", f"/vendors/{id}/change"):
            assert (await browser_client.get(path)).status_code == 404
        for act in ("change", "pause", "resume", "test", "remove"):
            assert (await browser_client.submit(f"/vendors/{id}/{act}")).status_code == 404
