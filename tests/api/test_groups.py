"""/v1/groups: names, members, and whose they are."""

from typing import Any

from httpx import AsyncClient

from domain.ids import encode, new_id
from tests.fixtures.api import Client, problem_fields


async def a_group(client: AsyncClient, name: str = "beta") -> dict[str, Any]:
    answer = await client.post("/v1/groups", json={"name": name})
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    return made


async def test_a_group_is_made_and_found(client: Client) -> None:
    made = await a_group(client)
    assert made["name"] == "beta"
    assert made["profiles"] == 0
    answer = await client.get(f"/v1/groups/{made['id']}")
    assert answer.json() == made
    assert answer.headers["etag"] == '"1"'


async def test_a_name_is_taken_once_per_module(client: Client) -> None:
    await a_group(client)
    assert (await client.post("/v1/groups", json={"name": "beta"})).status_code == 409
    other = await client.with_key("groups:write", module="other")
    assert (await other.post("/v1/groups", json={"name": "beta"})).status_code == 201


async def test_groups_are_listed_newest_first(client: Client) -> None:
    names = [f"group {n}" for n in range(5)]
    for name in names:
        await a_group(client, name)
    first = (await client.get("/v1/groups", params={"limit": 3})).json()
    rest = await client.get("/v1/groups", params={"limit": 3, "cursor": first["next_cursor"]})
    shown = [item["name"] for item in first["items"] + rest.json()["items"]]
    assert shown == names[::-1]
    assert rest.json()["next_cursor"] is None


async def test_a_repeated_filter_means_or(client: Client) -> None:
    for name in ("a", "b", "c"):
        await a_group(client, name)
    found = await client.get("/v1/groups", params={"name": ["a", "c"]})
    assert [item["name"] for item in found.json()["items"]] == ["c", "a"]
    found = await client.get("/v1/groups", params={"q": "B"})
    assert [item["name"] for item in found.json()["items"]] == ["b"]


async def test_a_search_for_a_sign_of_patterns_is_literal(client: Client) -> None:
    await a_group(client, "100%")
    await a_group(client, "1000")
    found = await client.get("/v1/groups", params={"q": "100%"})
    assert [item["name"] for item in found.json()["items"]] == ["100%"]


async def test_the_profiles_of_a_group(client: Client) -> None:
    made = await a_group(client)
    for name in ("in", "also in"):
        await client.post("/v1/profiles", json={"name": name, "groups": ["beta"]})
    await client.post("/v1/profiles", json={"name": "out"})
    found = await client.get(f"/v1/groups/{made['id']}/profiles")
    assert [item["name"] for item in found.json()["items"]] == ["also in", "in"]
    assert (await client.get(f"/v1/groups/{made['id']}")).json()["profiles"] == 2


async def test_profiles_join_and_leave_by_sets_all_or_none(client: Client) -> None:
    where = f"/v1/groups/{(await a_group(client))['id']}/profiles"
    made = [(await client.post("/v1/profiles", json={"name": n})).json() for n in ("a", "b", "c")]
    ids = [one["id"] for one in made]
    keeper = await client.with_key("groups:write", "groups:read")
    joined = await keeper.post(where, json={"add": ids[:2]})
    assert joined.json() == {"joined": 2, "left": 0, "profiles": 2}
    moved = await keeper.post(where, json={"add": ids[1:], "remove": ids[:1]})
    assert moved.json() == {"joined": 1, "left": 1, "profiles": 2}
    again = await keeper.post(where, json={"add": ids[1:], "remove": ids[:1]})
    assert again.json() == {"joined": 0, "left": 0, "profiles": 2}
    seen = (await client.get(f"/v1/profiles/{ids[0]}")).json()
    assert (seen["groups"], seen["version"]) == ([], made[0]["version"] + 2)
    other = await client.with_key("*", module="other")
    theirs = (await other.post("/v1/profiles", json={"name": "theirs"})).json()["id"]
    wrong = await keeper.post(where, json={"add": [ids[0], theirs], "remove": ids[1:]})
    assert set(problem_fields(wrong)) == {"add[1]"}
    nobody = await keeper.post(where, json={"remove": [ids[1], "nobody"]})
    assert set(problem_fields(nobody)) == {"remove[1]"}
    gone = await keeper.post(where, json={"remove": [encode("prf", new_id()), theirs]})
    assert gone.json() == {"joined": 0, "left": 0, "profiles": 2}
    both = await keeper.post(where, json={"add": ids[:1], "remove": [ids[1], ids[0]]})
    assert set(problem_fields(both)) == {"remove[1]"}
    assert set(problem_fields(await keeper.post(where, json={}))) == {"add"}
    names = [one["name"] for one in (await client.get(where)).json()["items"]]
    assert names == ["c", "b"]
    assert (await other.post(where, json={"add": [theirs]})).status_code == 404
    reader = await client.with_key("groups:read", "profiles:write")
    assert (await reader.post(where, json={"add": ids})).status_code == 403


async def test_renaming_heeds_versions_and_names(client: Client) -> None:
    made = await a_group(client)
    await a_group(client, "taken")
    path = f"/v1/groups/{made['id']}"
    renamed = await client.patch(path, json={"name": "gamma"}, headers={"If-Match": '"1"'})
    assert renamed.json()["name"] == "gamma"
    assert renamed.headers["etag"] == '"2"'
    stale = await client.patch(path, json={"name": "delta"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    assert (await client.patch(path, json={"name": "taken"})).status_code == 409


async def test_deleting_leaves_the_profiles(client: Client) -> None:
    made = await a_group(client)
    profile = await client.post("/v1/profiles", json={"name": "in", "groups": [made["id"]]})
    path = f"/v1/groups/{made['id']}"
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    kept = await client.get(f"/v1/profiles/{profile.json()['id']}")
    assert kept.json()["groups"] == []


async def test_another_modules_group_is_not_found(client: Client) -> None:
    made = await a_group(client)
    other = await client.with_key("*", module="other")
    path = f"/v1/groups/{made['id']}"
    assert (await other.get(path)).status_code == 404
    assert (await other.get(f"{path}/profiles")).status_code == 404
    assert (await other.patch(path, json={"name": "x"})).status_code == 404
    assert (await other.delete(path)).status_code == 404
    assert (await other.get("/v1/groups")).json()["items"] == []


async def test_ids_of_nothing_are_not_found(client: Client) -> None:
    for id in ("grp_x", "x", encode("grp", new_id()), encode("prf", new_id())):
        assert (await client.get(f"/v1/groups/{id}")).status_code == 404


async def test_a_name_is_needed(client: Client) -> None:
    answer = await client.post("/v1/groups", json={"title": "x"})
    assert answer.status_code == 422
    assert set(problem_fields(answer)) == {"name", "title"}


async def test_a_repeated_request_is_told_the_first_answer(client: Client) -> None:
    headers = {"Idempotency-Key": "g1"}
    first = await client.post("/v1/groups", json={"name": "once"}, headers=headers)
    again = await client.post("/v1/groups", json={"name": "once"}, headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replay"] == "true"


async def test_scopes_are_needed(client: Client) -> None:
    made = await a_group(client)
    reader = await client.with_key("groups:read")
    assert (await reader.get("/v1/groups")).status_code == 200
    assert (await reader.post("/v1/groups", json={"name": "x"})).status_code == 403
    assert (await reader.get(f"/v1/groups/{made['id']}/profiles")).status_code == 403
