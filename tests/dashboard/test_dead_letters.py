"""The page of what was not sent, and trying it once more from there."""

from sqlalchemy import text

from domain.vocabulary import State
from tests.fixtures.dashboard import Browser
from tests.fixtures.rows import sending, settled


async def a_dead_letter(browser: Browser, state: State, reason: str) -> str:
    async with browser.app.db.leader() as conn:
        module = (await conn.execute(text("SELECT id FROM modules"))).scalar_one()
        row, delivery, attempt = await sending(conn, module_id=module)
        await settled(conn, delivery, attempt, state, reason=reason, maybe_sent=False, outcome=None)
    return str(row["id"])


async def test_an_empty_page_says_what_it_will_hold(browser_client: Browser) -> None:
    page = (await browser_client.get("/dead-letters")).text
    assert "Nothing failed, expired or is in doubt" in page
    assert "Try all once more" not in page


async def test_dead_letters_are_listed_with_their_reasons(browser_client: Browser) -> None:
    await a_dead_letter(browser_client, State.FAILED, "invalid_address")
    await a_dead_letter(browser_client, State.FAILED, "vendor_unavailable")
    page = (await browser_client.get("/dead-letters")).text
    assert "1 vendor unavailable, 1 invalid address" in page
    narrowed = (await browser_client.get("/dead-letters?reason=invalid_address")).text
    assert "invalid address" in narrowed
    assert "vendor unavailable" not in narrowed


async def test_one_is_tried_once_more(browser_client: Browser) -> None:
    id = await a_dead_letter(browser_client, State.FAILED, "vendor_unavailable")
    async with browser_client.app.db.leader() as conn:
        delivery = (await conn.execute(text("SELECT id FROM deliveries"))).scalar_one()
    from domain.ids import encode

    answer = await browser_client.submit("/dead-letters/redrive", delivery=encode("dlv", delivery))
    assert answer.status_code == 303
    async with browser_client.app.db.leader() as conn:
        row = (
            await conn.execute(
                text("SELECT id::text, state, workflow_id, finished_at FROM notifications")
            )
        ).one()
    assert (row.id, row.finished_at) == (id, None)
    assert row.workflow_id.startswith("redrive_")


async def test_all_that_fit_are_tried_once_more(browser_client: Browser) -> None:
    for reason in ("vendor_unavailable", "vendor_unavailable", "invalid_address"):
        await a_dead_letter(browser_client, State.FAILED, reason)
    answer = await browser_client.submit("/dead-letters/redrive", reason="vendor_unavailable")
    assert answer.headers["location"] == "/dead-letters?reason=vendor_unavailable"
    page = (await browser_client.get("/dead-letters")).text
    assert "1 invalid address." in page
