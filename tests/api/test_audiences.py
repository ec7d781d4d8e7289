"""/v1/audiences: kept, changed, removed; what is wrong is named leaf by leaf."""

from typing import Any

from httpx import AsyncClient

from domain.ids import encode, new_id
from tests.fixtures.api import Client, problem_fields

LDAP = {
    "url": "ldaps://directory.example.com", "bind_dn": "cn=reader", "bind_password": "hush-hush",
    "base_dn": "dc=example,dc=com",
}  # fmt: skip
SQL = {"dsn": "postgresql://reader:hush-hush@db.example.com/people", "query": "SELECT email FROM t"}
FILTER = {"field": "attributes.plan", "value": "pro"}


async def an_audience(client: AsyncClient, name: str = "pros", **given: Any) -> dict[str, Any]:
    body = given or {"kind": "filter", "filter": FILTER}
    answer = await client.post("/v1/audiences", json={"name": name, **body})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def a_profile(client: AsyncClient, **given: Any) -> str:
    answer = await client.post("/v1/profiles", json=given)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def preview(client: AsyncClient, made: dict[str, Any], **given: Any) -> dict[str, Any]:
    answer = await client.post(f"/v1/audiences/{made['id']}/preview", json=given)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_an_audience_is_made_found_changed_and_removed(client: Client) -> None:
    made = await an_audience(client)
    assert made["kind"] == "filter"
    assert made["filter"] == FILTER
    place = f"/v1/audiences/{made['id']}"
    answer = await client.get(place)
    assert answer.json() == made
    assert answer.headers["etag"] == '"1"'
    changed = await client.patch(place, json={"name": "paying"}, headers={"If-Match": '"1"'})
    assert changed.json()["name"] == "paying"
    assert changed.json()["filter"] == FILTER
    stale = await client.patch(place, json={"name": "x"}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    for nothing in ({"name": None}, {"filter": None}):
        taken = await client.patch(place, json=nothing)
        assert problem_fields(taken) == list(nothing)
    assert (await client.delete(place)).status_code == 204
    assert (await client.get(place)).status_code == 404


async def test_a_name_is_taken_once_per_module(client: Client) -> None:
    await an_audience(client)
    second = await an_audience(client, "others")
    again = {"name": "pros", "kind": "filter", "filter": FILTER}
    assert (await client.post("/v1/audiences", json=again)).status_code == 409
    taken = await client.patch(f"/v1/audiences/{second['id']}", json={"name": "pros"})
    assert taken.status_code == 409
    other = await client.with_key("audiences:write", module="other")
    assert (await other.post("/v1/audiences", json=again)).status_code == 201


async def test_audiences_are_listed_newest_first(client: Client) -> None:
    for n in range(3):
        await an_audience(client, f"a {n}")
    first = (await client.get("/v1/audiences?limit=2")).json()
    assert [one["name"] for one in first["items"]] == ["a 2", "a 1"]
    rest = (await client.get(f"/v1/audiences?limit=2&cursor={first['next_cursor']}")).json()
    assert [one["name"] for one in rest["items"]] == ["a 0"]
    assert rest["next_cursor"] is None
    named = (await client.get("/v1/audiences?name=a 1&name=a 0")).json()["items"]
    assert [one["name"] for one in named] == ["a 1", "a 0"]
    assert (await client.get("/v1/audiences?kind=ldap")).json()["items"] == []


async def test_another_modules_audience_is_not_there(client: Client) -> None:
    made = await an_audience(client)
    other = await client.with_key("audiences:read", "audiences:write", module="other")
    for method, path in (
        ("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "/preview"),
    ):  # fmt: skip
        answer = await other.request(method, f"/v1/audiences/{made['id']}{path}", json={})
        assert answer.status_code == 404, method
    part = {"name": "u", "kind": "union", "union": [made["id"]]}
    assert problem_fields(await other.post("/v1/audiences", json=part)) == ["union[0]"]


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"kind": "crowd"}, ["kind"]),
    ({"kind": "group"}, ["group"]),
    ({"kind": "group", "group": "nobody"}, ["group"]),
    ({"kind": "group", "group": encode("grp", new_id())}, ["group"]),
    ({"kind": "module", "module": "other"}, ["module"]),
    ({"kind": "filter", "filter": FILTER, "sql": SQL}, ["sql"]),
    ({"kind": "filter", "filter": FILTER, "color": 1}, ["color"]),
    ({"kind": "filter", "filter": {"field": "shoe", "value": 1}}, ["filter.field"]),
    ({"kind": "filter", "filter": {"all": [FILTER, {"field": "email"}]}},
     ["filter.all[1].value"]),
    ({"kind": "filter", "filter": {"not": {"any": [{"field": "email", "op": "is"}]}}},
     ["filter.not.any[0].op"]),
    ({"kind": "profiles", "profiles": [encode("prf", new_id()), "who", {"email": "x"}]},
     ["profiles[2].email"]),
    ({"kind": "profiles", "profiles": [encode("prf", new_id()), "who"]},
     ["profiles[0]", "profiles[1]"]),
    ({"kind": "union", "union": [{"kind": "filter", "filter": FILTER}, 7, "aud_x"]},
     ["union[1]", "union[2]"]),
    ({"kind": "except", "except": [{"kind": "filter", "filter": FILTER}]}, ["except"]),
    ({"kind": "union", "union": [{"kind": "except", "except": [
        {"kind": "filter", "filter": FILTER},
        {"kind": "filter", "filter": {"any": [{"field": "groups", "value": "x"}]}}]}]},
     ["union[0].except[1].filter.any[0].op"]),
    ({"kind": "union", "union": [{"kind": "group", "group": "nobody"}]}, ["union[0].group"]),
    ({"kind": "ldap", "ldap": {**LDAP, "url": "http://x"}}, ["ldap.url"]),
    ({"kind": "ldap", "ldap": {**LDAP, "url": "ldap://x"}}, ["ldap.starttls"]),
    ({"kind": "ldap", "ldap": {**LDAP, "mapping": {"shoe": "x"}}}, ["ldap.mapping.shoe"]),
    ({"kind": "ldap", "ldap": {**LDAP, "bind_password": None}}, ["ldap.bind_password"]),
    ({"kind": "sql", "sql": {"query": "SELECT 1"}}, ["sql.dsn"]),
    ({"kind": "sql", "sql": {**SQL, "dsn": "nowhere"}}, ["sql.dsn"]),
    ({"kind": "sql", "sql": {**SQL, "dsn": "postgresql://h/d?host=/tmp"}}, ["sql.dsn"]),
    ({"kind": "sql", "sql": {**SQL, "parameters": {"a": []}}}, ["sql.parameters"]),
]  # fmt: skip


