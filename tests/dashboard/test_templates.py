"""Template pages: editing, previewing, publishing, comparing and archiving by forms."""

import re
from html import unescape
from typing import Any

import pytest

from tests.api.test_templates import WORDS, a_template, publish
from tests.fixtures.api import Client
from tests.fixtures.dashboard import Browser

NEW = {
    "key": "welcome", "name": "Welcome", "locale": "en", "do": "save",
    "words.en.sms.text": "Welcome {{ name }}\r\nto us",
    "schema": '{"properties": {"name": {"type": "string", "examples": ["Ada"]}}}',
}  # fmt: skip

CONTENT: dict[str, Any] = dict(WORDS["content"])  # type: ignore[arg-type]


def fields_of(page: str) -> dict[str, str]:
    """Return what the editor's form would send."""
    form = page[page.index('id="editor"') :]
    found = dict(re.findall(r'<input[^>]+ name="([^"]+)"[^>]* value="([^"]*)"', form))
    areas = re.findall(r'<textarea[^>]+ name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    kept = {**found, **dict(areas)}
    return {name: unescape(value) for name, value in kept.items() if "." in name or name in NEW} | {
        "seen": found["seen"]
    }


async def edited(browser: Browser, id: str, **change: str) -> Any:
    fields = fields_of((await browser.get(f"/templates/{id}")).text)
    return await browser.submit(f"/templates/{id}", **{**fields, "do": "save", **change})


async def test_a_template_is_made_by_the_form(client: Client, browser_client: Browser) -> None:
    answer = await browser_client.submit("/templates/new", **NEW)
    assert answer.status_code == 303, answer.text
    made = (await client.get("/v1/templates/welcome")).json()
    assert answer.headers["location"] == f"/templates/{made['id']}"
    assert made["content"] == {"sms": {"text": "Welcome {{ name }}\nto us"}}
    assert made["state"] == "draft"
    page = (await browser_client.get("/templates")).text
    assert ">Welcome</a>" in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"key": "no spaces"}, 'id="error-key"'),
        ({"schema": "{"}, "Is not JSON"),
        ({"words.en.sms.text": "{% if"}, 'id="error-words.en.sms.text"'),
        ({"words.en.sms.text": ""}, "needs content for at least one channel"),
        ({"words.en.email.subject": "only"}, 'id="error-words.en.email.text"'),
    ],
)
async def test_what_is_wrong_stands_at_its_field_and_nothing_is_lost(
    client: Client, browser_client: Browser, change: dict[str, str], words: str
) -> None:
    answer = await browser_client.submit("/templates/new", **{**NEW, **change})
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="Welcome"' in answer.text
    assert (await client.get("/v1/templates")).json()["items"] == []


async def test_saving_keeps_what_the_form_does_not_show(
    client: Client, browser_client: Browser
) -> None:
    buttons = [
        [{"text": "Go", "url": "https://example.com/{{ order | upper }}"},
         {"text": "Stay", "url": "https://example.com"}],
        [{"text": "Back", "url": "https://example.com/back"}],
    ]  # fmt: skip
    telegram: dict[str, Any] = {"text": "a", "buttons": buttons}
    words: dict[str, Any] = {**WORDS, "content": {**CONTENT, "telegram": telegram}}
    made = await a_template(client, words=words)
    same = await edited(browser_client, made["id"])
    assert same.status_code == 303
    assert (await client.get("/v1/templates/order")).json()["version"] == 1
    await edited(
        browser_client, made["id"],
        **{"words.en.telegram.text": "b", "words.fr.sms.text": "", "note": "Shorter"},
    )  # fmt: skip
    found = (await client.get("/v1/templates/order")).json()
    assert found["content"] == {
        **CONTENT, "telegram": {"text": "b", "buttons": buttons},
    }  # fmt: skip
    assert (found["locales"], found["schema"]) == ({}, WORDS["schema"])
    assert (found["version"], found["versions"][0]["note"]) == (2, "Shorter")
    stale = await browser_client.submit(
        f"/templates/{made['id']}", **{**NEW, "seen": "1", "words.en.sms.text": "Mine"}
    )
    assert stale.status_code == 412
    assert "Mine" in stale.text


