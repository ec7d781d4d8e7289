"""The pages of partials: written beside what they look like, by themselves and in templates."""

import html

from tests.api.test_templates import a_template
from tests.fixtures.api import Client
from tests.fixtures.dashboard import Browser


async def test_a_partial_is_written_used_changed_and_removed(
    client: Client, browser_client: Browser
) -> None:
    new = {"key": "sign", "source": "Example Ltd {{ city }}", "locales.fr": "Exemple SA"}
    assert "A partial is written once" in (await browser_client.get("/partials")).text
    shown = await browser_client.submit("/partials/-/preview", **new)
    assert "Example Ltd" in shown.text
    wrong = await browser_client.submit("/partials", **{**new, "source": "{% if"}, do="save")
    assert (wrong.status_code, 'id="error-source"' in wrong.text) == (422, True)
    made = await browser_client.submit("/partials", **new, do="save")
    assert made.headers["location"] == "/partials/sign"
    assert (await client.get("/v1/partials/sign")).json()["locales"] == {"fr": "Exemple SA"}
    content = {"sms": {"text": 'Hello. {% include "sign" %}'}}
    await a_template(client, words={"content": content})
    page = (await browser_client.get("/partials/sign")).text
    assert 'href="/templates/order"' in page
    changed = {"source": "Example & Co", "locales.fr": "", "version": "1"}
    inside = await browser_client.submit(
        "/partials/sign/preview", **changed, **{"look.template": "order"}
    )
    assert "Hello. Example & Co" in html.unescape(inside.text)
    used = await browser_client.submit("/partials/sign/remove")
    assert used.headers["location"] == "/partials/sign"
    saved = await browser_client.submit("/partials/sign", **changed, do="save")
    assert saved.status_code == 303, saved.text
    found = (await client.get("/v1/partials/sign")).json()
    assert (found["source"], found["locales"]) == ("Example & Co", {})
    stale = await browser_client.submit("/partials/sign", **changed, do="save")
    assert (stale.status_code, "Look at it as it is now" in stale.text) == (412, True)


async def test_a_piece_of_mjml_is_shown_as_a_mail(browser_client: Browser) -> None:
    shown = await browser_client.submit(
        "/partials/-/preview", key="", source="<mj-text>Hello {{ name }}</mj-text>"
    )
    assert "srcdoc=" in shown.text
    assert "mj-text" not in shown.text
