"""/scim/v2 as Okta, Entra and writers to IAM Identity Center call it, request by request."""

from typing import Any

from httpx import AsyncClient, Response

from domain.ids import encode, new_id
from domain.scim.schemas import ENTERPRISE, GROUP, USER
from tests.api.test_preferences import explained
from tests.fixtures.api import Client

PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def ok(answer: Response, status: int = 200) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/scim+json"
    found: dict[str, Any] = answer.json()
    return found


def wrong(answer: Response, status: int, kind: str | None) -> str:
    """Check an Error of the standard, and return what it says."""
    found = ok(answer, status)
    assert (found["schemas"], found["status"]) == ([ERROR], str(status))
    assert found.get("scimType") == kind, found
    return str(found["detail"])


async def found(client: AsyncClient, kind: str, filter: str) -> list[str]:
    listed = ok(await client.get(f"/scim/v2/{kind}", params={"filter": filter}))
    assert listed["totalResults"] == len(listed["Resources"]) == listed["itemsPerPage"]
    return [one["id"] for one in listed["Resources"]]


async def patched(client: AsyncClient, path: str, *given: dict[str, Any], status: int = 200) -> Any:
    answer = await client.patch(path, json={"schemas": [PATCH], "Operations": list(given)})
    assert answer.status_code == status, answer.text
    return answer.json() if answer.content else None


async def test_okta_assigns_changes_and_deactivates_a_user(client: Client) -> None:
    okta = await client.with_key("scim:read", "scim:write")
    okta.headers["content-type"] = "application/scim+json; charset=utf-8"
    empty = ok(await okta.get("/scim/v2/Users", params={"startIndex": 1, "count": 2}))
    assert (empty["totalResults"], empty["startIndex"], empty["Resources"]) == (0, 1, [])
    login = "ann@example.com"
    assert await found(okta, "Users", f'userName eq "{login}"') == []
    body = {
        "schemas": [USER], "userName": login, "externalId": "00ujl29u0le5T6Aj10h7",
        "name": {"givenName": "Ann", "familyName": "Example"}, "displayName": "Ann Example",
        "emails": [{"primary": True, "value": login, "type": "work"}], "locale": "fr-CA",
        "phoneNumbers": [{"value": "not a number", "type": "work"}], "timezone": "Etc/UTC",
        "groups": [], "password": "1mz050nq", "active": True,
    }  # fmt: skip
    answer = await okta.post("/scim/v2/Users", json=body)
    made = ok(answer, 201)
    assert answer.headers["location"] == made["meta"]["location"]
    assert answer.headers["etag"] == made["meta"]["version"]
    given = {name: value for name, value in body.items() if name != "password"}
    assert {name: value for name, value in made.items() if name not in ("id", "meta")} == given
    wrong(await okta.post("/scim/v2/Users", json={**body, "userName": login.upper()}), 409,
          "uniqueness")  # fmt: skip
    wrong(await okta.post("/scim/v2/Users", json={**body, "userName": "bob"}), 409, "uniqueness")
    profile = (await client.get(f"/v1/profiles/{made['id']}")).json()
    assert (profile["external_id"], profile["email"], profile["phone"], profile["locale"]) == (
        body["externalId"], login, None, "fr-CA",
    )  # fmt: skip
    assert profile["attributes"] == {"givenName": "Ann", "familyName": "Example"}

    path = f"/scim/v2/Users/{made['id']}"
    changed = {**made, "name": {"givenName": "Anne", "familyName": "Example"}, "title": "Lead"}
    del changed["locale"]
    replaced = ok(await okta.put(path, json=changed, headers={"If-Match": made["meta"]["version"]}))
    assert (replaced["title"], "locale" in replaced) == ("Lead", False)
    again = ok(await okta.put(path, json=changed))
    assert again == replaced, "a push that says nothing new changes nothing"
    wrong(await okta.put(path, json=changed, headers={"If-Match": 'W/"1"'}), 412, None)
    profile = (await client.get(f"/v1/profiles/{made['id']}")).json()
    assert (profile["attributes"]["title"], profile["locale"]) == ("Lead", None)

    off = await patched(okta, path, {"op": "replace", "value": {"active": False}})
    assert off["active"] is False
    told = await explained(client, f"/v1/profiles/{made['id']}", category="otp", channel="email")
    assert (told["would_send"], told["reason"]) == (False, "inactive")
    assert [rule["rule"] for rule in told["rules"]] == ["inactive"]
    back = ok(await okta.put(path, json={**changed, "active": True}))
    assert back["active"] is True
    told = await explained(client, f"/v1/profiles/{made['id']}", channel="email")
    assert told["would_send"] is True
    assert (await okta.delete(path)).status_code == 204
    wrong(await okta.get(path), 404, None)
    assert (await client.get(f"/v1/profiles/{made['id']}")).status_code == 404