async def test_what_is_wrong_is_named(client: Client) -> None:
    for body, fields in WRONG:
        answer = await client.post("/v1/audiences", json={"name": "wrong", **body})
        assert answer.status_code == 422, body
        assert problem_fields(answer) == fields
        assert "hush-hush" not in answer.text
    assert (await client.get("/v1/audiences")).json()["items"] == []


async def test_what_grows_without_end_is_refused(client: Client) -> None:
    last = await an_audience(client, "0")
    for level in range(1, 5):
        last = await an_audience(client, str(level), kind="union", union=[last["id"]] * 4)
    answer = await client.post(f"/v1/audiences/{last['id']}/preview")
    assert problem_fields(answer) == ["union"]
    assert "200" in answer.text


async def test_depth_is_bounded(client: Client) -> None:
    deep: Any = {"kind": "filter", "filter": FILTER}
    for _ in range(6):
        deep = {"kind": "union", "union": [deep]}
    assert (await client.post("/v1/audiences", json={"name": "d", **deep})).status_code == 422
    expression: Any = FILTER
    for _ in range(60):
        expression = {"not": expression}
    answer = await client.post(
        "/v1/audiences", json={"name": "d", "kind": "filter", "filter": expression}
    )
    assert answer.status_code == 422
    assert problem_fields(answer)[0].startswith("filter")


async def test_no_audience_holds_itself(client: Client) -> None:
    inner = await an_audience(client, "inner")
    outer = await an_audience(client, "outer", kind="union", union=[inner["id"]])
    for parts in ([outer["id"]], [inner["id"]]):
        answer = await client.patch(
            f"/v1/audiences/{inner['id']}", json={"kind": "union", "union": parts}
        )
        assert problem_fields(answer) == ["union[0]"]
    refused = await client.delete(f"/v1/audiences/{inner['id']}")
    assert refused.status_code == 409
    assert "outer" in refused.json()["detail"]


