"""Users by API: roles, keys that are bound to them, deactivation, and who decides for whom."""

import asyncio
from typing import Any

import pytest

from domain.errors import Unauthenticated
from services import access, live
from services.access import hash_token
from stores import access as access_store
from tests.fixtures.api import Client, _client, problem_fields

APPROVER = {"name": "Sample Approver", "email": "Approver@example.com", "role": "approver"}


async def made(client: Client, **given: Any) -> dict[str, Any]:
    answer = await client.post("/v1/users", json={**APPROVER, **given})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def key_of(client: Client, user: str, *scopes: str) -> Any:
    answer = await client.post("/v1/keys", json={"name": "k", "scopes": scopes, "user": user})
    assert (answer.status_code, answer.json().get("user")) == (201, user), answer.text
    bound = _client(client._transport, answer.json()["key"])
    bound.app = client.app
    return bound


async def first_administrator(client: Client) -> dict[str, Any]:
    found = (await client.get("/v1/users", params={"role": "administrator"})).json()["items"]
    one: dict[str, Any] = found[0]
    return one


async def test_a_user_is_made_looked_at_changed_and_removed(client: Client) -> None:
    user = await made(client)
    assert (user["active"], user["password_temporary"]) == (True, True)
    assert (await access.sign_in(client.app, APPROVER["email"], user["password"], "c")).user["id"]
    path = f"/v1/users/{user['id']}"
    looked = (await client.get(path)).json()
    assert "password" not in looked
    stale = await client.patch(path, json={"role": "viewer"}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    changed = await client.patch(path, json={"role": "viewer"}, headers={"If-Match": '"1"'})
    assert (changed.json()["role"], changed.headers["etag"]) == ("viewer", '"2"')
    assert [one["id"] for one in (await client.get("/v1/users?role=viewer")).json()["items"]] == [
        user["id"]
    ]
    again = await client.post("/v1/users", json={**APPROVER, "email": "approver@EXAMPLE.com"})
    assert again.status_code == 409
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"role": "king"}, "role"),
        ({"email": "nobody"}, "email"),
        ({"name": ""}, "name"),
        ({"password": "short"}, "password"),
        ({"colour": 1}, "colour"),
    ],
)
async def test_a_wrong_field_is_named(client: Client, given: dict[str, Any], field: str) -> None:
    answer = await client.post("/v1/users", json={**APPROVER, **given})
    assert (answer.status_code, problem_fields(answer)) == (422, [field])


async def test_deactivating_ends_sessions_and_stops_keys_at_once(client: Client) -> None:
    user = await made(client, role="operator", password="a password of one's own")
    app = client.app
    session = await access.sign_in(app, APPROVER["email"], "a password of one's own", "c")
    bound = await key_of(client, user["id"], "*")
    assert (await bound.get("/v1/accounts")).status_code == 200
    path = f"/v1/users/{user['id']}"
    assert (await client.patch(path, json={"active": None})).status_code == 422
    assert (await client.patch(path, json={"active": False})).json()["active"] is False
    assert (await bound.get("/v1/accounts")).status_code == 401
    assert await access.session(app, session.token) is None
    assert [one async for one in live.events(app, session.actor)] == [], "streams end too"
    async with app.db.leader() as conn:
        assert await access_store.find_session(conn, hash_token(session.token)) is None
    with pytest.raises(Unauthenticated):
        await access.sign_in(app, APPROVER["email"], "a password of one's own", "c")
    await client.patch(path, json={"active": True})
    assert (await bound.get("/v1/accounts")).status_code == 200
    assert await access.session(app, session.token) is None, "what ended stays ended"


async def test_the_last_administrator_stays(client: Client) -> None:
    first = await first_administrator(client)
    path = f"/v1/users/{first['id']}"
    for answer in (
        await client.patch(path, json={"role": "viewer"}),
        await client.patch(path, json={"active": False}),
        await client.delete(path),
    ):
        assert (answer.status_code, "last active administrator" in answer.text) == (409, True)
    second = await made(client, role="administrator")
    both = await asyncio.gather(
        client.patch(path, json={"role": "viewer"}),
        client.delete(f"/v1/users/{second['id']}"),
    )
    assert sorted(one.status_code for one in both)[1] == 409, "one of the two stays"
    left = (await client.get("/v1/users?role=administrator&active=true")).json()["items"]
    assert len(left) == 1


