"""Words as recipients get them, and words that cannot be sent, through the whole system."""

from typing import Any

from tests.fixtures.system import System

MJML = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>Order {{ order }}</mj-text>"
    "</mj-column></mj-section></mj-body></mjml>"
)


async def only_message(system: System, id: str) -> dict[str, Any]:
    kept = await system.client.get("/v1/outbox", params={"notification": id})
    [message] = kept.json()["items"]
    return dict(message["content"])


async def test_a_text_is_folded_and_counted_on_its_way(system: System) -> None:
    made = await system.ask(
        recipient={"phone": "+14155550100"},
        content={"sms": {"text": "“{{ n }}” – it’s here", "fold": True}},
        data={"n": 7},
    )
    found = await system.finished(made["id"])
    said = {"text": '"7" - it\'s here', "encoding": "gsm7", "segments": 1}
    assert found["state"] == "sent"
    assert found["content"] == {"sms": said}
    assert await only_message(system, made["id"]) == said


async def test_mjml_arrives_as_html_and_text(system: System) -> None:
    made = await system.ask(
        content={"email": {"subject": "Hi", "html": MJML}}, data={"order": "A & B"}
    )
    assert (await system.finished(made["id"]))["state"] == "sent"
    [message] = system.smtp.messages
    assert b"Content-Type: text/plain" in message.content
    assert b"Order A & B" in message.content
    assert b"Order A &amp; B" in message.content
    assert b"mj-text" not in message.content


async def test_a_template_is_sent_in_the_language_of_its_profile(system: System) -> None:
    profile = {"name": "Sample", "locale": "de-AT", "phone": "+14155550100"}
    id = (await system.client.post("/v1/profiles", json=profile)).json()["id"]
    words = {"template": "order_shipped", "parameters": {"1": "{{ n }}"}}
    made = await system.ask(recipient=id, content={"whatsapp": words}, data={"n": 7})
    found = await system.finished(made["id"])
    said = {"template": "order_shipped", "language": "de_AT", "parameters": {"1": "7"}}
    assert (found["state"], found["content"]["whatsapp"]) == ("sent", said)
    assert await only_message(system, made["id"]) == said


async def test_what_is_too_long_only_for_its_recipient_fails_with_its_reason(
    system: System,
) -> None:
    # The profile's locale is read when it is sent, so the long words are not known before.
    template = {
        "key": "long", "content": {"sms": {"text": "Hi"}},
        "locales": {"fr": {"sms": {"text": "{% for n in range(times) %}oh{% endfor %}"}}},
        "schema": {"properties": {"times": {"type": "integer", "examples": [3]}}},
    }  # fmt: skip
    assert (await system.client.post("/v1/templates", json=template)).status_code == 201
    await system.client.post("/v1/templates/long/publish", json={"version": 1})
    profile = {"name": "Sample", "locale": "fr", "phone": "+14155550100"}
    id = (await system.client.post("/v1/profiles", json=profile)).json()["id"]
    made = await system.ask(recipient=id, content=None, template="long", data={"times": 900})
    found = await system.finished(made["id"])
    assert (found["state"], found["reason"]) == ("failed", "payload_too_large")
    assert found["deliveries"][0]["attempts"] == 0
