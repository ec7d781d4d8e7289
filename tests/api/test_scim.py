"""/scim/v2 by the standard: lists and filters, errors in its own form, what describes it."""

from typing import Any

import pytest

from domain.scim.schemas import ENTERPRISE, GROUP, USER
from tests.api.test_scim_providers import PATCH, a_user, found, ok, wrong
from tests.fixtures.api import Client, a_client


async def people(client: Client) -> dict[str, str]:
    """Push and make some people; return their ids by a short name."""
    ids = {
        "ann": await a_user(
            client, "ann", externalId="E1", displayName="Ann", title="Lead", active=False,
            emails=[{"value": "Ann@example.com", "type": "work"}, {"value": "a@home.example.com"}],
            roles=[{"value": "admin", "primary": True}], name={"familyName": "Zed"},
        ),
        "bob": await a_user(
            client, "bob_1", externalId="e1", displayName="Bob",
            **{ENTERPRISE: {"costCenter": "4130", "manager": {"value": "7"}}},
        ),
    }  # fmt: skip
    made = await client.post(
        "/v1/profiles", json={"email": "eve@example.com", "name": "Eve", "phone": "+14155550100"}
    )
    ids["eve"] = made.json()["id"]
    ids["nil"] = (await client.post("/v1/profiles", json={})).json()["id"]
    return ids


FILTERS = {
    'userName eq "ANN"': "ann",
    'userName eq "eve@example.com"': "eve",
    'userName sw "bob_"': "bob",
    'userName co "%"': "",
    'username ne "ann" and externalId pr': "bob",
    'externalId eq "e1"': "bob",
    'displayName eq "eve"': "eve",
    "not (displayName pr)": "nil",
    'displayName ge "b" and displayName lt "c"': "bob",
    'active eq "False"': "ann",
    "active eq true and title pr": "",
    'title ew "ad" or title co "zzz"': "ann",
    "title eq null and displayName pr": "bob eve",
    'name.familyName eq "zed"': "ann",
    'emails.value eq "ann@EXAMPLE.com"': "ann",
    'emails eq "a@home.example.com"': "ann",
    'emails[type eq "work"].value eq "eve@example.com"': "eve",
    'emails[type eq "work" and value co "home"]': "",
    'emails[not (type pr) and value sw "a@"]': "ann",
    "emails pr": "ann eve",
    'phoneNumbers[value eq "+14155550100"]': "eve",
    "roles[primary eq true].value pr": "ann",
    f'{ENTERPRISE}:costCenter eq "4130"': "bob",
    f'{ENTERPRISE}:manager eq "7"': "bob",
    'urn:example:2.0:User:tag eq "x"': "",
    "groups pr": "",
    'meta.created gt "2001-01-01T00:00:00Z" and userName eq "ann"': "ann",
    'meta.lastModified lt "2001-01-01T00:00:00Z"': "",
    'id eq "no id"': "",
}


async def test_filters_find_whom_they_mean(client: Client) -> None:
    ids = await people(client)
    for filter, names in FILTERS.items():
        assert await found(client, "Users", filter) == [ids[one] for one in names.split()], filter
    nil = ids["nil"]
    assert await found(client, "Users", f'userName eq "{nil}"') == [nil]
    assert ok(await client.get(f"/scim/v2/Users/{nil}"))["userName"] == nil
    assert await found(client, "Users", f'id eq "{nil}"') == [nil]
    other = await client.with_key("scim:read", module="other")
    assert await found(other, "Users", "id pr") == []
    wrong(await other.get(f"/scim/v2/Users/{nil}"), 404, None)
    refused = await client.get("/scim/v2/Users", params={"filter": 'colour eq "red"'})
    assert "colour" in wrong(refused, 400, "invalidFilter")
    everybody = list(ids.values())
    for asked, page in (
        ({"startIndex": 2, "count": 2}, (2, 2, everybody[1:3])),
        ({"startIndex": -3, "count": -1}, (1, 0, [])),
        ({"startIndex": 9}, (9, 0, [])),
        ({"count": 100_000}, (1, 4, everybody)),
    ):
        listed = ok(await client.get("/scim/v2/Users", params=asked))
        shown = [one["id"] for one in listed["Resources"]]
        assert listed["totalResults"] == 4
        assert (listed["startIndex"], listed["itemsPerPage"], shown) == page
    wrong(await client.get("/scim/v2/Users", params={"count": "many"}), 400, "invalidValue")