async def test_nobody_gives_a_role_above_their_own(client: Client) -> None:
    first = await first_administrator(client)
    keeper = await client.with_key("users:write", "users:read")
    refused = await keeper.post("/v1/users", json=APPROVER)
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/forbidden")
    for change in ({"name": "x"}, {"active": False}):
        assert (await keeper.patch(f"/v1/users/{first['id']}", json=change)).status_code == 403
    reset = await keeper.post(f"/v1/users/{first['id']}/reset-password")
    assert reset.status_code == 403
    user = await made(client)
    bound = await key_of(client, user["id"], "*")
    raised = await bound.patch(f"/v1/users/{user['id']}", json={"role": "administrator"})
    assert raised.status_code == 403
    assert (await bound.get(f"/v1/users/{user['id']}")).json()["role"] == "approver"


async def test_a_key_may_what_both_its_scopes_and_the_role_allow(client: Client) -> None:
    user = await made(client, role="operator")
    wide, narrow = [
        await key_of(client, user["id"], *scopes) for scopes in (["*"], ["accounts:read"])
    ]
    assert (await wide.get("/v1/notifications")).status_code == 200
    assert (await wide.get("/v1/users")).status_code == 403
    assert (await narrow.get("/v1/accounts")).status_code == 200
    assert (await narrow.get("/v1/notifications")).status_code == 403
    await client.patch(f"/v1/users/{user['id']}", json={"role": "viewer"})
    content = {"email": {"subject": "Hi", "text": "Hello"}}
    asking = {"recipient": {"email": "sam@example.com"}, "content": content}
    assert (await wide.post("/v1/notifications", json=asking)).status_code == 403


async def test_others_bind_keys_to_themselves_alone(client: Client) -> None:
    user, other = await made(client), await made(client, email="other@example.com")
    bound = await key_of(client, user["id"], "*")
    own = {"name": "own", "scopes": ["notifications:read"]}
    assert (await bound.post("/v1/keys", json=own)).json()["user"] == user["id"]
    theirs = await bound.post("/v1/keys", json={**own, "user": other["id"]})
    assert theirs.status_code == 403
    more = await bound.post("/v1/keys", json={"name": "more", "scopes": ["templates:write"]})
    assert more.status_code == 403
    seen = (await bound.get("/v1/keys")).json()["items"]
    assert {one["user"] for one in seen} == {user["id"]}
    [first] = [one for one in (await client.get("/v1/keys")).json()["items"] if not one["user"]]
    assert (await bound.delete(f"/v1/keys/{first['id']}")).status_code == 404
    for wrong in ("usr_x", other["id"].replace("usr_", "key_"), "usr_" + "0" * 26):
        answer = await client.post("/v1/keys", json={**own, "user": wrong})
        assert (answer.status_code, problem_fields(answer)) == (422, ["user"])


async def test_a_new_password_ends_sessions(client: Client) -> None:
    user = await made(client)
    session = await access.sign_in(client.app, APPROVER["email"], user["password"], "c")
    told = (await client.post(f"/v1/users/{user['id']}/reset-password")).json()
    assert told["password"] != user["password"]
    assert await access.session(client.app, session.token) is None
    assert await access.sign_in(client.app, APPROVER["email"], told["password"], "c")


async def test_a_user_names_a_deputy_for_a_time(client: Client) -> None:
    user, deputy = await made(client), await made(client, email="deputy@example.com")
    bound = await key_of(client, user["id"], "*")
    path = f"/v1/users/{user['id']}/delegation"
    away = {"to": deputy["id"], "from": "2030-07-01T00:00:00Z", "until": "2040-07-15T00:00:00Z"}
    assert (await bound.get(path)).status_code == 404
    put = await bound.put(path, json=away)
    assert (put.status_code, put.json()["to_name"]) == (200, "Sample Approver")
    assert (await bound.get(path)).json()["from"] == "2030-07-01T00:00:00.000Z"
    for change, field in (
        ({"until": away["from"]}, "until"),
        ({"to": user["id"]}, "to"),
        ({"to": "usr_" + "0" * 26}, "to"),
        ({"from": "1990-01-01T00:00:00Z", "until": "1991-01-01T00:00:00Z"}, "until"),
    ):
        answer = await bound.put(path, json={**away, **change})
        assert (answer.status_code, problem_fields(answer)) == (422, [field])
    theirs = f"/v1/users/{deputy['id']}/delegation"
    assert (await bound.put(theirs, json={**away, "to": user["id"]})).status_code == 403
    assert (await bound.delete(path)).status_code == 204
    assert (await bound.delete(path)).status_code == 404
