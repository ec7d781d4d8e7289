"""POST /v1/templates/{key}/publish: what keeps words from being sent, and going back."""

from typing import Any

import pytest

from tests.api.test_templates import PLAIN, WORDS, a_template, publish
from tests.fixtures.api import Client, problem_fields

GOOD = {"type": "object", "properties": {"order": {"type": "integer"}}, "required": ["order"]}


def mail(html: str, **more: Any) -> dict[str, Any]:
    return {"content": {"email": {"subject": "News", "html": html, "text": "News"}}, **more}


async def refused(client: Client, key: str = "order") -> list[str]:
    answer = await client.post(f"/v1/templates/{key}/publish", json={"version": 1})
    assert answer.status_code == 422, answer.text
    assert (await client.get(f"/v1/templates/{key}")).json()["state"] == "draft"
    return problem_fields(answer)


async def test_a_variable_that_the_schema_does_not_list_is_refused(client: Client) -> None:
    await a_template(client, words={**WORDS, "schema": GOOD})
    assert await refused(client) == ["data.name"]
    opened = {**GOOD, "additionalProperties": True}
    await a_template(client, "opened", {**WORDS, "schema": opened})
    (problem,) = (await publish(client, "opened"))["problems"]
    assert (problem["severity"], problem["field"]) == ("warning", "data.name")


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ('<a href="javascript:alert(1)">x</a>', "begins with javascript:"),
        ('<a href="/help">x</a>', "must begin with http:// or https://"),
        ('<a href="https://">x</a>', "names no host"),
        ('<a href="https://a b.example/">x</a>', "holds a space"),
        ('<img alt="" src="logo.png">', "whose address must begin with"),
        ('<p onclick="go()">x</p>', "has a script"),
    ],
)
async def test_an_unsafe_or_broken_link_is_refused(client: Client, html: str, words: str) -> None:
    await a_template(client, words=mail(html))
    answer = await client.post("/v1/templates/order/publish", json={"version": 1})
    assert problem_fields(answer) == ["content.email.html"]
    assert words in answer.json()["errors"][0]["message"]


async def test_what_is_only_unwise_is_told_and_published(client: Client) -> None:
    html = (
        '<img src="https://example.com/a.png"><a href="http://example.com">x</a><a href="#">y</a>'
    )
    await a_template(client, words=mail(html + "<form></form>" + "x" * 103_000))
    told = [one["message"] for one in (await publish(client))["problems"]]
    for words in ("alternative text", "without TLS", "leads nowhere", "<form>", "102 kB"):
        assert any(words in one for one in told), words
    assert len(told) == 5


@pytest.mark.parametrize("category", ["bulk", "marketing"])
async def test_mail_to_many_must_let_its_readers_leave(client: Client, category: str) -> None:
    await a_template(client, words=mail("<p>News</p>"), category=category)
    assert await refused(client) == ["content.email.html"]
    by_variable = mail('<a href="{{ unsubscribe_url }}">Leave</a>')
    await a_template(client, "variable", by_variable, category=category)
    assert (await publish(client, "variable"))["problems"] == []
    await a_template(
        client, "link", mail('<a href="https://example.com/unsubscribe">x</a>'), category=category
    )
    assert (await publish(client, "link"))["problems"] == []


@pytest.mark.parametrize(
    ("schema", "field"),
    [
        ({"properties": {"n": {"type": "integer", "default": "x"}}}, "schema.properties.n.default"),
        ({"properties": {"n": {"type": "integer", "examples": [1, "x"]}}},
         "schema.properties.n.examples[1]"),
        ({"properties": {"n": {"type": "integer"}}, "examples": [{"n": "x"}]},
         "schema.examples[0]"),
    ],
)  # fmt: skip
async def test_examples_that_do_not_fit_their_schema_are_refused(
    client: Client, schema: dict[str, Any], field: str
) -> None:
    await a_template(client, words={"content": {"sms": {"text": "{{ n }}"}}, "schema": schema})
    assert await refused(client) == [field]


async def test_every_language_is_tried_with_the_examples(client: Client) -> None:
    words = {
        "content": {"sms": {"text": "{{ n }}"}},
        "locales": {
            "fr": {
                "sms": {"text": "{{ n.nothing }}"},
                "push": {"title": "{{ n }}", "url": "data:x"},
            },
            "xx": {"sms": {"text": "x"}},
        },
        "schema": {"properties": {"n": {"type": "string", "examples": ["x"]}}},
    }
    await a_template(client, words=words)
    assert set(await refused(client)) == {
        "locales.xx", "locales.fr.sms.text", "locales.fr.push.url",
    }  # fmt: skip


