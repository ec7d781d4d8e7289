"""/v1/partials: pieces that templates share, frozen with what is published."""

from typing import Any

import pytest

from tests.api.test_templates import a_template, publish
from tests.fixtures.api import Client, problem_fields

FOOTER = {"key": "footer", "source": "Example Ltd {{ year }}", "locales": {"fr": "Exemple SA"}}
USING = {
    "content": {"sms": {"text": 'Hi. {% include "footer" %}'}},
    "locales": {"fr-CA": {"sms": {"text": 'Salut. {% include "footer" %}'}}},
}


async def a_partial(client: Client, **given: Any) -> None:
    answer = await client.post("/v1/partials", json={**FOOTER, **given})
    assert answer.status_code == 201, answer.text


async def said(client: Client, **asked: Any) -> Any:
    answer = await client.post("/v1/templates/order/preview", json=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["channels"]["sms"]["text"]


async def test_a_partial_is_frozen_with_the_version_that_is_published(client: Client) -> None:
    await a_partial(client)
    await a_template(client, words=USING)
    assert await said(client, data={"year": 2030}) == "Hi. Example Ltd 2030"
    assert await said(client, locale="fr-CA") == "Salut. Exemple SA"
    await publish(client)
    changed = await client.put("/v1/partials/footer", json={"source": "New Ltd", "note": "Moved"})
    assert changed.json()["version"] == 2
    assert changed.json()["used_by"] == [
        {"template": "order", "version": 1, "published": True, "frozen": 1}
    ]
    assert await said(client, data={"year": 2030}) == "Hi. Example Ltd 2030"
    asked = {"recipient": {"phone": "+14155550100"}, "template": "order", "data": {"year": 1}}
    accepted = (await client.post("/v1/notifications", json=asked)).json()
    shown = (await client.get(f"/v1/notifications/{accepted['id']}")).json()
    assert shown["content"]["sms"]["text"] == "Hi. Example Ltd 1"
    await client.post("/v1/templates/order/versions", json=USING)
    assert await said(client) == "Hi. New Ltd"
    versions = (await publish(client, version=2))["versions"]
    assert [(one["version"], one["partials"]) for one in versions] == [
        (2, {"footer": 2}), (1, {"footer": 1}),
    ]  # fmt: skip


async def test_a_layout_is_filled_by_blocks(client: Client) -> None:
    blocks = "<{% block title %}Default{% endblock %}|{% block body %}{% endblock %}"
    layout = blocks + "|{% include 'footer' %}>"
    await a_partial(client)
    await a_partial(client, key="layout", source=layout, locales={})
    text = '{% extends "layout" %}{% block body %}{{ year }}{% endblock %}'
    own = "{% extends 'layout' %}{% block title %}Own {{ super() }}{% endblock %}"
    await a_template(client, words={"content": {"sms": {"text": text}, "telegram": {"text": own}}})
    asked = {"data": {"year": 2030}}
    shown = (await client.post("/v1/templates/order/preview", json=asked)).json()["channels"]
    assert shown["sms"]["text"] == "<Default|2030|Example Ltd 2030>"
    assert shown["telegram"]["text"] == "<Own Default||Example Ltd 2030>"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{% include 'nothing' %}", "does not exist"),
        ("{% include name %}", "include"),
        ("{% include 'ring' %}", "inside itself"),
        ("{% extends 'footer' %}Words", "outside of blocks"),
    ],
)
async def test_what_cannot_be_composed_is_named(client: Client, text: str, words: str) -> None:
    await a_partial(client)
    await a_partial(client, key="ring", source="{% include 'gnir' %}", locales={})
    await a_partial(client, key="gnir", source="{% include 'ring' %}", locales={})
    answer = await client.post(
        "/v1/templates", json={"key": "order", "content": {"sms": {"text": text}}}
    )
    assert problem_fields(answer) == ["content.sms.text"]
    assert words in answer.json()["errors"][0]["message"]


async def test_partials_are_made_changed_and_removed(client: Client) -> None:
    await a_partial(client)
    assert (await client.post("/v1/partials", json=FOOTER)).status_code == 409
    broken = await client.post("/v1/partials", json={"key": "x", "source": "{% if"})
    assert problem_fields(broken) == ["source"]
    stale = await client.put(
        "/v1/partials/footer", json={"source": "x"}, headers={"If-Match": '"9"'}
    )
    assert stale.status_code == 412
    await a_template(client, words=USING)
    assert (await client.delete("/v1/partials/footer")).status_code == 409
    await client.delete("/v1/templates/order")
    assert (await client.delete("/v1/partials/footer")).status_code == 204
    assert (await client.get("/v1/partials/footer")).status_code == 404
    assert (await client.get("/v1/partials")).json()["items"] == []


async def test_another_modules_partial_is_not_found(client: Client) -> None:
    await a_partial(client)
    other = await client.with_key("*", module="other")
    assert (await other.get("/v1/partials/footer")).status_code == 404
    assert (await other.get("/v1/partials")).json()["items"] == []
    answer = await other.post("/v1/templates", json={"key": "order", **USING})
    assert problem_fields(answer) == ["content.sms.text", "locales.fr-CA.sms.text"]
