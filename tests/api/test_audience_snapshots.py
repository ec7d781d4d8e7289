"""Snapshots: who was in an audience, kept with a hash; erasing a profile takes it out."""

from typing import Any

from httpx import AsyncClient

from tests.api.test_audiences import a_profile, an_audience
from tests.fixtures.api import Client, problem_fields


async def a_snapshot(client: AsyncClient, made: dict[str, Any]) -> dict[str, Any]:
    answer = await client.post(f"/v1/audiences/{made['id']}/snapshots")
    assert answer.status_code == 201, answer.text
    kept: dict[str, Any] = answer.json()
    return kept


async def rows(client: Client, snapshot: dict[str, Any]) -> int:
    async with client.app.db.leader() as conn:
        found = await conn.exec_driver_sql(
            "SELECT count(*) FROM audience_members m JOIN audience_snapshots s"
            " ON s.id = m.snapshot_id WHERE s.hash = $1 AND s.members = $2",
            (snapshot["hash"], snapshot["members"]),
        )
        return int(found.scalar_one())


async def test_equal_members_have_equal_hashes(client: Client) -> None:
    first = await a_profile(client, external_id="a", groups=["g"])
    made = await an_audience(
        client, kind="union",
        union=[{"kind": "group", "group": "g"},
               {"kind": "profiles", "profiles": [{"email": "x@example.com"}]}],
    )  # fmt: skip
    one = await a_snapshot(client, made)
    assert one["members"] == await rows(client, one) == 2
    assert one["audience"] == made["id"]
    assert one["id"].startswith("snp_")
    await a_profile(client, external_id="b", groups=["g"])
    two = await a_snapshot(client, made)
    assert (two["members"], two["hash"] == one["hash"]) == (3, False)
    again = await a_snapshot(client, made)
    assert again["hash"] == two["hash"]
    listed = (await client.get(f"/v1/audiences/{made['id']}/snapshots?limit=2")).json()
    assert [item["id"] for item in listed["items"]] == [again["id"], two["id"]]
    assert listed["next_cursor"]
    await client.delete(f"/v1/profiles/{first}")
    assert await rows(client, one) == 1


async def test_what_fails_keeps_nothing(client: Client) -> None:
    await client.post("/v1/groups", json={"name": "brief"})
    made = await an_audience(client, kind="group", group="brief")
    await client.patch(f"/v1/audiences/{made['id']}", json={"name": "renamed"})
    groups = (await client.get("/v1/groups")).json()["items"]
    await client.delete(f"/v1/groups/{groups[0]['id']}")
    answer = await client.post(f"/v1/audiences/{made['id']}/snapshots")
    assert problem_fields(answer) == ["group"]
    assert (await client.get(f"/v1/audiences/{made['id']}/snapshots")).json()["items"] == []


async def test_snapshots_need_a_scope(client: Client) -> None:
    made = await an_audience(client)
    reader = await client.with_key("audiences:read")
    assert (await reader.post(f"/v1/audiences/{made['id']}/snapshots")).status_code == 403
    assert (await reader.get(f"/v1/audiences/{made['id']}/snapshots")).status_code == 200


async def test_a_snapshot_is_removed_with_its_members(client: Client) -> None:
    made, other = await an_audience(client), await an_audience(client, "others")
    kept = await a_snapshot(client, made)
    place = f"/v1/audiences/{made['id']}/snapshots/{kept['id']}"
    reader = await client.with_key("audiences:read")
    assert (await reader.delete(place)).status_code == 403
    elsewhere = f"/v1/audiences/{other['id']}/snapshots/{kept['id']}"
    assert (await client.delete(elsewhere)).status_code == 404
    assert (await client.delete(place)).status_code == 204
    assert (await client.delete(place)).status_code == 404
    assert (await client.get(f"/v1/audiences/{made['id']}/snapshots")).json()["items"] == []


async def test_what_an_audience_leaves_behind_is_found_and_removed(client: Client) -> None:
    made, other = await an_audience(client), await an_audience(client, "others")
    left, kept = await a_snapshot(client, made), await a_snapshot(client, other)
    assert (await client.delete(f"/v1/audiences/{made['id']}")).status_code == 204
    place = f"/v1/audiences/snapshots/{left['id']}"
    assert (await client.get(place)).json() == {**left, "audience": None}
    listed = (await client.get("/v1/audiences/snapshots")).json()["items"]
    assert [one["id"] for one in listed] == [kept["id"], left["id"]]
    orphans = (await client.get("/v1/audiences/snapshots?orphans=true")).json()["items"]
    assert [one["id"] for one in orphans] == [left["id"]]
    stranger = await client.with_key("*", module="other")
    assert (await stranger.get("/v1/audiences/snapshots")).json()["items"] == []
    assert (await stranger.get(place)).status_code == 404
    assert (await stranger.delete(place)).status_code == 404
    reader = await client.with_key("audiences:read")
    assert (await reader.delete(place)).status_code == 403
    assert (await client.delete(place)).status_code == 204
    assert await rows(client, left) == 0
    assert (await client.get(place)).status_code == 404


async def test_a_snapshot_that_something_uses_stays(client: Client) -> None:
    made = await an_audience(client)
    kept = await a_snapshot(client, made)
    async with client.app.db.leader() as conn:
        await conn.exec_driver_sql(
            "CREATE TABLE users_of_snapshots (snapshot uuid REFERENCES audience_snapshots)"
        )
        await conn.exec_driver_sql(
            "INSERT INTO users_of_snapshots SELECT id FROM audience_snapshots"
        )
    answer = await client.delete(f"/v1/audiences/{made['id']}/snapshots/{kept['id']}")
    assert answer.status_code == 409
    listed = (await client.get(f"/v1/audiences/{made['id']}/snapshots")).json()["items"]
    assert [one["id"] for one in listed] == [kept["id"]]