async def test_a_digest_is_collected_and_laid_out_by_the_form(
    client: Client, browser_client: Browser
) -> None:
    id = (await a_template(client))["id"]
    layout = {"words.en.sms.digest.text": "{{ count }} orders"}
    half = await edited(browser_client, id, **layout, **{"digest.key": "orders"})
    assert (half.status_code, 'id="error-digest.window_seconds"' in half.text) == (422, True)
    assert "{{ count }} orders" in half.text
    collected = {"digest.key": "orders", "digest.window_seconds": "900"}
    assert (await edited(browser_client, id, **layout, **collected)).status_code == 303
    found = (await client.get("/v1/templates/order")).json()
    assert found["digest"] == {"key": "orders", "window_seconds": 900}
    assert found["content"]["sms"]["digest"] == {"text": "{{ count }} orders"}
    assert (await edited(browser_client, id, note="the same")).status_code == 303
    assert (await client.get("/v1/templates/order")).json()["version"] == found["version"]
    broken = await edited(browser_client, id, **{"words.en.sms.digest.text": "{% if"})
    assert 'id="error-words.en.sms.digest.text"' in broken.text
    none = {"words.en.sms.digest.text": "", "digest.key": "", "digest.window_seconds": ""}
    assert (await edited(browser_client, id, **none)).status_code == 303
    found = (await client.get("/v1/templates/order")).json()
    assert (found["digest"], "digest" in found["content"]["sms"]) == (None, False)


async def test_files_are_attached_and_taken_away(client: Client, browser_client: Browser) -> None:
    made = await a_template(client)
    path = f"/templates/{made['id']}"

    async def send(seen: str, **change: str) -> Any:
        fields = fields_of((await browser_client.get(path)).text)
        return await browser_client.post(
            path, data={**fields, "do": "save", "seen": seen, **change, "csrf": token},
            files={"files.en": ("Terms.pdf", b"%PDF-1.4", "application/pdf")},
        )  # fmt: skip

    token = await browser_client.csrf()
    subject = {"words.en.email.subject": "Hi", "words.en.email.text": "Terms are attached."}
    wrong = await send("1", **{"words.en.email.subject": "", "words.en.email.text": "x"})
    assert wrong.status_code == 422
    assert "Terms.pdf" in wrong.text, "what was chosen is not lost"
    assert "not saved yet" in wrong.text
    kept = await send("1", **subject)
    assert kept.status_code == 303, kept.text
    found = (await client.get("/v1/templates/order")).json()["content"]["email"]
    assert found["attachments"] == [
        {"filename": "Terms.pdf", "content_type": "application/pdf", "base64": "JVBERi0xLjQ="}
    ]
    await edited(browser_client, made["id"], **{"drop.en.0": "yes"})
    left = (await client.get("/v1/templates/order")).json()["content"]["email"]
    assert left == {name: value for name, value in found.items() if name != "attachments"}
    token = "wrong"
    assert (await send("3", **subject)).status_code == 403


async def test_a_wrong_button_is_named(client: Client, browser_client: Browser) -> None:
    made = await a_template(client)
    answer = await edited(
        browser_client, made["id"],
        **{"words.en.telegram.text": "a", "words.en.telegram.buttons": "Go -> https://x\n+ Stay"},
    )  # fmt: skip
    assert answer.status_code == 422
    assert "Button 2 of row 1, address: " in answer.text