async def test_secrets_are_never_told(client: Client) -> None:
    made = await an_audience(
        client, kind="union", union=[{"kind": "ldap", "ldap": LDAP}, {"kind": "sql", "sql": SQL}]
    )
    listed = await client.get("/v1/audiences")
    assert "hush-hush" not in listed.text
    assert made["union"][0]["ldap"]["bind_password"] is None
    assert made["union"][1]["sql"]["dsn"] is None
    async with client.app.db.leader() as conn:
        row = await conn.exec_driver_sql("SELECT a::text, definition FROM audiences a")
        stored: Any = row.one()
    assert "hush-hush" not in stored[0]
    kept = client.app.seal.open(stored[1])["union"]
    assert kept[0]["ldap"]["bind_password"] == "hush-hush"


async def test_what_is_read_can_be_written_back(client: Client) -> None:
    made = await an_audience(
        client, kind="union", union=[{"kind": "ldap", "ldap": LDAP}, {"kind": "sql", "sql": SQL}]
    )
    place = f"/v1/audiences/{made['id']}"
    answer = await client.patch(place, json={"union": made["union"]})
    assert answer.status_code == 200, answer.text
    async with client.app.db.leader() as conn:
        sealed = (await conn.exec_driver_sql("SELECT definition FROM audiences")).scalar_one()
    kept = client.app.seal.open(sealed)["union"]
    assert [kept[0]["ldap"]["bind_password"], kept[1]["sql"]["dsn"]] == ["hush-hush", SQL["dsn"]]


async def test_a_secret_does_not_follow_a_new_address(client: Client) -> None:
    made = await an_audience(client, kind="ldap", ldap=LDAP)
    place = f"/v1/audiences/{made['id']}"
    moved = await client.patch(place, json={"ldap": {"url": "ldaps://elsewhere.example.com"}})
    assert problem_fields(moved) == ["ldap.bind_password"]
    stays = await client.patch(place, json={"ldap": {"base_dn": "dc=other", "group": None}})
    assert stays.status_code == 200
    assert stays.json()["ldap"]["base_dn"] == "dc=other"
    assert stays.json()["ldap"]["url"] == LDAP["url"]


async def test_changes_are_audited_without_secrets(client: Client) -> None:
    made = await an_audience(client, kind="sql", sql=SQL)
    await client.patch(f"/v1/audiences/{made['id']}", json={"sql": {"most": 5}})
    await client.delete(f"/v1/audiences/{made['id']}")
    async with client.app.db.leader() as conn:
        rows = await conn.exec_driver_sql(
            "SELECT action, subject, detail::text FROM audit WHERE action LIKE 'audience%%'"
            " ORDER BY id"
        )
        lines = [tuple(row) for row in rows]
    assert [line[0] for line in lines] == [
        "audience.created", "audience.changed", "audience.deleted",
    ]  # fmt: skip
    assert {line[1] for line in lines} == {made["id"]}
    assert "hush" not in str(lines)


async def test_a_preview_counts_and_says_who_is_suppressed(client: Client) -> None:
    await client.post("/v1/groups", json={"name": "beta"})
    for n in range(4):
        await a_profile(
            client, external_id=f"u{n}", name=f"User {n}", email=f"u{n}@example.com",
            groups=["beta"],
        )  # fmt: skip
    await a_profile(client, external_id="mute", groups=["beta"])
    await a_profile(client, email="elsewhere@example.com")
    async with client.app.db.leader() as conn:
        for n, reason, category, until in (
            (0, "hard_bounce", None, None), (1, "unsubscribed", "marketing", None),
            (2, "complained", None, "2001-01-01"),
        ):  # fmt: skip
            await conn.exec_driver_sql(
                "INSERT INTO suppressions (id, channel, address, category, reason, source,"
                " expires_at) VALUES (gen_random_uuid(), 'email', $1, $2, $3, 'test',"
                " CAST($4 AS text)::timestamptz)",
                (f"u{n}@example.com", category, reason, until),
            )
    made = await an_audience(client, kind="group", group="beta")
    found = await preview(client, made, channels=["email"], category="marketing", sample=2)
    assert found["count"] == 5
    assert found["suppressed"] == {"hard_bounce": 1, "no_address": 1, "unsubscribed": 1}
    assert len(found["sample"]) == 2
    assert {one["email"] for one in found["sample"]} <= {"u•••@example.com", None}
    assert (await preview(client, made))["suppressed"] == {"hard_bounce": 1, "no_address": 1}
    texts = await preview(client, made, channels=["sms"])
    assert texts["suppressed"] == {"no_address": 5}
    assert (await preview(client, made, channels=["inapp"]))["suppressed"] == {}
    bare = await client.post(f"/v1/audiences/{made['id']}/preview")
    assert bare.json()["count"] == 5


