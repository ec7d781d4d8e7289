"""/v1/profiles/{id}/preferences, unsubscribe and explain."""

from typing import Any

from httpx import AsyncClient
from sqlalchemy import text

from domain.ids import encode, new_id
from tests.fixtures.api import Client, problem_fields

FULL: dict[str, Any] = {
    "categories": {"marketing": {"email": False, "push": True}},
    "channel_order": ["push", "email"],
    "quiet_hours": {"start": "22:00", "end": "07:30"},
    "frequency": [{"category": "bulk", "limit": 1, "per": "day"}, {"limit": 9, "per": "week"}],
}
NOON = "2030-06-01T12:00:00Z"
NIGHT = "2030-06-01T23:00:00Z"


async def a_profile(client: AsyncClient, **given: Any) -> str:
    answer = await client.post(
        "/v1/profiles",
        json={"email": "a@example.com", "phone": "+14155550100", "timezone": "Etc/UTC", **given},
    )
    assert answer.status_code == 201, answer.text
    return f"/v1/profiles/{answer.json()['id']}"


async def put(client: AsyncClient, profile: str, **document: Any) -> dict[str, Any]:
    answer = await client.put(f"{profile}/preferences", json=document)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def explained(client: AsyncClient, profile: str, **params: Any) -> dict[str, Any]:
    answer = await client.get(f"{profile}/explain", params={"at": NOON, **params})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_nobody_has_chosen_anything_at_first(client: Client) -> None:
    answer = await client.get(f"{await a_profile(client)}/preferences")
    assert answer.headers["etag"] == '"0"'
    found = answer.json()
    assert (found["categories"], found["quiet_hours"], found["frequency"]) == ({}, None, [])


async def test_they_are_replaced_as_a_whole(client: Client) -> None:
    profile = await a_profile(client)
    made = await put(client, profile, **FULL)
    daily, weekly = FULL["frequency"]
    shown = {**FULL, "frequency": [daily, {**weekly, "category": None}]}
    assert {name: made[name] for name in FULL} == shown
    assert (await client.get(f"{profile}/preferences")).json() == made
    assert (await put(client, profile))["categories"] == {}


async def test_a_stale_version_changes_nothing(client: Client) -> None:
    profile = await a_profile(client)
    for etag, status in (('"7"', 412), ('"0"', 200), ('"0"', 412), ('"1"', 200)):
        answer = await client.put(f"{profile}/preferences", json=FULL, headers={"If-Match": etag})
        assert answer.status_code == status, etag


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"categories": {"newz": {"email": False}}}, "categories.newz"),
    ({"categories": {"marketing": {"fax": False}}}, "categories.marketing.fax"),
    ({"categories": {"marketing": {"email": "perhaps"}}}, "categories.marketing.email"),
    ({"categories": {"otp": {"sms": False}}}, "categories.otp.sms"),
    ({"channel_order": ["email", "email"]}, "channel_order"),
    ({"channel_order": ["fax"]}, "channel_order[0]"),
    ({"quiet_hours": {"start": "22:00", "end": "22:00"}}, "quiet_hours.end"),
    ({"quiet_hours": {"start": "24:00", "end": "07:00"}}, "quiet_hours.start"),
    ({"quiet_hours": {"start": "22:00", "end": 7}}, "quiet_hours.end"),
    ({"quiet_hours": {"start": "22:00"}}, "quiet_hours.end"),
    ({"frequency": [{"limit": 0, "per": "day"}]}, "frequency[0].limit"),
    ({"frequency": [{"limit": 1, "per": "year"}]}, "frequency[0].per"),
    ({"frequency": [{"limit": 1, "per": "day", "category": "no"}]}, "frequency[0].category"),
    ({"frequency": [{"limit": 1, "per": "day", "category": "otp"}]}, "frequency[0].category"),
    ({"frequency": [{"limit": 1, "per": "day"}, {"limit": 2, "per": "day"}]}, "frequency[1]"),
    ({"unsubscribed": ["email", "email"]}, "unsubscribed"),
    ({"digest": True}, "digest"),
]


async def test_wrong_fields_are_named(client: Client) -> None:
    profile = await a_profile(client)
    for document, field in WRONG:
        answer = await client.put(f"{profile}/preferences", json=document)
        assert (answer.status_code, problem_fields(answer)) == (422, [field])
    assert (await client.get(f"{profile}/preferences")).json()["version"] == 0


async def test_a_mandatory_category_cannot_be_refused(client: Client) -> None:
    profile = await a_profile(client)
    await client.post(
        "/v1/categories", json={"key": "security", "class": "bulk", "mandatory": True}
    )
    answer = await client.put(
        f"{profile}/preferences", json={"categories": {"security": {"email": False}}}
    )
    assert problem_fields(answer) == ["categories.security.email"]
    answer = await client.post(f"{profile}/unsubscribe", json={"category": "security"})
    assert problem_fields(answer) == ["category"]
    await client.post(f"{profile}/unsubscribe")
    found = await explained(client, profile, category="security", channel="email", at=NIGHT)
    assert found["would_send"] is True
    assert [rule["rule"] for rule in found["rules"]] == ["mandatory"]