async def test_a_text_that_is_too_long_is_refused(client: Client) -> None:
    words = {"content": {"sms": {"text": "{{ n * 2000 }}"}, "telegram": {"text": "{{ n * 5000 }}"}}}
    await a_template(client, words={**words, "schema": {"properties": {"n": {"examples": ["x"]}}}})
    assert await refused(client) == ["content.sms.text", "content.telegram.text"]


async def test_a_value_that_may_be_absent_is_told(client: Client) -> None:
    schema = {"properties": {"a": {"type": "string"}, "b": {"default": "x"}}, "required": []}
    words = {"content": {"sms": {"text": "{{ a }}{{ b }}"}}, "schema": schema}
    await a_template(client, words=words)
    assert [one["field"] for one in (await publish(client))["problems"]] == ["data.a"]


async def test_without_a_schema_what_cannot_be_tried_is_told(client: Client) -> None:
    await a_template(client, words={"content": {"sms": {"text": "{{ order.total }}"}}})
    (problem,) = (await publish(client))["problems"]
    assert (problem["severity"], problem["field"]) == ("warning", "content.sms.text")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
            "steps",
        ),
        ("{{ ''.__class__.__mro__ }}", "__class__"),
        ("{{ 'x' * 10000000 }}", "characters or items"),
    ],
)
async def test_what_runs_away_or_breaks_out_is_stopped(
    client: Client, text: str, words: str
) -> None:
    for schema in ({}, GOOD):
        key = "declared" if schema else "free"
        await a_template(client, key, {"content": {"sms": {"text": text}}, "schema": schema})
        answer = await client.post(f"/v1/templates/{key}/publish", json={"version": 1})
        assert problem_fields(answer) == ["content.sms.text"]
        assert words in answer.json()["errors"][0]["message"]


async def test_a_template_of_ten_megabytes_is_refused(client: Client) -> None:
    words = {"content": {"email": {"subject": "x", "html": "x" * 10_000_000}}}
    answer = await client.post("/v1/templates", json={"key": "huge", **words})
    assert answer.status_code in (413, 422)
    assert answer.headers["content-type"] == "application/problem+json"


async def test_going_back_is_always_possible_and_told(client: Client) -> None:
    await a_template(client, words=mail("<p>One</p>"))
    await publish(client)
    await client.post("/v1/templates/order/versions", json={**PLAIN, "note": "shorter"})
    await publish(client, version=2)
    await client.patch("/v1/templates/order", json={"category": "marketing"})
    back = {"version": 1, "note": "Two was wrong"}
    answer = await client.post("/v1/templates/order/publish", json=back)
    assert answer.status_code == 200
    assert answer.json()["published_version"] == 1
    assert [one["severity"] for one in answer.json()["problems"]] == ["error"]
    lines = (await client.get("/v1/templates/order/history")).json()["items"]
    assert [(one["action"], one["version"], one["before"], one["note"]) for one in lines] == [
        ("published", 1, 2, "Two was wrong"),
        ("changed", None, None, None),
        ("published", 2, 1, None),
        ("version_added", 2, None, "shorter"),
        ("published", 1, None, None),
        ("created", 1, None, None),
    ]
    assert {one["by"] for one in lines} == {lines[0]["by"]}
    page = (await client.get("/v1/templates/order/history", params={"limit": 4})).json()
    params = {"limit": 4, "cursor": page["next_cursor"]}
    rest = (await client.get("/v1/templates/order/history", params=params)).json()
    assert page["items"] + rest["items"] == lines


