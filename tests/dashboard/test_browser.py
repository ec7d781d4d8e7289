"""The dashboard in a real Chromium: by keyboard, narrow and dark, checked by axe."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser

from dashboard.pages import create_dashboard
from domain.ids import encode
from fakes.http_server import FakeHttp
from fakes.twilio import FakeTwilio
from services.app import App
from tests.fixtures.accounts import an_account, counted, put_circuit
from tests.fixtures.api import Client
from tests.fixtures.campaigns import WORDS, a_campaign, listed
from tests.fixtures.chromium import SIZES, complaints, faults, signed_in
from tests.fixtures.serving import served
from tests.fixtures.system import System


@pytest.fixture
async def site(system: System) -> AsyncIterator[str]:
    """Serve the pages of a whole running system."""
    async with served(create_dashboard(system.app)) as address:
        yield address


async def an_open_account(system: System) -> str:
    """Add an account whose circuit is open, after an hour in which much has failed."""
    body = an_account(countries=["DE", "FR", "IT", "ES", "NL", "BE", "AT", "CH", "+4179"])
    id = (await system.client.post("/v1/accounts", json=body)).json()["id"]
    await put_circuit(system.app, "texts", circuit="open", reason="9 of 10 failed: timeout")
    await counted(system.app, "texts", accepted=1234, transient=321, latencies=[0, 0, 9])
    return str(id)


async def test_a_mail_is_composed_sent_and_seen_by_keyboard(
    system: System, site: str, chromium: Browser
) -> None:
    page = await signed_in(chromium, site)
    await page.goto("/compose")
    await page.focus("#field-recipient")
    await page.keyboard.type("sam@example.com")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.type("Hello")
    await page.keyboard.press("Tab")
    await page.keyboard.type("It rang.")
    await page.locator('button[value="send"]').focus()
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/notifications/ntf_*")
    # The page follows by itself until the end is known.
    await page.wait_for_selector("h1:has-text('Sent to s•••@example.com')")
    assert await page.locator(".timeline li").count() == 4
    assert [message.recipients for message in system.smtp.messages] == [["sam@example.com"]]
    await page.keyboard.press("/")
    await page.keyboard.type("rang")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=q: rang >> visible=true", state="hidden")
    assert await page.locator(".filter-chip").first.inner_text() == "contains: rang\nremove"
    await page.locator("h1").click()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/notifications/ntf_*")


async def test_the_channel_changes_without_losing_what_was_typed(
    site: str, chromium: Browser
) -> None:
    page = await signed_in(chromium, site, timezone_id="Asia/Tokyo")
    await page.goto("/compose")
    assert await page.input_value("#field-zone") == "Asia/Tokyo"
    await page.fill("#field-recipient", "+14155550100")
    await page.select_option("#field-say", "sms")
    await page.wait_for_selector('[name="content.sms.text"]')
    assert await page.input_value("#field-recipient") == "+14155550100"
    assert await page.input_value("#field-zone") == "Asia/Tokyo"


async def test_a_held_notification_is_cancelled_in_two_steps(
    system: System, site: str, chromium: Browser
) -> None:
    made = await system.ask(send_at="2040-01-31T09:00:00Z")
    page = await signed_in(chromium, site, viewport=SIZES["phone"])
    await page.goto(f"/notifications/{made['id']}")
    await page.click("summary:has-text('Cancel it')")
    await page.click("button:has-text('Cancel this notification')")
    await page.wait_for_selector("h1:has-text('Cancelled, nothing was sent')")
    assert (await system.finished(made["id"]))["state"] == "cancelled"


async def test_an_account_is_added_by_keyboard_and_tried(
    system: System, site: str, chromium: Browser
) -> None:
    page = await signed_in(chromium, site)
    async with FakeHttp(FakeTwilio()) as server:
        await page.goto("/vendors")
        await page.focus("a:has-text('Add an account')")
        await page.keyboard.press("Enter")
        await page.focus("a[href$='channel=sms&vendor=twilio']")
        await page.keyboard.press("Enter")
        await page.focus("#field-name")
        for typed in ("texts", FakeTwilio.account_sid, FakeTwilio.token):
            await page.keyboard.type(typed)
            await page.keyboard.press("Tab")
        await page.fill("[name='settings.from']", "+14155550199")
        await page.click("summary:has-text('Connection')")
        await page.fill("[name='settings.base_url']", server.url("twilio"))
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/vendors/acc_*")
        await page.fill("#field-address", "+14155550100")
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#test :text('The vendor has taken the message.')")
        assert page.url.rpartition("/")[2].startswith("acc_"), "only the test was renewed"
        assert await page.input_value("#field-address") == "+14155550100"
        assert len(server.vendors["twilio"].taken) == 1


async def test_a_page_that_refreshes_itself_leaves_what_was_typed_and_unfolded(
    system: System, site: str, chromium: Browser
) -> None:
    found = await system.client.get("/v1/accounts", params={"channel": "sms"})
    [account] = found.json()["items"]
    await counted(system.app, account["name"], accepted=3)
    page = await signed_in(chromium, site)
    await page.clock.install()
    await page.goto(f"/vendors/{account['id']}")
    await page.click("#minutes summary")
    await page.fill("#field-address", "+1415555")
    await counted(system.app, account["name"], ago="5 minutes", accepted=4)
    await page.clock.run_for(5_000)
    await page.wait_for_selector(".figures dd:text-is('7')")
    assert await page.get_attribute("#minutes", "open") is not None
    assert await page.input_value("#field-address") == "+1415555"
    assert await page.locator(".bars-hit").count() == 2
    assert await page.locator(".when[data-exact]").count() > 0


async def a_schedule_and_a_trigger(system: System) -> tuple[str, str]:
    """Make a daily schedule of campaigns and a trigger that an event came for; return their ids."""
    audience = (await system.client.get("/v1/audiences")).json()["items"][0]["id"]
    news = {"name": "News", "audience": audience, "content": WORDS}
    daily = {"cron": "30 9 * * *", "timezone": "Europe/Paris", "action": {"campaign": news}}
    schedule = await system.client.post("/v1/schedules", json={"name": "daily", **daily})
    notification = {"recipient": {"email": "{{ event.data.email }}"},
                    "content": {"email": {"subject": "Hi", "text": "Hello"}}}  # fmt: skip
    trigger = await system.client.post(
        "/v1/triggers", json={"name": "hi", "event_type": "hi", "notification": notification}
    )
    for number, email in enumerate(("sam@example.com", None)):
        event = {"specversion": "1.0", "id": str(number), "source": "/x", "type": "hi",
                 "data": {"email": email}}  # fmt: skip
        await system.client.post("/v1/events", json=event)
    return schedule.json()["id"], trigger.json()["id"]


async def test_pages_are_accessible_and_fit(system: System, site: str, chromium: Browser) -> None:
    done = await system.ask(content={"email": {"subject": "Hi", "html": "<p>Hello</p>"}})
    held = await system.ask(send_at="2040-01-31T09:00:00Z", data={"order": "A-1"})
    await system.finished(done["id"])
    account = await an_open_account(system)
    campaign = await a_campaign(system.app, system.client, listed(3))
    await campaign.submit()
    await campaign.until("awaiting_approval")
    place = f"/campaigns/{encode('cmp', campaign.id)}"
    schedule, trigger = await a_schedule_and_a_trigger(system)
    paths = ("/", "/notifications", "/notifications?state=sent&channel=email",
             f"/notifications/{done['id']}", f"/notifications/{held['id']}",
             f"/notifications/{held['id']}/change", "/compose", "/outbox", "/account",
             "/vendors", f"/vendors/{account}", f"/vendors/{account}/change", "/vendors/new",
             "/vendors/new?channel=push&vendor=fcm", "/users", "/users/-/new",
             "/audit?verify=1", "/campaigns", "/campaigns/new", place, f"{place}/preview",
             f"{place}/approval", "/schedules", f"/schedules/{schedule}", "/triggers",
             "/triggers/new", f"/triggers/{trigger}",
             f"{place}/deliveries", "/sign-in")  # fmt: skip
    for size in SIZES.values():
        page = await signed_in(chromium, site, viewport=size, reduced_motion="reduce")
        said = complaints(page)
        assert await faults(page, paths, in_the_dark=True) + said == []


async def test_recipients_choose_without_javascript(
    app: App, client: Client, chromium: Browser
) -> None:
    profile = (await client.post("/v1/profiles", json={"email": "ann@example.com"})).json()["id"]
    link = (await client.post(f"/v1/profiles/{profile}/token")).json()["token"]
    async with served(create_dashboard(app)) as site:
        context = await chromium.new_context(base_url=site, java_script_enabled=False)
        page = await context.new_page()
        await page.goto(f"/p/{link}")
        await page.get_by_role("group", name="Marketing").get_by_label("E-mail").uncheck()
        await page.get_by_label("From").fill("22:00")
        await page.get_by_label("Until").fill("07:00")
        await page.get_by_role("button", name="Save").click()
        assert await page.get_by_role("status").inner_text() == "Saved."
        found = (await client.get(f"/v1/profiles/{profile}/preferences")).json()
        assert found["categories"]["marketing"]["email"] is False
        assert found["quiet_hours"] == {"start": "22:00", "end": "07:00"}
        for size in SIZES.values():
            shape: Any = size
            context = await chromium.new_context(base_url=site, viewport=shape)
            page = await context.new_page()
            assert await faults(page, [f"/p/{link}", f"/p/{link}?lang=fr"]) == []


@pytest.mark.parametrize("size", SIZES)
async def test_a_template_is_previewed_while_it_is_written(
    system: System, site: str, chromium: Browser, size: str
) -> None:
    schema = {"properties": {"order": {"type": "string", "examples": ["A-1001"]}}}
    html = "<p>Order {{ order }}</p>"
    words = {"email": {"subject": "Order {{ order }}", "html": html}, "push": {"title": "x" * 60}}
    body = {"key": "order", "content": words, "schema": schema}
    made = (await system.client.post("/v1/templates", json=body)).json()
    page = await signed_in(chromium, site, viewport=SIZES[size], color_scheme="dark")
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    for path in ("/templates", f"/templates/{made['id']}/versions", f"/templates/{made['id']}"):
        await page.goto(path)
        found = await Axe().run(page)
        problems += [f"{path}: {one['id']}: {one['help']}" for one in found.response["violations"]]
        wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        problems += [f"{path} is {wide} px too wide"] if wide > 0 else []
    await page.fill('[name="words.en.email.html"]', "<p>Typed {{ order }} {{ nothing }}</p>")
    await page.wait_for_selector("text=1 to mend before it can be published")
    assert await page.locator("iframe.mail").content_frame.locator("p").inner_text() == (
        "Typed A-1001 nothing"
    )
    await page.select_option('[name="look.device"]', "watch")
    await page.wait_for_selector(f".shown-watch >> text={'x' * 25}…")
    assert problems == []


async def test_an_audience_is_counted_before_it_is_kept(
    system: System, site: str, chromium: Browser
) -> None:
    await system.client.post("/v1/profiles", json={"external_id": "u1", "groups": ["beta"]})
    page = await signed_in(chromium, site, viewport=SIZES["phone"], color_scheme="dark")
    await page.goto("/audiences/new?kind=group")
    await page.fill("#field-name", "beta testers")
    await page.fill("#field-group", "beta")
    await page.click("button:has-text('Count it')")
    await page.wait_for_selector("#preview >> text=1 member, 0 of whom can be reached.")
    assert page.url.endswith("?kind=group"), "only the preview was renewed"
    await page.focus("#field-name")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/audiences/aud_*")
    audience = page.url.removeprefix(site)
    await system.client.post("/v1/modules", json={"key": "shop"})
    paths = (audience, "/audiences/new?kind=filter", "/audiences/new?kind=ldap",
             "/rules/new?kind=hours", "/modules/shop", "/partials/-/new")  # fmt: skip
    assert await faults(page, paths) == []
