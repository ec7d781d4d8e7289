"""The pages of triggers: made, tried with an event, paused, changed, removed; what events did."""

import html
import json

from tests.fixtures.api import KEY, a_client
from tests.fixtures.dashboard import Browser

EVENT = {
    "specversion": "1.0", "id": "8", "source": "/shop", "type": "order.shipped",
    "data": {"order": "A-1", "email": "sam@example.com", "country": "FR"},
}  # fmt: skip
FORM = {
    "name": "shipped", "event_type": "order.shipped", "filter": '{"data.country": ["FR"]}',
    "say": "email", "to": "email", "recipient": "{{ event.data.email }}",
    "content.email.subject": "Order {{ event.data.order }}", "content.email.text": "On its way",
}  # fmt: skip


async def shown(browser: Browser, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return html.unescape(answer.text)


async def test_a_trigger_is_made_tried_changed_paused_and_removed(browser_client: Browser) -> None:
    assert "Make the first one" in await shown(browser_client, "/triggers")
    wrong = await browser_client.submit(
        "/triggers/new", **{**FORM, "name": "", "recipient": "{{ nobody", "filter": "[1]"}
    )
    assert wrong.status_code == 422
    assert 'id="error-filter"' in wrong.text
    wrong = await browser_client.submit("/triggers/new", **{**FORM, "recipient": "{{ nobody"})
    assert 'id="error-recipient"' in wrong.text
    made = await browser_client.submit("/triggers/new", **FORM)
    assert made.status_code == 303, made.text
    place = made.headers["location"]
    page = await shown(browser_client, place)
    assert 'value="{{ event.data.email }}"' in page
    version = page.split('name="version" value="')[1].split('"')[0]

    tried = await browser_client.submit(f"{place}/test", event=json.dumps(EVENT))
    page = html.unescape(tried.text)
    assert "It would start this notification" in page
    assert "Order A-1" in page
    assert "to sam@example.com" in page
    other = {**EVENT, "data": {**EVENT["data"], "country": "DE"}}  # type: ignore[dict-item]
    page = (await browser_client.submit(f"{place}/test", event=json.dumps(other))).text
    assert "another value of data.country" in page
    assert 'id="error-event"' in (await browser_client.submit(f"{place}/test", event="{")).text
    async with a_client(browser_client.app, KEY) as api:
        assert (await api.get("/v1/notifications")).json()["items"] == []
        assert (await api.post("/v1/events", json=EVENT)).status_code == 202
        broken = {**EVENT, "id": "9", "data": {"country": "FR", "order": 1}}
        assert (await api.post("/v1/events", json=broken)).status_code == 202
        recent = (await api.get("/v1/events/recent?type=order.shipped")).json()["items"]
        assert [(len(one["notifications"]), len(one["refused"])) for one in recent] == [
            (0, 1), (1, 0),
        ]  # fmt: skip
    for path in ("/triggers", place):
        page = await shown(browser_client, path)
        assert page.count("started a notification") == 1
        assert "which the event lacks" in page

    changed = await browser_client.submit(
        f"{place}/change", **{**FORM, "version": version, "say": "sms", "filter": "",
                              "to": "phone", "content.sms.text": "Sent"},
    )  # fmt: skip
    assert changed.status_code == 303, changed.text
    async with a_client(browser_client.app, KEY) as api:
        kept = (await api.get(f"/v1{place}")).json()
    assert kept["filter"] == {}
    assert kept["notification"]["recipient"] == {"phone": "{{ event.data.email }}"}
    assert kept["notification"]["content"] == {"sms": {"text": "Sent"}}
    stale = await browser_client.submit(f"{place}/change", **FORM, version=version)
    assert stale.status_code == 412
    now = str(kept["version"])
    await browser_client.submit(place, version=now)
    assert "paused" in await shown(browser_client, place)
    await browser_client.submit(f"{place}/remove", version=str(kept["version"] + 1))
    assert (await browser_client.get(place)).status_code == 404


async def test_what_inputs_cannot_say_is_json(browser_client: Browser) -> None:
    both = {"email": {"subject": "a", "text": "b"}, "sms": {"text": "c"}}
    notification = {"recipient": {"email": "a@example.com"}, "content": both, "priority": "high"}
    made = await browser_client.submit(
        "/triggers/new", name="two", event_type="x", say="json",
        notification=json.dumps(notification),
    )  # fmt: skip
    assert made.status_code == 303, made.text
    page = await shown(browser_client, made.headers["location"])
    assert '"priority": "high"' in page
    assert "All of it as JSON" in page
