"""Adding and changing vendor accounts by forms: every vendor's, secrets kept and never shown."""

import re
from typing import Any

from dashboard.vendor_fields import texts_of
from dashboard.vendor_inputs import settings_inputs
from fakes.twilio import FakeTwilio
from services.vendors import view
from tests.contract.conftest import all_cases
from tests.fixtures.accounts import SETTINGS, made
from tests.fixtures.api import Client
from tests.fixtures.dashboard import Browser
from vendors.registry import KINDS

TWILIO = {
    "channel": "sms", "vendor": "twilio", "name": "texts",
    **{f"settings.{name}": value for name, value in SETTINGS.items()},
}  # fmt: skip
TOKEN = "settings.auth_token"


async def accounts(client: Client, vendor: str) -> list[dict[str, Any]]:
    found = await client.get("/v1/accounts", params={"vendor": vendor})
    items: list[dict[str, Any]] = found.json()["items"]
    return items


def inputs_of(page: str) -> set[str]:
    return set(re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', page))


async def test_a_channel_and_a_vendor_are_chosen_first(browser_client: Browser) -> None:
    for query in ("", "?channel=sms", "?vendor=twilio", "?channel=email&vendor=twilio"):
        page = (await browser_client.get(f"/vendors/new{query}")).text
        assert "What will the account send" in page
    links = re.findall(r'href="/vendors/new\?channel=(\w+)&amp;vendor=(\w+)"', page)
    assert set(links) == {
        (channel.value, name) for name, kind in KINDS.items() for channel in kind.channels
    }


async def test_every_vendor_has_a_form_of_all_its_settings(browser_client: Browser) -> None:
    for kind in (view(one) for one in KINDS.values()):
        path = f"/vendors/new?channel={kind['channels'][0]}&vendor={kind['name']}"
        page = (await browser_client.get(path)).text
        names = {f"settings.{name}" for name in kind["settings"].get("properties", {})}
        assert names <= inputs_of(page), kind["name"]
        for one in settings_inputs(kind["settings"]):
            name = re.escape(one.name)
            hidden = re.search(rf'name="{name}" type="password" value=""', page)
            several = re.search(rf'<textarea[^>]* name="{name}"', page)
            assert bool(hidden or several) >= one.secret, one.name


async def test_what_each_vendor_needs_can_be_filled_in(
    client: Client, browser_client: Browser
) -> None:
    csrf = await browser_client.csrf()
    for case in all_cases():
        read = KINDS[case.vendor].read(case.account("http://127.0.0.1:9")).revealed()
        given = {name: value for name, value in read.items() if value is not None}
        account = {"settings": given}
        inputs = settings_inputs(view(KINDS[case.vendor])["settings"])
        texts = {
            **texts_of(inputs, account),
            **{
                one.name: str(given.get(one.name.partition(".")[2], ""))
                for one in inputs
                if one.secret
            },
        }
        texts = {name: value.replace("\n", "\r\n") for name, value in texts.items()}
        form = {
            **texts,
            "csrf": csrf,
            "name": case.id,
            "channel": case.channel,
            "vendor": case.vendor,
        }
        answer = await browser_client.post("/vendors/new", data=form)
        assert answer.status_code == 303, (case.id, re.findall(r"field-error.*?</p>", answer.text))
        [made] = [one for one in await accounts(client, case.vendor) if one["name"] == case.id]
        kind = KINDS[case.vendor].read(given)
        assert made["settings"] == KINDS[case.vendor].read(given).shown()
        assert set(made["secrets"]) == {
            one.name.partition(".")[2] for one in inputs
            if one.secret and kind.revealed()[one.name.partition(".")[2]]
        }  # fmt: skip


async def test_rules_are_filled_in_as_people_write_them(
    client: Client, browser_client: Browser
) -> None:
    rules = {"cost": "0.0075", "weight": "3", "countries": "US, +4179;DE", "categories": "otp",
             "per_second": " 12.5 ", "slow_seconds": "60", "slow_share": ".3"}  # fmt: skip
    answer = await browser_client.submit("/vendors/new", **TWILIO, **rules, do="paused")
    [account] = await accounts(client, "twilio")
    assert answer.headers["location"] == f"/vendors/{account['id']}"
    assert {name: account[name] for name in rules} == {
        "cost": 0.0075, "weight": 3, "countries": ["US", "+4179", "DE"], "categories": ["otp"],
        "per_second": 12.5, "slow_seconds": 60, "slow_share": 0.3,
    }  # fmt: skip
    assert account["state"] == "paused"


WRONG: list[tuple[dict[str, str], str, str]] = [
    ({"name": ""}, "name", "Is required."),
    ({"settings.account_sid": ""}, "settings.account_sid", "Is required."),
    ({TOKEN: ""}, TOKEN, "Is required."),
    ({"settings.base_url": "ftp://x"}, "settings.base_url", "Must begin with https://"),
    ({"settings.connections": "many"}, "settings.connections", "Must be a whole number."),
    ({"settings.reply_seconds": "inf"}, "settings.reply_seconds", "Must be a number."),
    ({"cost": "cheap"}, "cost", "Must be a number."),
    ({"cost": "nan"}, "cost", "Must be a number."),
    ({"weight": "0"}, "weight", "greater than or equal to 1"),
    ({"countries": "DE, Germany"}, "countries", "No. 2 is neither a country"),
    ({"categories": "no-such"}, "categories", "No. 1 is none of"),
    ({"slow_seconds": "5"}, "slow_share", "Slow_seconds and slow_share go together."),
]


async def test_what_is_wrong_stands_beside_its_field_and_no_secret_comes_back(
    client: Client, browser_client: Browser
) -> None:
    csrf = await browser_client.csrf()
    for change, field, words in WRONG:
        form = {**TWILIO, **change, "csrf": csrf}
        answer = await browser_client.post("/vendors/new", data=form)
        assert answer.status_code == 422, change
        error = re.search(rf'id="error-{re.escape(field)}">(.*?)</p>', answer.text, re.S)
        assert error is not None, change
        assert words in error[1]
        assert f'href="#field-{field}"' in answer.text
        assert FakeTwilio.token not in answer.text
        assert ("Type it again" in answer.text) == (field != TOKEN)
        kept = f'name="settings.from" type="text" value="{form["settings.from"]}"'
        assert kept in answer.text
    assert await accounts(client, "twilio") == []


async def test_a_folded_part_with_an_error_is_open(browser_client: Browser) -> None:
    fine = await browser_client.get("/vendors/new?channel=sms&vendor=twilio")
    wrong = await browser_client.submit("/vendors/new", **TWILIO, **{"settings.connections": "x"})
    assert '<details class="texts">' in fine.text
    assert '<details class="texts" open>' in wrong.text


async def test_a_taken_name_is_said_beside_it(client: Client, browser_client: Browser) -> None:
    await made(client)
    answer = await browser_client.submit("/vendors/new", **TWILIO)
    assert answer.status_code == 409
    assert re.search(r'id="error-name">.*There is an account texts already\.', answer.text, re.S)


async def test_what_no_form_of_ours_sends_is_refused(
    client: Client, browser_client: Browser
) -> None:
    odd = [
        ({"vendor": "pigeon"}, 404), ({"vendor": "\x00"}, 404), ({"channel": "email"}, 422),
        ({"channel": "\x00"}, 422), ({"settings.from": "a\x00b"}, 422), ({"name": "a\x00"}, 422),
    ]  # fmt: skip
    for change, status in odd:
        answer = await browser_client.submit("/vendors/new", **{**TWILIO, **change})
        assert answer.status_code == status, change
    assert await accounts(client, "twilio") == []


async def sent_form(browser: Browser, id: str, **changed: str) -> Any:
    """Change fields of an account's form as it is shown, and send it."""
    path = f"/vendors/{id}/change"
    page = (await browser.get(path)).text
    fields = dict(re.findall(r'<input[^>]+name="([^"]+)"[^>]*? value="([^"]*)"', page))
    boxes = re.findall(r'<input type="checkbox"[^>]* name="([^"]+)" value="yes">', page)
    sent = {name: value for name, value in fields.items() if name not in boxes}
    return await browser.post(path, data={**sent, **changed})


async def test_a_change_keeps_the_secret_that_is_left_empty(
    client: Client, browser_client: Browser
) -> None:
    settings = {**SETTINGS, "api_key": "SK1", "api_secret": "also-secret"}
    account = await made(client, settings=settings, cost=0.5, countries=["DE"])
    page = (await browser_client.get(f"/vendors/{account['id']}/change")).text
    assert "also-secret" not in page
    assert FakeTwilio.token not in page
    assert "Set; leave it empty to keep it. Auth token" in page
    change = {"settings.from": "+14155550188", "cost": "", "countries": "DE, FR"}
    answer = await sent_form(browser_client, account["id"], **change)
    assert answer.status_code == 303, answer.text
    found = (await client.get(f"/v1/accounts/{account['id']}")).json()
    assert (found["settings"]["from"], found["cost"], found["countries"], found["version"]) == (
        "+14155550188", 0.0, ["DE", "FR"], 2,
    )  # fmt: skip
    assert found["secrets"] == ["api_secret", "auth_token"]
    async with client.app.db.leader() as conn:
        from services.accounts import find_row

        row = await find_row(conn, account["id"])
    assert client.app.seal.open(row.settings)["auth_token"] == FakeTwilio.token


async def test_an_optional_secret_is_removed_by_its_box(
    client: Client, browser_client: Browser
) -> None:
    settings = {"bot_token": "123456:ABCDEFGHIJ", "webhook_secret": "a-word"}
    account = await made(client, channel="telegram", vendor="telegram", settings=settings)
    page = (await browser_client.get(f"/vendors/{account['id']}/change")).text
    assert "clear.settings.webhook_secret" in page
    assert "clear.settings.bot_token" not in page, "it is needed"
    taken = await sent_form(
        browser_client, account["id"], **{"clear.settings.webhook_secret": "yes"}
    )
    assert taken.status_code == 303, taken.text
    found = (await client.get(f"/v1/accounts/{account['id']}")).json()
    assert found["secrets"] == ["bot_token"]


async def test_a_change_that_changes_nothing_writes_nothing(
    client: Client, browser_client: Browser
) -> None:
    account = await made(client, categories=["otp"], per_second=0.1)
    assert (await sent_form(browser_client, account["id"])).status_code == 303
    assert (await client.get(f"/v1/accounts/{account['id']}")).json() == account


async def test_somebody_elses_change_is_not_overwritten(
    client: Client, browser_client: Browser
) -> None:
    account = await made(client)
    await client.patch(f"/v1/accounts/{account['id']}", json={"weight": 7})
    answer = await sent_form(browser_client, account["id"], version="1", weight="2")
    assert answer.status_code == 412
    assert "It was changed meanwhile" in answer.text
    assert f'href="/vendors/{account["id"]}/change">Look at it as it is now' in answer.text
    assert 'name="weight" type="text" value="2"' in answer.text, "what was typed is kept"
    assert (await client.get(f"/v1/accounts/{account['id']}")).json()["weight"] == 7


async def test_a_wrong_change_names_the_field(client: Client, browser_client: Browser) -> None:
    account = await made(client)
    change = {"settings.account_sid": "", TOKEN: "a-new-secret"}
    answer = await sent_form(browser_client, account["id"], **change)
    assert answer.status_code == 422
    assert 'id="error-settings.account_sid"' in answer.text
    assert "a-new-secret" not in answer.text
    assert (await client.get(f"/v1/accounts/{account['id']}")).json()["version"] == 1
