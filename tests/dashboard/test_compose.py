"""Composing and changing by forms, over a real database without Temporal."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.message_forms import WORDS, recipient
from domain.vocabulary import Channel
from services.merging import difference, merge
from tests.fixtures.api import Client
from tests.fixtures.dashboard import Browser

MAIL = {
    "say": "email",
    "recipient": "sam@example.com",
    "content.email.subject": "Order {{ order }}",
    "content.email.text": "Line one\r\nLine two",
    "data": '{"order": "A-1"}',
    "zone": "UTC",
}
DOCUMENTS = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(max_size=2), DOCUMENTS, max_size=4)


async def compose(browser: Browser, **change: str) -> Any:
    return await browser.submit("/compose", **{**MAIL, "do": "send", **change})


async def stored(client: Client) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get("/v1/notifications")).json()["items"]
    return items


async def test_a_form_asks_for_what_the_api_would(client: Client, browser_client: Browser) -> None:
    answer = await compose(
        browser_client, send_at="2040-01-31T09:00", zone="Europe/Paris", priority="high"
    )
    assert answer.status_code == 303, answer.text
    id = answer.headers["location"].removeprefix("/notifications/")
    found = (await client.get(f"/v1/notifications/{id}")).json()
    assert found["send_at"] == "2040-01-31T08:00:00.000Z"
    assert found["priority"] == "high"
    assert found["content"]["email"]["subject"] == "Order A-1"
    assert found["content"]["email"]["text"] == "Line one\nLine two"


async def test_a_preview_tells_what_a_text_costs(browser_client: Browser) -> None:
    fields = {"say": "sms", "recipient": "+14155550100", "content.sms.text": "it’s here"}
    answer = await compose(browser_client, do="preview", **fields)
    assert answer.status_code == 200
    assert "1 part, UCS-2" in answer.text
    assert "content.sms.text leaves 70 characters instead of 160 in a part because of ’." in (
        answer.text
    )


async def test_what_cannot_be_sent_stands_at_its_field(browser_client: Browser) -> None:
    fields = {"say": "push", "recipient": "token", "content.push.title": "Hi"}
    answer = await compose(browser_client, **fields, **{"content.push.url": "javascript:alert(1)"})
    assert answer.status_code == 422
    assert "Begins with javascript:, which is no place to go to." in answer.text


async def test_the_same_form_sent_twice_asks_once(client: Client, browser_client: Browser) -> None:
    page = (await browser_client.get("/compose")).text
    key = re.search(r'name="key" value="([^"]+)"', page)
    assert key is not None
    answers = [await compose(browser_client, key=key[1]) for _ in range(2)]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert len(await stored(client)) == 1
    changed = await compose(browser_client, key=key[1], data='{"order": "B-2"}')
    assert changed.status_code == 422
    assert "was used with another body" in changed.text


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"recipient": "sam@"}, "recipient", "Is not an e-mail address"),
        ({"recipient": ""}, "recipient", "Is not an e-mail address"),
        ({"recipient": "+1"}, "recipient", "phone number"),
        ({"recipient": "someone"}, "recipient", "Names no profile"),
        ({"content.email.subject": ""}, "content.email.subject", "Is required."),
        ({"content.email.text": ""}, "content.email.text", "Needs html, text or both."),
        ({"content.email.subject": "{% if"}, "content.email.subject", "nexpected"),
        ({"data": "{"}, "data", "Is not JSON"),
        ({"data": "[]"}, "data", "Must be an object"),
        ({"data": "{}"}, "data", "order"),
        ({"send_at": "soon"}, "send_at", "Is not a date and time"),
        ({"send_at": "2040-01-31T09:00", "zone": "Mars/Base"}, "zone", "Is not an IANA"),
        ({"expires_at": "2020-01-01T00:00"}, "expires_at", "Must be later than now"),
        ({"category": "nothing"}, "category", "Is none of"),
        ({"priority": "urgent"}, "priority", "Input should be"),
        ({"say": "template", "template": "nothing"}, "template", "Names no published template"),
    ],
)
async def test_what_is_wrong_stands_beside_its_field_and_nothing_is_lost(
    client: Client, browser_client: Browser, change: dict[str, str], field: str, words: str
) -> None:
    answer = await compose(browser_client, **change)
    assert answer.status_code == 422, answer.text
    if field != "template":  # without templates there is no list to choose from
        assert f'id="error-{field}"' in answer.text
    assert words in answer.text
    kept = {**MAIL, **change}
    if kept["say"] == "email" and kept["content.email.text"]:
        assert "Line two" in answer.text
    assert await stored(client) == []


async def test_a_preview_renders_and_shows_the_curl_and_stores_nothing(
    client: Client, browser_client: Browser
) -> None:
    answer = await compose(
        browser_client, do="preview", **{"content.email.html": "<p>It's {{ order }}</p>"}
    )
    assert answer.status_code == 200
    assert "Order A-1" in answer.text
    assert 'srcdoc="&lt;p&gt;It&#39;s A-1&lt;/p&gt;"' in answer.text
    assert "curl -X POST http://tocsin.example.com/v1/notifications" in answer.text
    assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert await stored(client) == []


async def test_a_preview_has_the_times_of_its_recipient_and_of_its_viewer(
    client: Client, browser_client: Browser
) -> None:
    profile = {"email": "ann@example.com", "timezone": "Asia/Tokyo"}
    id = (await client.post("/v1/profiles", json=profile)).json()["id"]
    asked = {
        "content.email.text": '{{ at | time("HH:mm") }}', "data": '{"at": "2040-01-31T09:00:00Z"}',
        "content.email.subject": "Hi", "send_at": "2040-01-31T09:00", "zone": "Europe/Paris",
    }  # fmt: skip
    answer = await compose(browser_client, do="preview", recipient=id, **asked)
    assert ">18:00</pre>" in answer.text
    assert "those of Asia/Tokyo" in answer.text
    assert ">2040-01-31 09:00 Europe/Paris</time>" in answer.text
    unknown = await compose(browser_client, do="preview", **asked)
    assert ">09:00</pre>" in unknown.text
    assert "UTC: the recipient" in unknown.text


async def test_another_channel_keeps_what_was_typed(browser_client: Browser) -> None:
    answer = await compose(browser_client, do="change", say="push")
    assert 'name="content.push.title"' in answer.text
    assert 'value="sam@example.com"' in answer.text
    assert 'name="content.email.subject"' not in answer.text


async def test_a_template_supplies_the_words(client: Client, browser_client: Browser) -> None:
    words = {"email": {"subject": "Order {{ order }}", "text": "T"}}
    await client.post("/v1/templates", json={"key": "shipped", "content": words})
    hidden = await compose(browser_client, do="change", say="template")
    assert "No template is published yet" in hidden.text
    await client.post("/v1/templates/shipped/publish", json={"version": 1})
    shown = await compose(browser_client, do="change", say="template")
    assert '<option value="shipped"' in shown.text
    missing = await compose(browser_client, say="template", template="shipped", data="{}")
    assert 'id="error-data"' in missing.text
    sent = await compose(browser_client, say="template", template="shipped")
    assert sent.status_code == 303
    assert [one["template"] for one in await stored(client)] == ["shipped"]


async def test_a_change_touches_only_what_differs(client: Client, browser_client: Browser) -> None:
    made = await compose(browser_client, send_at="2040-01-31T09:00")
    path = made.headers["location"]
    page = (await browser_client.get(f"{path}/change")).text
    fields = dict(re.findall(r'<input[^>]+name="([^"]+)"[^>]+value="([^"]*)"', page))
    assert fields["send_at"] == "2040-01-31T09:00"
    form = {
        **fields, "priority": "medium", "content.email.subject": "Changed {{ order }}",
        "content.email.text": "Line one\r\nLine two", "data": '{"order": "B-2"}',
    }  # fmt: skip
    changed = await browser_client.post(f"{path}/change", data=form)
    assert changed.status_code == 303, changed.text
    found = (await client.get(f"/v1/{path.strip('/')}")).json()
    assert found["content"]["email"]["subject"] == "Changed B-2"
    assert (found["version"], found["priority"]) == (2, "medium")
    stale = await browser_client.post(f"{path}/change", data=form)
    assert stale.status_code == 412
    assert "changed meanwhile" in stale.text
    form["version"], form["send_at"] = "2", "2040-02-30T09:00"
    wrong = await browser_client.post(f"{path}/change", data=form)
    assert wrong.status_code == 422
    assert 'id="error-send_at"' in wrong.text
    log = (await client.get(f"/v1/{path.strip('/')}")).json()
    assert log["version"] == 2


@given(before=OBJECTS, after=OBJECTS)
def test_a_difference_merged_gives_what_it_was_made_of(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    assert merge(before, difference(before, after)) == after
    assert difference(after, after) == {}


@pytest.mark.parametrize(
    ("given_", "say", "expected"),
    [
        (" sam@example.com ", "email", {"email": "sam@example.com"}),
        ("+14155550100", "sms", {"phone": "+14155550100"}),
        ("+14155550100", "whatsapp", {"whatsapp": "+14155550100"}),
        ("12345", "telegram", {"telegram": "12345"}),
        ("token", "push", {"push": ["token"]}),
        ("customer-7", "email", {"external_id": "customer-7"}),
        ("prf_01m86zya1meqps78gn88hn8g2r", "sms", "prf_01m86zya1meqps78gn88hn8g2r"),
    ],
)
def test_a_line_names_a_recipient(given_: str, say: str, expected: Any) -> None:
    assert recipient(given_, say) == expected


def test_every_channel_can_be_composed() -> None:
    assert set(WORDS) == {channel.value for channel in Channel}
    assert json.dumps(list(WORDS))
