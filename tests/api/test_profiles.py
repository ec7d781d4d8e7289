"""/v1/profiles: merge patches, groups by id or name, devices, erasure."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient

from domain.ids import encode, new_id
from tests.fixtures.api import Client, problem_fields

FULL = {
    "external_id": "customer-1",
    "name": "Sample Recipient",
    "email": "recipient@example.com",
    "phone": "+1 415 555 0100",
    "telegram": "4711",
    "whatsapp": "+14155550101",
    "locale": "fr-CA",
    "timezone": "America/Toronto",
    "attributes": {"plan": "gold", "tags": ["a"], "deep": {"x": 1, "y": 2}},
    "groups": ["beta", "news"],
}


async def a_profile(client: AsyncClient, **given: Any) -> dict[str, Any]:
    answer = await client.post("/v1/profiles", json=given or {"name": "x"})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_a_profile_is_made_with_new_groups(client: Client) -> None:
    answer = await client.post("/v1/profiles", json=FULL)
    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["location"] == f"/v1/profiles/{made['id']}"
    assert answer.headers["etag"] == '"1"'
    expected = {**FULL, "phone": "+14155550100"}
    del expected["groups"]
    assert {name: made[name] for name in expected} == expected
    assert [group["name"] for group in made["groups"]] == ["beta", "news"]
    assert made["devices"] == []
    assert made["created_at"] == made["updated_at"]
    assert (await client.get(f"/v1/profiles/{made['id']}")).json() == made


async def test_an_external_id_exists_once_per_module(client: Client) -> None:
    await a_profile(client, external_id="a")
    answer = await client.post("/v1/profiles", json={"external_id": "a", "groups": ["left out"]})
    assert answer.status_code == 409
    assert (await client.get("/v1/groups")).json()["items"] == []
    other = await client.with_key("*", module="other")
    await a_profile(other, external_id="a")


async def test_profiles_without_external_ids_are_many(client: Client) -> None:
    assert (await a_profile(client, name="a"))["id"] != (await a_profile(client, name="a"))["id"]


async def test_groups_are_named_by_id_or_name(client: Client) -> None:
    group = (await client.post("/v1/groups", json={"name": "beta"})).json()
    made = await a_profile(client, groups=[group["id"], "beta", "gamma"])
    assert [one["name"] for one in made["groups"]] == ["beta", "gamma"]


async def test_unknown_group_ids_are_named(client: Client) -> None:
    other = await client.with_key("*", module="other")
    foreign = (await other.post("/v1/groups", json={"name": "x"})).json()["id"]
    answer = await client.post(
        "/v1/profiles", json={"groups": ["fine", encode("grp", new_id()), foreign]}
    )
    assert answer.status_code == 422
    assert problem_fields(answer) == ["groups[1]", "groups[2]"]


async def test_one_new_group_named_by_many_at_once_is_made_once(client: Client) -> None:
    await asyncio.gather(*(a_profile(client, groups=["b", "a", f"c{n}"]) for n in range(8)))
    found = (await client.get("/v1/groups", params={"name": ["a", "b"]})).json()["items"]
    assert {(group["name"], group["profiles"]) for group in found} == {("a", 8), ("b", 8)}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"phone": "0415"}, "phone"),
        ({"timezone": "Mars/Base"}, "timezone"),
        ({"nickname": "x"}, "nickname"),
        ({"name": "a\x00b"}, "name"),
        ({"attributes": {"a": "\x00"}}, "attributes"),
    ],
)
async def test_wrong_fields_are_named(client: Client, given: dict[str, Any], field: str) -> None:
    answer = await client.post("/v1/profiles", json=given)
    assert answer.status_code == 422
    assert problem_fields(answer) == [field]


async def test_lists_are_filtered(client: Client) -> None:
    await a_profile(client, external_id="a", email="Ann@example.com", groups=["g", "h"])
    await a_profile(client, external_id="b", email="bob@example.com", groups=["h"])
    await a_profile(client, external_id="c", name="Cecil", phone="+14155550100")

    async def ids(**params: Any) -> list[str]:
        answer = await client.get("/v1/profiles", params=params)
        assert answer.status_code == 200
        return [item["external_id"] for item in answer.json()["items"]]

    assert await ids() == ["c", "b", "a"]
    assert await ids(external_id=["a", "c"]) == ["c", "a"]
    assert await ids(email="ann@EXAMPLE.com") == ["a"]
    assert await ids(phone="+1 (415) 555-0100") == ["c"]
    assert await ids(group="h") == ["b", "a"]
    assert await ids(group=["g"], q="example") == ["a"]
    assert await ids(q="ceci") == ["c"]
    assert await ids(q="%") == []
    assert await ids(q="555 ceci 0100") == []
    assert await ids(q="CECIL +1415") == ["c"]
    assert await ids(q="Ann@example.com") == ["a"]
    group = (await client.get("/v1/groups", params={"name": "g"})).json()["items"][0]["id"]
    assert await ids(group=group) == ["a"]


async def test_pages_show_every_profile_once(client: Client) -> None:
    for number in range(7):
        await a_profile(client, external_id=str(number))
    seen, cursor = [], None
    while True:
        params = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/profiles", params=params)).json()
        seen += [item["external_id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


async def test_a_patch_merges(client: Client) -> None:
    made = await a_profile(client, **FULL)
    patch = {
        "name": "Other",
        "phone": None,
        "attributes": {"plan": None, "deep": {"y": 3}, "new": 1},
        "groups": ["news"],
    }
    answer = await client.patch(f"/v1/profiles/{made['id']}", json=patch)
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["name"], changed["phone"], changed["email"]) == ("Other", None, FULL["email"])
    assert changed["attributes"] == {"tags": ["a"], "deep": {"x": 1, "y": 3}, "new": 1}
    assert [group["name"] for group in changed["groups"]] == ["news"]
    assert changed["version"] == 2
    assert answer.headers["etag"] == '"2"'
    assert changed["updated_at"] > made["updated_at"]


async def test_a_patch_with_null_empties(client: Client) -> None:
    made = await a_profile(client, **FULL)
    patch = {"attributes": None, "groups": None, "external_id": None}
    changed = (await client.patch(f"/v1/profiles/{made['id']}", json=patch)).json()
    assert (changed["attributes"], changed["groups"], changed["external_id"]) == ({}, [], None)


async def test_a_patch_heeds_versions_and_external_ids(client: Client) -> None:
    await a_profile(client, external_id="taken")
    path = f"/v1/profiles/{(await a_profile(client, name='x'))['id']}"
    assert (await client.patch(path, json={"external_id": "taken"})).status_code == 409
    fine = await client.patch(path, json={"name": "y"}, headers={"If-Match": '"1"'})
    assert fine.status_code == 200
    stale = await client.patch(path, json={"name": "z"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await client.get(path)).json()["name"] == "y"


async def test_erasing_leaves_nothing(client: Client) -> None:
    made = await a_profile(client, **FULL)
    path = f"/v1/profiles/{made['id']}"
    await client.post(f"{path}/devices", json={"channel": "push", "token": "t"})
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.delete(path)).status_code == 404
    assert (await client.get(f"{path}/devices")).status_code == 404
    await a_profile(client, external_id=FULL["external_id"])


async def test_another_modules_profile_is_not_found(client: Client) -> None:
    made = await a_profile(client, **FULL)
    other = await client.with_key("*", module="other")
    path = f"/v1/profiles/{made['id']}"
    assert (await other.get(path)).status_code == 404
    assert (await other.patch(path, json={})).status_code == 404
    assert (await other.delete(path)).status_code == 404
    device = {"channel": "push", "token": "t"}
    assert (await other.post(f"{path}/devices", json=device)).status_code == 404
    assert (await other.get("/v1/profiles")).json()["items"] == []


async def test_a_repeated_request_is_told_the_first_answer(client: Client) -> None:
    headers = {"Idempotency-Key": "p1"}
    first = await client.post("/v1/profiles", json=FULL, headers=headers)
    again = await client.post("/v1/profiles", json=FULL, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replay"] == "true"
    other = await client.post("/v1/profiles", json={"name": "x"}, headers=headers)
    assert other.status_code == 422


async def test_scopes_are_needed(client: Client) -> None:
    path = f"/v1/profiles/{(await a_profile(client))['id']}"
    reader = await client.with_key("profiles:read")
    assert (await reader.get(path)).status_code == 200
    assert (await reader.patch(path, json={})).status_code == 403
    assert (await reader.delete(path)).status_code == 403
    blind = await client.with_key("groups:read")
    assert (await blind.get(path)).status_code == 403


async def test_attributes_are_found_by_value_and_path(client: Client) -> None:
    for name, attributes in {
        "gold": {"plan": "gold", "age": 30, "home": {"city": "Paris"}},
        "silver": {"plan": "silver", "age": "30", "vip": True},
        "none": {},
    }.items():
        await a_profile(client, name=name, attributes=attributes)

    async def found(*asked: tuple[str, str]) -> list[str]:
        answer = await client.get("/v1/profiles", params=list(asked))
        assert answer.status_code == 200, answer.text
        return [one["name"] for one in answer.json()["items"]]

    assert await found(("attributes.plan", "gold")) == ["gold"]
    assert await found(("attributes.plan", "gold"), ("attributes.plan", "silver")) == [
        "silver", "gold",
    ]  # fmt: skip
    assert await found(("attributes.age", "30")) == ["silver", "gold"]
    assert await found(("attributes.vip", "true")) == ["silver"]
    assert await found(("attributes.home.city", "Paris"), ("attributes.age", "30")) == ["gold"]
    assert await found(("attributes.home.city", "Lyon")) == []
    assert await found(("attributes.plan", "\x00')--")) == []


@pytest.mark.parametrize("name", ["attributes.", "attributes.a..b", "attributes." + "a." * 30])
async def test_an_attribute_without_a_name_is_refused(client: Client, name: str) -> None:
    answer = await client.get("/v1/profiles", params={name: "x"})
    assert answer.status_code == 422
    assert problem_fields(answer) == [name]
