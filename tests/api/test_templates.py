"""/v1/templates: versions, publishing, previews, and every mistake named."""

from typing import Any

import pytest
from httpx import AsyncClient

from domain.ids import encode, new_id
from tests.fixtures.api import Client, problem_fields

WORDS = {
    "locale": "en",
    "content": {
        "email": {
            "subject": "Order {{ order }}",
            "html": "<p>{{ name }}</p>",
            "text": "{{ name }}",
        },
        "sms": {"text": "Order {{ order }}"},
    },
    "locales": {"fr": {"sms": {"text": "Commande {{ order }}"}}},
    "schema": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "order": {"type": "integer"}},
        "required": ["order"],
    },
}
PLAIN = {"content": {"sms": {"text": "Hello {{ name }}"}}}


async def a_template(
    client: AsyncClient, key: str = "order", words: dict[str, Any] = WORDS, **given: Any
) -> dict[str, Any]:
    answer = await client.post("/v1/templates", json={"key": key, **words, **given})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def publish(client: AsyncClient, key: str = "order", version: int = 1) -> dict[str, Any]:
    answer = await client.post(f"/v1/templates/{key}/publish", json={"version": version})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_template_starts_as_a_draft(client: Client) -> None:
    answer = await client.post("/v1/templates", json={"key": "order", "priority": "high", **WORDS})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/templates/order"
    assert answer.headers["etag"] == '"1"'
    made = answer.json()
    assert (made["version"], made["published_version"], made["state"]) == (1, None, "draft")
    assert {name: made[name] for name in WORDS} == WORDS
    assert [(one["version"], one["state"]) for one in made["versions"]] == [(1, "draft")]
    assert (await client.get("/v1/templates/order")).json() == made
    assert (await client.get(f"/v1/templates/{made['id']}")).json() == made


async def test_a_key_is_taken_once_per_module(client: Client) -> None:
    await a_template(client)
    answer = await client.post("/v1/templates", json={"key": "order", **PLAIN})
    assert answer.status_code == 409
    other = await client.with_key("*", module="other")
    await a_template(other)


async def test_versions_are_numbered_and_published_one_at_a_time(client: Client) -> None:
    await a_template(client)
    answer = await client.post("/v1/templates/order/versions", json={**PLAIN, "note": "shorter"})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/templates/order/versions/2"
    added = answer.json()
    assert (added["version"], added["state"], added["note"]) == (2, "draft", "shorter")

    published = await publish(client, version=2)
    assert (published["published_version"], published["state"]) == (2, "published")
    await publish(client, version=1)
    page = (await client.get("/v1/templates/order/versions")).json()
    assert [(one["version"], one["state"]) for one in page["items"]] == [
        (2, "archived"),
        (1, "published"),
    ]
    assert (await client.get("/v1/templates/order")).json()["content"] == PLAIN["content"]
    first = (await client.get("/v1/templates/order/versions/1")).json()
    assert first["content"] == WORDS["content"]


async def test_versions_are_paged(client: Client) -> None:
    await a_template(client)
    for _ in range(4):
        await client.post("/v1/templates/order/versions", json=PLAIN)
    first = (await client.get("/v1/templates/order/versions", params={"limit": 3})).json()
    params = {"limit": 3, "cursor": first["next_cursor"]}
    rest = (await client.get("/v1/templates/order/versions", params=params)).json()
    assert [one["version"] for one in first["items"] + rest["items"]] == [5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None


async def test_publishing_is_repeatable(client: Client) -> None:
    await a_template(client)
    first = await publish(client)
    again = await publish(client)
    assert again == first


@pytest.mark.parametrize("version", [2, 2**31, 10**30])
async def test_a_version_that_is_not_there_is_not_published(client: Client, version: int) -> None:
    await a_template(client)
    answer = await client.post("/v1/templates/order/publish", json={"version": version})
    assert answer.status_code == 422
    assert problem_fields(answer) == ["version"]
    assert (await client.get(f"/v1/templates/order/versions/{version}")).status_code == 404


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"content": {"sms": {"text": "{{ a"}}}, ["content.sms.text"]),
        (
            {"content": {"email": {"subject": "{% if %}", "html": "{{ a | nofilter }}"}}},
            ["content.email.subject", "content.email.html"],
        ),
        ({"locales": {"fr": {"sms": {"text": "{% for %}"}}}}, ["locales.fr.sms.text"]),
        ({"locales": {"en": {"sms": {"text": "x"}}}}, ["locales.en"]),
        ({"locales": {"fr-CA": PLAIN["content"], "fr_ca": PLAIN["content"]}}, ["locales.fr_ca"]),
        ({"schema": {"type": "nothing"}}, ["schema.type"]),
        ({"schema": {"properties": {"a": {"pattern": "("}}}}, ["schema.properties.a.pattern"]),
        ({"schema": {"$ref": "https://example.com/schema"}}, ["schema.$ref"]),
        ({"schema": {"properties": {"a": {"$ref": "#/$defs/b"}}}}, ["schema.properties.a.$ref"]),
        ({"category": "nothing"}, ["category"]),
        ({"content": {}}, ["content"]),
        ({"content": {"email": {"subject": "no body"}}}, ["content.email.text"]),
        ({"colour": "red"}, ["colour"]),
    ],
)
async def test_what_is_wrong_is_named(
    client: Client, change: dict[str, Any], fields: list[str]
) -> None:
    answer = await client.post("/v1/templates", json={"key": "order", **WORDS, **change})
    assert answer.status_code == 422
    assert problem_fields(answer) == fields
    assert (await client.get("/v1/templates")).json()["items"] == []


