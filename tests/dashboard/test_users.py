"""The pages Users and Audit: what is done there holds, and only who may sees them."""

import re

from sqlalchemy import text

from services import audit_log
from tests.fixtures.dashboard import EMAIL, Browser, a_browser

ADDRESS = "approver@example.com"


async def made(browser: Browser, role: str = "approver") -> tuple[str, str]:
    """Make a user; return their id and temporary password."""
    answer = await browser.submit("/users", name="Sample", email=ADDRESS, role=role)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    id = re.search(r"/users/(usr_\w+)/password", answer.text)
    password = re.search(r'<pre class="code">([^<]+)</pre>', answer.text)
    assert id
    assert password
    return id[1], password[1]


async def test_a_user_is_made_changed_and_deactivated(browser_client: Browser) -> None:
    id, password = await made(browser_client)
    assert password not in (await browser_client.get(f"/users/{id}")).text
    assert ADDRESS in (await browser_client.get("/users")).text
    async with a_browser(browser_client.app, address="127.0.0.2") as other:
        assert (await other.sign_in(ADDRESS, password)).status_code == 303
        assert (await other.get("/users")).status_code == 200
        assert (await other.get("/users/-/new")).status_code == 403
        refused = await other.submit(f"/users/{id}", role="administrator", version="1")
        assert refused.status_code == 403
        answer = await browser_client.submit(f"/users/{id}", active="no", version="1")
        assert answer.status_code == 303
        assert (await other.get("/users")).headers["location"].startswith("/sign-in")
    assert "is deactivated" in (await browser_client.get(f"/users/{id}")).text
    stale = await browser_client.submit(f"/users/{id}", active="yes", version="1")
    assert stale.status_code == 412
    again = await browser_client.submit(f"/users/{id}/password")
    assert "shown this once" in again.text
    gone = await browser_client.submit(f"/users/{id}/remove", version="3")
    assert gone.headers["location"] == "/users"
    assert (await browser_client.get(f"/users/{id}")).status_code == 404


async def test_what_is_wrong_stands_beside_its_field(browser_client: Browser) -> None:
    answer = await browser_client.submit("/users", name="", email="nobody", role="viewer")
    assert answer.status_code == 422
    assert answer.text.count("field-error") == 2
    page = (await browser_client.get("/account")).text
    own = re.search(r"/users/(usr_\w+)", page)
    assert own
    last = await browser_client.submit(f"/users/{own[1]}", role="viewer", version="1")
    assert (last.status_code, "last active administrator" in last.text) == (409, True)


async def test_an_approver_names_a_deputy(browser_client: Browser) -> None:
    id, password = await made(browser_client)
    async with a_browser(browser_client.app, address="127.0.0.2") as other:
        await other.sign_in(ADDRESS, password)
        page = (await other.get(f"/users/{id}")).text
        deputy = re.search(r'<option value="(usr_\w+)"[^>]*>Administrator', page)
        assert deputy
        days = {"from": "2030-07-01", "until": "2040-07-15"}
        wrong = await other.submit(f"/users/{id}/delegation", to=deputy[1], until="2030-07-01")
        assert wrong.status_code == 422
        put = await other.submit(f"/users/{id}/delegation", to=deputy[1], **days)
        assert put.status_code == 303, put.text
        assert "decides on campaigns in your stead" in (await other.get(f"/users/{id}")).text
        await other.submit(f"/users/{id}/delegation", end="yes")
        assert "Nobody decides on campaigns" in (await other.get(f"/users/{id}")).text


async def test_the_log_is_read_filtered_and_verified(browser_client: Browser) -> None:
    id, _ = await made(browser_client, "viewer")
    page = (await browser_client.get(f"/audit?actor={EMAIL}&action=user")).text
    assert "user.created" in page
    assert f"user:{EMAIL}" in page
    assert f'href="/users/{id}"' in page
    assert "No line fits" in (await browser_client.get("/audit?action=template")).text
    assert (await browser_client.get("/audit?after=yesterday")).status_code == 422
    await audit_log.seal(browser_client.app)
    assert "as they were written" in (await browser_client.get("/audit?verify=1")).text
    async with browser_client.app.db.leader() as conn:
        await conn.execute(text("UPDATE audit SET subject = 'x' WHERE seq = 1"))
    assert (
        "Line 1: it is not as it was sealed" in (await browser_client.get("/audit?verify=1")).text
    )