async def test_a_group_with_too_many_members_comes_without_them(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.scim.views.MOST_MEMBERS", 2)
    ids = [{"value": await a_user(client, f"u{n}")} for n in range(3)]
    for name, members in (("big", ids), ("small", ids[:1]), ("fits", ids[1:2]), ("not", ids[:1])):
        body = {"displayName": name, "members": members}
        ok(await client.post("/scim/v2/Groups", json=body), 201)
    listed = ok(await client.get("/scim/v2/Groups"))["Resources"]
    assert [len(one["members"]) if "members" in one else None for one in listed] == [
        None, 1, 1, None,
    ]  # fmt: skip


MISTAKES: list[tuple[str, str, Any, int, str | None]] = [
        ("POST", "Users", {}, 400, "invalidValue"),
        ("POST", "Users", [], 400, "invalidSyntax"),
        ("POST", "Users", {"userName": "x" * 400}, 400, "invalidValue"),
        ("POST", "Users", {"userName": "a\u0000"}, 400, "invalidValue"),
        ("POST", "Users", {"userName": "a", "emails": [{"value": "b"}]}, 400, "invalidValue"),
        ("POST", "Users", {"userName": "a", "externalId": "x\ny"}, 400, "invalidValue"),
        ("POST", "Groups", {}, 400, "invalidValue"),
        ("POST", "Groups", {"displayName": "g", "members": [{"value": "x"}]}, 400, "invalidValue"),
        ("PATCH", "Users/{user}", {"Operations": "x"}, 400, "invalidSyntax"),
        ("PATCH", "Users/{user}", {"Operations": [{"op": "replace", "path": "userName",
                                                   "value": "TAKEN"}]}, 409, "uniqueness"),
        ("PUT", "Users/{user}", {"userName": "b", "externalId": "t1"}, 409, "uniqueness"),
        ("PUT", "Groups/{group}", {"displayName": "taken"}, 409, "uniqueness"),
        ("GET", "Users/prf_x", None, 404, None),
        ("GET", "Groups/{user}", None, 404, None),
        ("GET", "Nothing", None, 404, None),
        ("PUT", "Users", {}, 405, None),
        ("POST", "Bulk", {}, 501, None),
        ("GET", "Me", None, 501, None),
        ("GET", "Schemas?filter=id%20pr", None, 403, None),
        ("GET", "Users?attributes=a%20b", None, 400, "invalidPath"),
]  # fmt: skip


async def test_errors_have_the_form_of_the_standard(client: Client) -> None:
    await a_user(client, "taken", externalId="t1")
    user = await a_user(client, "a1")
    await client.post("/scim/v2/Groups", json={"displayName": "taken"})
    group = ok(await client.post("/scim/v2/Groups", json={"displayName": "g1"}), 201)["id"]
    for method, path, body, status, kind in MISTAKES:
        url = f"/scim/v2/{path.format(user=user, group=group)}"
        assert wrong(await client.request(method, url, json=body), status, kind), url
    wrong(await client.post("/scim/v2/Users", content=b"<user/>"), 400, "invalidSyntax")


async def test_repeated_forbidden_and_stale_requests(client: Client) -> None:
    paths = list[str]()
    for path, body in (("Users", {"userName": "a"}), ("Groups", {"displayName": "g"})):
        answers = [
            await client.post(f"/scim/v2/{path}", json=body, headers={"Idempotency-Key": path})
            for _ in range(2)
        ]
        assert ok(answers[0], 201) == ok(answers[1], 201)
        assert answers[1].headers["idempotency-replay"] == "true"
        assert answers[1].headers["etag"] == 'W/"1"'
        paths.append(f"/scim/v2/{path}/{answers[0].json()['id']}")
    reader = await client.with_key("scim:read", "profiles:write", "groups:write")
    change = {"Operations": [{"op": "replace", "path": "displayName", "value": "x"}]}
    for path in paths:
        ok(await reader.get(path))
        wrong(await reader.patch(path, json=change), 403, None)
        wrong(await reader.delete(path), 403, None)
        stale = {"If-Match": 'W/"7"'}
        wrong(await client.patch(path, json=change, headers=stale), 412, None)
        wrong(await client.delete(path, headers=stale), 412, None)
        assert (await client.delete(path, headers={"If-Match": 'W/"1"'})).status_code == 204


async def test_what_there_is_describes_itself_without_a_key_and_its_examples_run(
    client: Client,
) -> None:
    async with a_client(client.app, None) as anybody:
        config = ok(await anybody.get("/scim/v2/ServiceProviderConfig"))
        supported = {name for name, one in config.items() if "'supported': True" in str(one)}
        assert supported == {"patch", "filter", "etag"}
        types = ok(await anybody.get("/scim/v2/ResourceTypes"))["Resources"]
        assert [one["endpoint"] for one in types] == ["/Users", "/Groups"]
        schemas = ok(await anybody.get("/scim/v2/Schemas"))
        assert [one["id"] for one in schemas["Resources"]] == [USER, ENTERPRISE, GROUP]
        for one in (*types, *schemas["Resources"]):
            _, path, rest = one["meta"]["location"].partition("/scim")
            assert ok(await anybody.get(path + rest)) == one
        wrong(await anybody.get("/scim/v2/Schemas/urn:x"), 404, None)
        wrong(await anybody.get("/scim/v2/Users"), 401, None)
    document = (await client.get("/openapi.json")).json()

    def examples(method: str, path: str) -> list[Any]:
        body = document["paths"][path][method]["requestBody"]["content"]["application/scim+json"]
        return [one["value"] for one in body["examples"].values()]

    for kind in ("Users", "Groups"):
        [example] = examples("post", f"/scim/v2/{kind}")
        made = ok(await client.post(f"/scim/v2/{kind}", json=example), 201)
        path = f"/scim/v2/{kind}/{made['id']}"
        for body in examples("patch", f"/scim/v2/{kind}/{{id}}"):
            assert body["schemas"] == [PATCH]
            assert (await client.patch(path, json=body)).status_code in (200, 204)
        [example] = examples("put", f"/scim/v2/{kind}/{{id}}")
        ok(await client.put(path, json=example))