async def test_two_versions_are_compared(client: Client) -> None:
    await a_template(client)
    changed = {
        **WORDS,
        "content": {"email": {"subject": "Order {{ order }}", "html": "<p>{{ name }}!</p>"}},
        "locales": {"fr": {"sms": {"text": "Voici {{ order }}"}}},
    }
    await client.post("/v1/templates/order/versions", json=changed)
    answer = (await client.get("/v1/templates/order/diff", params={"from": 1, "to": 2})).json()
    assert (answer["from"], answer["to"]) == (1, 2)
    assert [(one["field"], one["locale"], one["change"]) for one in answer["changes"]] == [
        ("content.email.html", "en", "changed"),
        ("content.email.text", "en", "removed"),
        ("content.sms.text", "en", "removed"),
        ("locales.fr.sms.text", "fr", "changed"),
    ]
    assert answer["changes"][0]["diff"].splitlines()[1:] == [
        "-<p>{{ name }}</p>",
        "+<p>{{ name }}!</p>",
    ]
    assert (await client.get("/v1/templates/order/diff")).json() == answer
    same = await client.get("/v1/templates/order/diff", params={"from": 2, "to": 2})
    assert same.json()["changes"] == []
    assert (await client.get("/v1/templates/order/diff?from=1&to=9")).status_code == 404
    assert (await client.get("/v1/templates/order/diff?from=x")).status_code == 422


async def test_an_archived_template_comes_back_as_it_was(client: Client) -> None:
    made = await a_template(client)
    await publish(client)
    answer = await client.post("/v1/templates/order/archive", json={"note": "Old"})
    assert (answer.status_code, answer.json()["state"]) == (200, "archived")
    found = (await client.get("/v1/templates", params={"state": "archived"})).json()["items"]
    assert [(one["id"], one["state"]) for one in found] == [(made["id"], "archived")]
    assert (await client.get("/v1/templates/order")).status_code == 404
    await a_template(client)
    path = f"/v1/templates/{made['id']}/unarchive"
    assert (await client.post(path, json={})).status_code == 409
    await client.delete("/v1/templates/order")
    back = await client.post(path, json={"note": "Needed"})
    assert (back.json()["id"], back.json()["state"]) == (made["id"], "published")
    assert (await client.post(path, json={})).status_code == 409
    lines = (await client.get("/v1/templates/order/history")).json()["items"]
    assert [(one["action"], one["note"]) for one in lines[:2]] == [
        ("unarchived", "Needed"), ("archived", "Old"),
    ]  # fmt: skip


async def test_a_draft_is_sent_as_a_test(client: Client) -> None:
    await a_template(client, category="marketing", priority="low")
    asked = {"recipient": {"email": "you@example.com", "phone": "+14155550100"}, "locale": "fr"}
    answer = await client.post("/v1/templates/order/test", json=asked)
    assert answer.status_code == 202, answer.text
    found = (await client.get(f"/v1/notifications/{answer.json()['id']}")).json()
    assert found["metadata"] == {"test": True, "template": "order@1"}
    assert (found["category"], found["priority"]) == ("transactional", "low")
    assert found["content"]["email"]["subject"] == "[Test] Order 1"
    assert found["content"]["sms"]["text"] == "Commande 1"
    wrong = await client.post("/v1/templates/order/test", json={**asked, "data": {}})
    assert set(problem_fields(wrong)) == {"data.order", "data.name"}
    reader = await client.with_key("templates:read")
    assert (await reader.post("/v1/templates/order/test", json=asked)).status_code == 403


async def test_defaults_of_the_schema_are_sent(client: Client) -> None:
    schema = {"properties": {"n": {"type": "string", "default": "friend"}}, "required": ["n"]}
    await a_template(client, words={"content": {"sms": {"text": "Hi {{ n }}"}}, "schema": schema})
    await publish(client)
    asked = {"recipient": {"phone": "+14155550100"}, "template": "order"}
    accepted = (await client.post("/v1/notifications", json=asked)).json()
    found = (await client.get(f"/v1/notifications/{accepted['id']}")).json()
    assert found["content"]["sms"]["text"] == "Hi friend"
    assert found["data"] == {"n": "friend"}


async def test_times_are_shown_in_the_recipients_zone(client: Client) -> None:
    profile = {"phone": "+14155550100", "timezone": "Asia/Tokyo"}
    made = (await client.post("/v1/profiles", json=profile)).json()
    inline = {"phone": "+14155550100", "timezone": "Europe/Paris"}
    words = {"sms": {"text": "{{ at | time('HH:mm') }}"}}
    said = []
    for recipient in (made["id"], inline):
        data = {"at": "2030-01-31T22:30:00Z"}
        body = {"recipient": recipient, "content": words, "data": data}
        accepted = (await client.post("/v1/notifications", json=body)).json()
        found = (await client.get(f"/v1/notifications/{accepted['id']}")).json()
        said.append(found["content"]["sms"]["text"])
    assert said == ["07:30", "23:30"]