async def test_versions_are_checked_like_templates(client: Client) -> None:
    await a_template(client)
    answer = await client.post(
        "/v1/templates/order/versions", json={"content": {"sms": {"text": "{{ a"}}}
    )
    assert problem_fields(answer) == ["content.sms.text"]
    assert (await client.get("/v1/templates/order")).json()["version"] == 1


async def test_lists_are_filtered_and_paged(client: Client) -> None:
    await a_template(client, "a", category="transactional")
    await a_template(client, "b", name="Bee")
    await a_template(client, "c", category="bulk")
    await publish(client, "b")

    async def keys(**params: Any) -> list[str]:
        answer = await client.get("/v1/templates", params=params)
        assert answer.status_code == 200
        return [item["key"] for item in answer.json()["items"]]

    assert await keys() == ["c", "b", "a"]
    assert await keys(category=["bulk", "transactional"]) == ["c", "a"]
    assert await keys(state="published") == ["b"]
    assert await keys(key=["a", "b"], state="draft") == ["a"]
    assert await keys(q="bee") == ["b"]
    first = (await client.get("/v1/templates", params={"limit": 2})).json()
    assert await keys(limit=2, cursor=first["next_cursor"]) == ["a"]
    wrong = await client.get("/v1/templates", params={"state": "lost"})
    assert problem_fields(wrong) == ["state"]


async def test_a_patch_changes_what_is_not_versioned(client: Client) -> None:
    await a_template(client, category="bulk")
    patch = {"name": "Orders", "category": None, "priority": "low"}
    answer = await client.patch("/v1/templates/order", json=patch, headers={"If-Match": '"1"'})
    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'
    changed = answer.json()
    assert {name: changed[name] for name in patch} == patch
    assert changed["version"] == 1
    stale = await client.patch("/v1/templates/order", json={}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    unknown = await client.patch("/v1/templates/order", json={"category": "nothing"})
    assert problem_fields(unknown) == ["category"]


async def test_a_deleted_template_frees_its_key(client: Client) -> None:
    made = await a_template(client)
    await publish(client)
    assert (await client.delete("/v1/templates/order")).status_code == 204
    for name in ("order", made["id"]):
        assert (await client.get(f"/v1/templates/{name}")).status_code == 404
        assert (await client.delete(f"/v1/templates/{name}")).status_code == 404
    assert (await client.get("/v1/templates")).json()["items"] == []
    again = await a_template(client)
    assert again["id"] != made["id"]


async def test_what_was_accepted_with_a_deleted_template_is_still_readable(client: Client) -> None:
    await a_template(client)
    await publish(client)
    asked = {
        "recipient": {"email": "recipient@example.com"},
        "template": "order",
        "data": {"order": 7, "name": "Sample"},
    }
    accepted = await client.post("/v1/notifications", json=asked)
    assert accepted.status_code == 202
    await client.delete("/v1/templates/order")
    shown = await client.get(f"/v1/notifications/{accepted.json()['id']}")
    assert shown.json()["content"]["email"]["subject"] == "Order 7"
    again = await client.post("/v1/notifications", json=asked)
    assert problem_fields(again) == ["template"]


async def test_only_published_versions_are_sent_and_their_data_is_checked(client: Client) -> None:
    await a_template(client)
    asked: dict[str, Any] = {
        "recipient": {"email": "recipient@example.com"},
        "template": "order",
        "data": {"order": 7, "name": "Sample"},
    }
    assert problem_fields(await client.post("/v1/notifications", json=asked)) == ["template"]
    await publish(client)
    wrong = await client.post("/v1/notifications", json={**asked, "data": {"order": "7"}})
    assert set(problem_fields(wrong)) == {"data.order", "data.name"}
    assert (await client.post("/v1/notifications", json=asked)).status_code == 202


async def test_another_modules_template_is_not_found(client: Client) -> None:
    made = await a_template(client)
    other = await client.with_key("*", module="other")
    for name in ("order", made["id"]):
        path = f"/v1/templates/{name}"
        assert (await other.get(path)).status_code == 404
        assert (await other.patch(path, json={})).status_code == 404
        assert (await other.delete(path)).status_code == 404
        assert (await other.get(f"{path}/versions")).status_code == 404
        assert (await other.post(f"{path}/versions", json=PLAIN)).status_code == 404
        assert (await other.post(f"{path}/publish", json={"version": 1})).status_code == 404
        assert (await other.post(f"{path}/preview", json={})).status_code == 404
    assert (await other.get("/v1/templates")).json()["items"] == []


async def test_ids_of_nothing_are_not_found(client: Client) -> None:
    for name in ("nothing", encode("tpl", new_id()), "%00"):
        assert (await client.get(f"/v1/templates/{name}")).status_code == 404


async def test_a_repeated_request_is_told_the_first_answer(client: Client) -> None:
    headers = {"Idempotency-Key": "t1"}
    body = {"key": "order", **WORDS}
    first = await client.post("/v1/templates", json=body, headers=headers)
    again = await client.post("/v1/templates", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    path = "/v1/templates/order/versions"
    first = await client.post(path, json=PLAIN, headers=headers)
    again = await client.post(path, json=PLAIN, headers=headers)
    assert first.json()["version"] == again.json()["version"] == 2
    assert again.headers["idempotency-replay"] == "true"


async def test_scopes_are_needed(client: Client) -> None:
    await a_template(client)
    reader = await client.with_key("templates:read")
    assert (await reader.get("/v1/templates/order")).status_code == 200
    preview = await reader.post("/v1/templates/order/preview", json={"data": {"order": 1}})
    assert preview.status_code == 200
    assert (await reader.post("/v1/templates", json={"key": "x", **PLAIN})).status_code == 403
    answer = await reader.post("/v1/templates/order/publish", json={"version": 1})
    assert answer.status_code == 403
    assert (await reader.delete("/v1/templates/order")).status_code == 403
