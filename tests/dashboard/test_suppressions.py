"""The pages of suppressions and categories: what is seen, entered, refused and lifted."""

import html

from sqlalchemy import text

from tests.fixtures.dashboard import Browser


async def suppressed(browser: Browser, **fields: str) -> str:
    usual = {"channel": "email", "address": "Sam@example.com", "reason": "manual"}
    answer = await browser.submit("/suppressions", **{**usual, "module": "default", **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def test_an_empty_list_says_what_it_will_hold(browser_client: Browser) -> None:
    page = (await browser_client.get("/suppressions")).text
    assert "An address comes here when it bounces for good" in page
    assert "Suppress an address" in page


async def test_an_address_is_entered_found_and_lifted(browser_client: Browser) -> None:
    where = await suppressed(browser_client, note="asked by telephone", category="marketing")
    page = (await browser_client.get(where)).text
    assert "sam@example.com gets no messages" in page
    assert "for the category marketing, in the module default: by hand." in page
    found = (await browser_client.get("/suppressions?q=telephone&channel=email")).text
    assert where in found
    assert where not in (await browser_client.get("/suppressions?channel=sms")).text
    lifted = await browser_client.submit(f"{where}/lift")
    assert lifted.headers["location"] == "/suppressions"
    assert (await browser_client.get(where)).status_code == 404


async def test_a_complaint_needs_words(browser_client: Browser) -> None:
    where = await suppressed(browser_client, reason="complaint", module="")
    assert "in all modules: complaint." in (await browser_client.get(where)).text
    refused = await browser_client.submit(f"{where}/lift")
    assert refused.status_code == 422
    assert "s needed to lift a complaint" in refused.text
    assert (await browser_client.submit(f"{where}/lift", reason="consent")).status_code == 303


async def test_a_wrong_field_is_told_beside_it_and_nothing_is_lost(browser_client: Browser) -> None:
    answer = await browser_client.submit(
        "/suppressions", channel="sms", address="0171", note="keep me", expires_at="2001-01-01"
    )
    assert answer.status_code == 422
    assert 'id="error-address"' in answer.text
    assert 'value="keep me"' in answer.text
    late = await browser_client.submit(
        "/suppressions", channel="sms", address="+14155550100", expires_at="2001-01-01"
    )
    assert 'id="error-expires_at"' in late.text


async def test_a_viewer_sees_masked_addresses_and_no_forms(browser_client: Browser) -> None:
    where = await suppressed(browser_client)
    async with browser_client.app.db.leader() as conn:
        await conn.execute(text("UPDATE users SET role = 'viewer'"))
    page = html.unescape((await browser_client.get(where)).text)
    assert "s•••@example.com gets no messages" in page
    assert "Lift it" not in page
    assert "sam@example.com" not in (await browser_client.get("/suppressions")).text
    assert (await browser_client.get("/suppressions/new")).status_code == 403
    looked = (await browser_client.get("/categories/bulk")).text
    assert "Your role may look, but not change it" in looked
    assert "Remove this category" not in looked


async def test_a_category_is_made_changed_and_removed(browser_client: Browser) -> None:
    made = await browser_client.submit(
        "/categories", **{"key": "news", "name": "News", "class": "marketing", "priority": ""}
    )
    assert made.headers["location"] == "/categories"
    assert "News" in (await browser_client.get("/categories")).text
    changed = await browser_client.submit(
        "/categories/news",
        **{"name": "Company news", "class": "bulk", "mandatory": "yes", "version": "1"},
    )
    assert changed.status_code == 303
    page = (await browser_client.get("/categories")).text
    assert "Company news" in page
    assert "cannot switch it off" in page
    stale = await browser_client.submit(
        "/categories/news", **{"name": "x", "class": "bulk", "version": "1"}
    )
    assert (stale.status_code, "changed meanwhile" in stale.text) == (412, True)
    gone = await browser_client.submit("/categories/news/remove", version="2")
    assert gone.status_code == 303
    assert (await browser_client.get("/categories/news")).status_code == 404


async def test_what_a_category_refuses_is_told(browser_client: Browser) -> None:
    taken = await browser_client.submit("/categories", **{"key": "bulk", "class": "bulk"})
    assert (taken.status_code, "There is a category bulk already" in taken.text) == (409, True)
    wrong = await browser_client.submit("/categories", **{"key": "a b", "class": "bulk"})
    assert 'id="error-key"' in wrong.text
    kept = await browser_client.submit("/categories/bulk/remove", version="1")
    assert "stands for its class" in kept.text
