"""The pages of modules: made on trial, told whom they reach, let live by administrators."""

import asyncio

from sqlalchemy import text

from activities.planning import plan_new
from stores import modules
from tests.fixtures import rows
from tests.fixtures.api import Client
from tests.fixtures.dashboard import Browser


async def test_a_module_is_made_on_trial_and_let_live(
    client: Client, browser_client: Browser
) -> None:
    wrong = await browser_client.submit("/modules/new", key="a shop", name="")
    assert (wrong.status_code, 'id="error-key"' in wrong.text) == (422, True)
    made = await browser_client.submit("/modules/new", key="shop", name="Web shop")
    assert made.headers["location"] == "/modules/shop"
    page = (await browser_client.get("/modules/shop")).text
    assert "Web shop is on trial" in page
    assert "Its safelist is empty, so it reaches nobody." in page
    listed = {"name": "Shop", "safelist": "Tester@example.com\n\n+1 415 555 0100", "version": "1"}
    bad = await browser_client.submit("/modules/shop", **listed, **{"redirect_to.email": "nobody"})
    assert (bad.status_code, 'id="error-redirect_to.email"' in bad.text) == (422, True)
    await browser_client.submit("/modules/shop", **listed)
    found = (await client.get("/v1/modules/shop")).json()
    assert found["safelist"] == ["+14155550100", "tester@example.com"]
    async with client.app.db.leader() as conn:
        shop = await modules.get(conn, id=None, key="shop")
        assert shop is not None
        row = await rows.accepted(conn, module_id=shop.id)
        await plan_new(conn, [row["id"]], row["workflow_id"])
    async with asyncio.timeout(20):  # a replica shows it
        while "s•••@example.com" not in (await browser_client.get("/modules/shop")).text:
            await asyncio.sleep(0.05)
    live = await browser_client.submit("/modules/shop/mode", mode="live", version="2")
    assert live.status_code == 303
    page = (await browser_client.get("/modules/shop")).text
    assert "Shop is live" in page
    assert "Kept back" in page, "what was kept back is still told"
    assert "All of them reach everybody." in (await browser_client.get("/modules")).text


async def test_others_than_administrators_only_look(browser_client: Browser) -> None:
    async with browser_client.app.db.leader() as conn:
        await conn.execute(text("UPDATE users SET role = 'author'"))
    page = (await browser_client.get("/modules/default")).text
    assert "Put it on trial" not in page
    answer = await browser_client.submit("/modules/default/mode", mode="trial", version="1")
    assert answer.status_code == 403