async def test_entra_finds_and_patches_whom_a_module_knew_already(client: Client) -> None:
    known = (await client.post("/v1/profiles", json={
        "external_id": "0a21f0f2", "name": "Ann", "email": "ann@example.com",
        "phone": "+14155550100", "attributes": {"plan": "gold"},
    })).json()["id"]  # fmt: skip
    assert await found(client, "Users", 'externalId eq "0a21f0f2"') == [known]
    assert await found(client, "Users", 'userName eq "ANN@example.com"') == [known]
    assert await found(client, "Users", 'emails[type eq "work"].value eq "Ann@example.com"') == [
        known
    ]
    path = f"/scim/v2/Users/{known}"
    await patched(
        client, path,
        {"op": "Add", "path": f"{ENTERPRISE}:department", "value": "Sales"},
        {"op": "Replace", "path": "name.familyName", "value": "Example"},
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "new@example.com"},
        {"op": "Replace", "path": 'phoneNumbers[type eq "mobile"].value', "value": "12"},
        {"op": "Replace", "path": "active", "value": "False"},
    )  # fmt: skip
    profile = (await client.get(f"/v1/profiles/{known}")).json()
    assert (profile["email"], profile["phone"], profile["active"]) == (
        "new@example.com", None, False,
    )  # fmt: skip
    assert profile["attributes"] == {
        "plan": "gold", "department": "Sales", "familyName": "Example",
    }  # fmt: skip
    assert profile["user_name"] == "ann@example.com"
    assert await found(client, "Users", f'{ENTERPRISE}:department eq "sales"') == [known]
    assert await found(client, "Users", 'emails.value eq "ann@example.com"') == []
    await patched(
        client, path,
        {"op": "replace", "value": {
            "active": True, "displayName": "Ann E.", f"{ENTERPRISE}:manager": "7",
        }},
    )  # fmt: skip
    shown = ok(await client.get(path, params={"attributes": f"userName,active,{ENTERPRISE}"}))
    assert shown == {
        "schemas": [USER, ENTERPRISE], "id": known, "userName": "ann@example.com", "active": True,
        ENTERPRISE: {"department": "Sales", "manager": {"value": "7"}},
    }  # fmt: skip
    audience = {"name": "sales", "kind": "filter", "filter": {
        "field": "attributes.department", "op": "eq", "value": "Sales",
    }}  # fmt: skip
    made = await client.post("/v1/audiences", json=audience)
    assert made.status_code == 201, made.text
    preview = await client.post(f"/v1/audiences/{made.json()['id']}/preview", json={})
    assert (preview.json()["count"], preview.json()["suppressed"]) == (1, {})
    await patched(client, path, {"op": "Replace", "path": "active", "value": "False"})
    preview = await client.post(f"/v1/audiences/{made.json()['id']}/preview", json={})
    assert preview.json()["suppressed"] == {"inactive": 1}


async def test_entra_keeps_groups(client: Client) -> None:
    ids = [await a_user(client, f"u{n}") for n in range(3)]
    answer = await client.post("/scim/v2/Groups", json={
        "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "8aa1a0c0", "displayName": "Sales", "meta": {"resourceType": "Group"},
    })  # fmt: skip
    made = ok(answer, 201)
    assert (made["members"], made["meta"]["version"]) == ([], 'W/"1"')
    path = f"/scim/v2/Groups/{made['id']}"
    listed = ok(await client.get("/scim/v2/Groups", params={
        "excludedAttributes": "members", "filter": 'displayName eq "sales"',
    }))  # fmt: skip
    assert [(one["id"], "members" in one) for one in listed["Resources"]] == [(made["id"], False)]
    members = [{"$ref": None, "value": id} for id in ids]
    await patched(client, path, {"op": "Add", "path": "members", "value": members}, status=204)
    await patched(
        client, path, {"op": "Remove", "path": "members", "value": members[:1]}, status=204
    )
    await patched(
        client, path, {"op": "remove", "path": f'members[value eq "{ids[1]}"]'}, status=204
    )
    await patched(
        client, path, {"op": "Replace", "path": "displayName", "value": "Sell"}, status=204
    )
    group = ok(await client.get(path))
    assert [one["value"] for one in group["members"]] == ids[2:]
    assert (group["displayName"], group["meta"]["version"]) == ("Sell", 'W/"5"')
    is_in = f'id eq "{made["id"]}" and members eq "{ids[2]}"'
    assert await found(client, "Groups", is_in) == [made["id"]]
    assert await found(client, "Groups", f'members[value eq "{ids[0]}"]') == []
    assert await found(client, "Users", f'groups.value eq "{made["id"]}"') == ids[2:]
    [joined] = ok(await client.get(f"/scim/v2/Users/{ids[2]}"))["groups"]
    assert (joined["value"], joined["display"]) == (made["id"], "Sell")
    assert (await client.get(f"/v1/groups/{made['id']}")).json()["profiles"] == 1


