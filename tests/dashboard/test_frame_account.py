"""The account page: the band while the password is temporary, and a new password."""

import pytest

from services.app import App
from tests.fixtures.dashboard import EMAIL, PASSWORD, Browser, a_browser

NEW_PASSWORD = "a sentence of my own"
BAND = "Your password is temporary"


async def test_a_new_password_takes_the_place_of_the_old(app: App, browser_client: Browser) -> None:
    async with a_browser(app, address="192.0.2.8") as elsewhere:
        await elsewhere.sign_in()
        changed = await browser_client.submit(
            "/account/password", old=PASSWORD, new=NEW_PASSWORD, again=NEW_PASSWORD
        )
        assert (changed.status_code, changed.headers["location"]) == (303, "/account")
        assert "Your password is changed." in (await browser_client.get("/account")).text
        assert (await elsewhere.get("/")).status_code == 303, "other sessions have ended"
        assert (await elsewhere.sign_in(EMAIL, PASSWORD)).status_code == 401
        assert (await elsewhere.sign_in(EMAIL, NEW_PASSWORD)).status_code == 303


async def test_a_temporary_password_is_pointed_out_until_it_is_changed(
    browser_client: Browser,
) -> None:
    for path in ("/", "/outbox", "/account", "/nowhere"):
        assert BAND in (await browser_client.get(path)).text
    await browser_client.submit(
        "/account/password", old=PASSWORD, new=NEW_PASSWORD, again=NEW_PASSWORD
    )
    for path in ("/", "/outbox", "/account", "/nowhere"):
        assert BAND not in (await browser_client.get(path)).text


@pytest.mark.parametrize(
    ("old", "new", "again", "field", "words"),
    [
        ("not it at all", NEW_PASSWORD, NEW_PASSWORD, "old", "Is not the present password."),
        (PASSWORD, "short", "short", "new", "Must have 12 to 1024 characters."),
        (PASSWORD, NEW_PASSWORD, "another sentence", "again", "Differs from the new password."),
        (PASSWORD, PASSWORD, PASSWORD, "new", "This is the present password."),
    ],
)
async def test_what_is_wrong_is_said_beside_the_field(
    browser_client: Browser, old: str, new: str, again: str, field: str, words: str
) -> None:
    answer = await browser_client.submit("/account/password", old=old, new=new, again=again)
    assert answer.status_code == 422
    assert f'id="error-{field}"' in answer.text
    assert words in answer.text
    assert new not in answer.text
    assert (await browser_client.sign_in(EMAIL, PASSWORD)).status_code == 303