async def test_another_modules_profile_is_not_there(client: Client) -> None:
    profile = await a_profile(client)
    other = await client.with_key("*", module="other")
    for method, path in (
        ("GET", "preferences"), ("PUT", "preferences"), ("POST", "unsubscribe"), ("GET", "explain"),
    ):  # fmt: skip
        answer = await other.request(method, f"{profile}/{path}", json={})
        assert answer.status_code == 404, path
    absent = encode("prf", new_id())
    assert (await client.get(f"/v1/profiles/{absent}/preferences")).status_code == 404
    reading = await client.with_key("profiles:read")
    assert (await reading.put(f"{profile}/preferences", json={})).status_code == 403
    assert (await reading.post(f"{profile}/unsubscribe")).status_code == 403


async def test_unsubscribing_from_a_category_leaves_the_others(client: Client) -> None:
    profile = await a_profile(client)
    await put(client, profile, **FULL)
    answer = await client.post(f"{profile}/unsubscribe", json={"category": "bulk"})
    assert answer.status_code == 200
    made = answer.json()
    assert set(made["categories"]["bulk"].values()) == {False}
    assert made["quiet_hours"] == FULL["quiet_hours"]
    off = await explained(client, profile, category="bulk", channel="sms")
    assert (off["would_send"], off["reason"]) == (False, "preference")
    assert (await explained(client, profile, category="marketing"))["would_send"] is True


async def test_unsubscribing_from_a_channel_survives_a_put(client: Client) -> None:
    profile = await a_profile(client)
    await client.post(f"{profile}/unsubscribe", json={"channel": "sms"})
    assert (await put(client, profile, **FULL))["unsubscribed"] == ["sms"]
    off = await explained(client, profile, channel="sms")
    assert (off["state"], off["reason"]) == ("suppressed", "unsubscribed")
    assert (await put(client, profile, unsubscribed=[]))["unsubscribed"] == []


async def test_unsubscribing_from_one_category_on_one_channel(client: Client) -> None:
    profile = await a_profile(client)
    gone = {"category": "bulk", "channel": "email"}
    made = (await client.post(f"{profile}/unsubscribe", json=gone)).json()
    assert made["categories"] == {"bulk": {"email": False}}
    assert (await explained(client, profile, category="bulk"))["channel"] == "sms"


async def test_unknown_categories_are_named(client: Client) -> None:
    profile = await a_profile(client)
    answer = await client.post(f"{profile}/unsubscribe", json={"category": "newz"})
    assert (answer.status_code, problem_fields(answer)) == (422, ["category"])
    answer = await client.get(f"{profile}/explain", params={"category": "newz"})
    assert (answer.status_code, problem_fields(answer)) == (422, ["category"])
    answer = await client.get(f"{profile}/explain", params={"channel": "fax"})
    assert (answer.status_code, problem_fields(answer)) == (422, ["channel"])
    answer = await client.get(f"{profile}/explain", params={"at": "tomorrow"})
    assert (answer.status_code, problem_fields(answer)) == (422, ["at"])


async def test_explaining_tells_by_what_and_when(client: Client) -> None:
    profile = await a_profile(client)
    await put(client, profile, **{**FULL, "channel_order": ["sms"]})
    found = await explained(client, profile, category="bulk", at=NIGHT)
    assert (found["would_send"], found["state"]) == (True, "held")
    assert (found["channel"], found["address"]) == ("sms", "+14155550100")
    assert found["when"] == "2030-06-02T07:30:00.000Z"
    assert found["rules"] == [
        {"rule": "quiet_hours", "effect": "holds",
         "detail": "quiet at 22:00-07:30; it is 23:00 in Etc/UTC"}
    ]  # fmt: skip
    day = await explained(client, profile, category="bulk")
    assert [(one["rule"], one["effect"]) for one in day["rules"]] == [
        ("quiet_hours", "allows"), ("frequency_cap", "allows"), ("frequency_cap", "allows"),
    ]  # fmt: skip
    assert day["channels"][0]["channel"] == "sms"
    assert {one["reason"] for one in day["channels"]} == {"", "no_address"}


async def test_explaining_names_suppressions(client: Client) -> None:
    profile = await a_profile(client)
    async with client.app.db.leader() as conn:
        await conn.execute(
            text("""INSERT INTO suppressions (id, channel, address, reason, source)
                VALUES (gen_random_uuid(), 'email', 'a@example.com', 'hard_bounce', 'receipt')""")
        )
    found = await explained(client, profile, category="otp", channel="email")
    assert (found["would_send"], found["reason"]) == (False, "hard_bounce")
    assert [rule["rule"] for rule in found["rules"]] == ["suppression"]


async def test_changes_leave_an_audit_line_without_addresses(client: Client) -> None:
    profile = await a_profile(client)
    await put(client, profile, **FULL)
    await client.post(f"{profile}/unsubscribe", json={"category": "bulk"})
    async with client.app.db.leader() as conn:
        rows = (
            await conn.execute(
                text("SELECT action, detail FROM audit WHERE subject = :id ORDER BY id"),
                {"id": profile.rsplit("/", 1)[1]},
            )
        ).all()
    assert [row.action for row in rows][1:] == [
        "preferences.changed", "preferences.unsubscribed",
    ]  # fmt: skip
    assert rows[2].detail == {"fields": ["category=bulk"]}


async def test_erasing_a_profile_erases_its_preferences(client: Client) -> None:
    profile = await a_profile(client)
    await put(client, profile, **FULL)
    assert (await client.delete(profile)).status_code == 204
    async with client.app.db.leader() as conn:
        left = (await conn.execute(text("SELECT count(*) FROM preferences"))).scalar_one()
    assert left == 0