async def test_the_preview_follows_what_is_typed(client: Client, browser_client: Browser) -> None:
    made = await a_template(client)
    asked = {**NEW, "words.en.sms.text": "Hi {{ name }}", "look.locale": ""}
    shown = await browser_client.submit(f"/templates/{made['id']}/preview", **asked)
    assert "Hi Ada" in shown.text
    assert "<h1" not in shown.text
    asked["words.fr.sms.text"] = "Salut {{ nom }}"
    shown = await browser_client.submit(
        f"/templates/{made['id']}/preview", **{**asked, "look.locale": "fr"}
    )
    assert " to mend before it can be published" in shown.text
    assert "data.nom" in shown.text
    broken = await browser_client.submit(
        "/templates/new/preview", **{**asked, "words.en.sms.text": "{% for"}
    )
    assert "content.sms.text" in broken.text
    assert (await client.get("/v1/templates/order")).json()["version"] == 1


async def test_a_previewed_mail_is_shut_in(client: Client, browser_client: Browser) -> None:
    html = "<style>@media (prefers-color-scheme: dark) { p { color: red } }</style><p>Hi</p>"
    asked = {
        **NEW,
        "words.en.email.subject": "S",
        "words.en.email.html": html + "<script>x</script>",
    }
    page = await browser_client.submit("/templates/new", **{**asked, "do": "preview"})
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "img-src 'self' data:" in policy
    frame = re.search(r'<iframe class="mail" sandbox="" srcdoc="([^"]*)"', page.text)
    assert frame is not None
    inner = unescape(frame[1])
    assert inner.startswith(
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\''
    )
    assert "@media (max-width: 0)" in inner
    dark = await browser_client.submit("/templates/new/preview", **{**asked, "look.dark": "yes"})
    assert "@media (min-width: 0)" in dark.text


async def test_publishing_going_back_and_archiving(client: Client, browser_client: Browser) -> None:
    made = await a_template(client)
    path = f"/templates/{made['id']}"
    done = await browser_client.submit(f"{path}/publish", version="1", note="First")
    assert done.status_code == 303
    bad = {"content": {"push": {"title": "x", "url": "data:x"}}}
    await client.post("/v1/templates/order/versions", json=bad)
    refused = await browser_client.submit(f"{path}/publish", version="2", note="")
    assert refused.status_code == 422
    assert "content.push.url" in refused.text
    good = {"content": {"sms": {"text": "Order two"}}, "note": "Shorter"}
    await client.post("/v1/templates/order/versions", json=good)
    await publish(client, version=3)
    page = (await browser_client.get(f"{path}/versions?from=1&to=3")).text
    for words in ("-Order {{ order }}", "+Order two", "Go back to it", "Shorter"):
        assert words in page
    await browser_client.submit(f"{path}/publish", version="1", note="Three was wrong")
    found = (await client.get("/v1/templates/order")).json()
    assert found["published_version"] == 1
    assert "Three was wrong" in (await browser_client.get(f"{path}/versions")).text
    await browser_client.submit(f"{path}/archive", note="Old")
    assert (await client.get("/v1/templates/order")).status_code == 404
    assert f'href="{path}/versions"' in (await browser_client.get("/templates?state=archived")).text
    await browser_client.submit(f"{path}/unarchive")
    assert (await client.get("/v1/templates/order")).json()["state"] == "published"


async def test_a_test_is_sent_from_the_editor(client: Client, browser_client: Browser) -> None:
    made = await a_template(client)
    path = f"/templates/{made['id']}/test"
    sent = await browser_client.submit(path, to="you@example.com", test_locale="", key="k")
    assert sent.status_code == 303, sent.text
    found = (await client.get(f"/v1{sent.headers['location']}")).json()
    assert found["metadata"]["test"] is True
    wrong = await browser_client.submit(path, to="nobody", test_locale="", key="l")
    assert wrong.status_code == 422
    assert "recipient.email" in wrong.text


async def test_forms_of_others_and_unknown_templates_are_refused(
    client: Client, browser_client: Browser
) -> None:
    made = await a_template(client)
    assert (await browser_client.get("/templates/tpl_nothing")).status_code == 404
    without = await browser_client.post(f"/templates/{made['id']}", data={**NEW, "csrf": "wrong"})
    assert without.status_code == 403