async def test_what_is_written_to_iam_identity_center_works_here(client: Client) -> None:
    ann = ok(await client.post("/scim/v2/Users", json={
        "externalId": "701984", "userName": "ann", "name": {
            "formatted": "Ms. Ann Example, III", "familyName": "Example", "givenName": "Ann",
            "honorificPrefix": "Ms.", "honorificSuffix": "III"},
        "displayName": "Ann Example", "nickName": "Ann", "title": "Tour Guide",
        "emails": [{"value": "ann@example.com", "type": "work", "primary": True}],
        "addresses": [{"streetAddress": "1 Main St", "locality": "Any Town", "region": "CA",
                       "postalCode": "91608", "country": "USA", "type": "work", "primary": True}],
        "userType": "Employee", "preferredLanguage": "en-US", "locale": "en-US",
        "timezone": "America/Los_Angeles", "active": True,
        ENTERPRISE: {"employeeNumber": "701984", "costCenter": "4130", "division": "Parks",
                     "department": "Tours", "manager": {"value": "9067729b3d"}},
    }), 201)["id"]  # fmt: skip
    bob = await a_user(client, "bob")
    group = ok(await client.post("/scim/v2/Groups", json={
        "displayName": "Group Foo", "externalId": "702135", "members": [{"value": ann}],
    }), 201)  # fmt: skip
    path = f"/scim/v2/Groups/{group['id']}"
    foo_new = {"id": group["id"], "displayName": "Group Foo New"}
    await patched(client, path, {"op": "replace", "value": foo_new}, status=204)
    await patched(
        client, path, {"op": "add", "path": "members", "value": [{"value": bob}]},
        {"op": "remove", "path": "members", "value": [{"value": ann}]}, status=204,
    )  # fmt: skip
    assert [one["value"] for one in ok(await client.get(path))["members"]] == [bob]
    await patched(
        client, path, {"op": "replace", "path": "members", "value": [{"value": ann}]}, status=204
    )
    assert [one["value"] for one in ok(await client.get(path))["members"]] == [ann]
    await patched(client, path, {"op": "remove", "path": "members"}, status=204)
    assert ok(await client.get(path))["members"] == []
    both = f'externalId eq "702135" and displayName eq "{foo_new["displayName"]}"'
    assert await found(client, "Groups", both) == [group["id"]]
    unknown = encode("prf", new_id())
    refused = await client.patch(path, json={
        "Operations": [{"op": "add", "path": "members", "value": [{"value": unknown}]}],
    })  # fmt: skip
    assert unknown in wrong(refused, 400, "invalidValue")
    await check_thousands(client, path)


async def check_thousands(client: Client, path: str) -> None:
    async with client.app.db.leader() as conn:
        await conn.exec_driver_sql(
            "INSERT INTO profiles (id, module_id, external_id) SELECT gen_random_uuid(), m.id,"
            " 'm' || n FROM modules m, generate_series(1, 3000) n WHERE m.key = 'default'"
        )
        listed = await conn.exec_driver_sql("SELECT id FROM profiles ORDER BY id")
        ids = [encode("prf", row.id) for row in listed]
    everybody = {"op": "add", "path": "members", "value": [{"value": id} for id in ids]}
    await patched(client, path, everybody, status=204)
    assert [one["value"] for one in ok(await client.get(path))["members"]] == ids
    gone = {"op": "remove", "path": "members", "value": [{"value": id} for id in ids[5:]]}
    left = await patched(client, f"{path}?attributes=members.value", gone)
    assert [one["value"] for one in left["members"]] == ids[:5]


async def a_user(client: AsyncClient, login: str, **given: Any) -> str:
    answer = await client.post("/scim/v2/Users", json={"userName": login, **given})
    return str(ok(answer, 201)["id"])