async def test_push_is_reached_by_devices(client: Client) -> None:
    ids = [await a_profile(client, external_id=f"p{n}") for n in range(3)]
    for n in (0, 1):
        device = {"channel": "push", "platform": "android", "token": f"token-{n}" * 10}
        answer = await client.post(f"/v1/profiles/{ids[n]}/devices", json=device)
        assert answer.status_code == 201, answer.text
    async with client.app.db.leader() as conn:
        await conn.exec_driver_sql(
            "INSERT INTO suppressions (id, channel, address, reason, source)"
            " SELECT gen_random_uuid(), 'push', address, 'unregistered', 'test'"
            " FROM profile_devices WHERE profile_id = (SELECT id FROM profiles"
            " WHERE external_id = 'p0')"
        )
    made = await an_audience(client, kind="module", module="default")
    found = await preview(client, made, channels=["push"])
    assert found["suppressed"] == {"no_address": 1, "unregistered": 1}


async def test_sets_are_combined_and_nobody_counts_twice(client: Client) -> None:
    await a_profile(client, external_id="a", email="a@example.com", groups=["one"])
    await a_profile(client, external_id="b", email="B@example.com", groups=["one", "two"])
    one = await an_audience(client, "one", kind="group", group="one")
    two = {"kind": "group", "group": "two"}
    listed = {
        "kind": "profiles",
        "profiles": [
            "a", {"email": "b@example.com"}, {"external_id": "x", "email": "x@example.com"},
            {"email": "X@example.com"}, {"phone": "+14155550100"},
        ],
    }  # fmt: skip
    cases: tuple[tuple[str, list[Any], int], ...] = (
        ("union", [one["id"], two], 2),
        ("union", [one["id"], listed], 4),
        ("intersect", [one["id"], two], 1),
        ("intersect", [listed, one["id"], {"kind": "module", "module": "default"}], 2),
        ("except", [one["id"], two], 1),
        ("except", [listed, one["id"]], 2),
        ("except", [listed, {"kind": "profiles", "profiles": [{"email": "x@example.com"}]}], 3),
        ("except", [one["id"], one["id"]], 0),
    )
    for number, (kind, parts, count) in enumerate(cases):
        made = await an_audience(client, f"set {number}", kind=kind, **{kind: parts})
        assert (await preview(client, made))["count"] == count, (kind, parts)


async def test_an_unknown_category_is_named(client: Client) -> None:
    made = await an_audience(client)
    answer = await client.post(f"/v1/audiences/{made['id']}/preview", json={"category": "no"})
    assert problem_fields(answer) == ["category"]


async def test_a_group_that_is_gone_is_named_in_its_leaf(client: Client) -> None:
    group = (await client.post("/v1/groups", json={"name": "brief"})).json()["id"]
    inner = await an_audience(client, "inner", kind="group", group=group)
    outer = await an_audience(client, "outer", kind="union", union=[inner["id"]])
    await client.delete(f"/v1/groups/{group}")
    answer = await client.post(f"/v1/audiences/{outer['id']}/preview")
    assert problem_fields(answer) == ["union[0].group"]


async def test_connectors_are_listed_with_the_forms_of_their_settings(client: Client) -> None:
    found = (await client.get("/v1/audiences/connectors")).json()["items"]
    forms = {one["name"]: one["settings"] for one in found}
    assert set(forms) >= {"ldap", "sql"}
    assert forms["sql"]["required"] == ["dsn", "query"]
    assert forms["sql"]["properties"]["dsn"]["writeOnly"] is True
    narrow = await client.with_key("groups:read")
    assert (await narrow.get("/v1/audiences/connectors")).status_code == 403
