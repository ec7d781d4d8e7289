"""/v1/rules: kept, switched on, tried, and what they then make of requests."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from activities.planning import plan_new
from activities.rule_book import RuleBook, RuleBroken, check
from domain.ids import encode
from services.app import App
from tests.fixtures import rows
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.heard import default_module

BANNED = {"name": "no-promises", "kind": "banned_words", "settings": {"words": ["guaranteed"]}}


async def made(client: Any, enabled: bool = True, **given: Any) -> dict[str, Any]:
    answer = await client.post("/v1/rules", json={**BANNED, "enabled": enabled, **given})
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def shut_now() -> dict[str, Any]:
    """Hours that open in three days, whatever the time of the day is."""
    day = (datetime.now(UTC) + timedelta(days=3)).isoweekday()
    return {"start": "00:00", "end": "23:59", "timezone": "UTC", "days": [day]}


def asking(**given: Any) -> dict[str, Any]:
    content = {"email": {"subject": "Hi", "text": given.pop("says", "It is guaranteed.")}}
    return {"recipient": {"email": "sam@example.com"}, "content": content, **given}


async def test_a_rule_is_off_until_it_is_enabled(client: Client) -> None:
    rule = await made(client, enabled=False)
    assert rule["id"].startswith("rul_")
    assert (await client.post("/v1/notifications", json=asking())).status_code == 202
    path = f"/v1/rules/{rule['id']}"
    changed = await client.patch(path, json={"enabled": True}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    answer = await client.post("/v1/notifications", json=asking())
    assert (answer.status_code, problem_fields(answer)) == (422, ["content.email.text"])
    assert "breaks the rule no-promises: 'guaranteed'" in answer.json()["errors"][0]["message"]
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.post("/v1/notifications", json=asking())).status_code == 202


async def test_a_rule_binds_its_module_and_category(client: Client) -> None:
    await made(client, category="marketing")
    assert (await client.post("/v1/notifications", json=asking())).status_code == 202
    answer = await client.post("/v1/notifications", json=asking(category="marketing"))
    assert answer.status_code == 422
    other = await client.with_key("*", module="other")
    assert (await other.post("/v1/notifications", json=asking(category="marketing"))).is_success
    await made(client, name="for-all", scope="all")
    assert (await other.post("/v1/notifications", json=asking())).status_code == 422
    narrow = await client.with_key("rules:write")
    refused = await narrow.post("/v1/rules", json={**BANNED, "name": "x", "scope": "all"})
    assert refused.status_code == 403


async def test_each_of_a_batch_is_judged_and_a_change_too(client: Client) -> None:
    await made(client)
    answer = await client.post(
        "/v1/notifications/batch", json={"notifications": [asking(says="Hello"), asking()]}
    )
    first, second = answer.json()["items"]
    assert second["error"]["errors"][0]["field"] == "notifications[1].content.email.text"
    later = (await client.post(
        "/v1/notifications", json=asking(says="Hello", send_at="2040-01-31T09:00:00Z")
    )).json()  # fmt: skip
    patched = await client.patch(
        f"/v1/notifications/{later['id']}", json={"content": {"email": {"text": "guaranteed"}}}
    )
    assert (patched.status_code, first["state"]) == (422, "accepted")


async def test_the_business_gives_a_priority(client: Client) -> None:
    await made(client, name="payments", kind="priority", settings={"priority": "high"})
    for asked, given in (({}, "high"), ({"priority": "low"}, "low"), ({"category": "otp"}, "high")):
        answer = await client.post("/v1/notifications", json=asking(says="Hello", **asked))
        assert answer.status_code in (202, 503)
        if answer.status_code == 202:
            assert answer.json()["priority"] == given


async def test_a_footer_is_appended_and_shown(client: Client) -> None:
    settings = {"text": "Example & Co", "channels": ["email", "sms"]}
    await made(client, name="foot", kind="footer", settings=settings)
    request = asking(says="Hello")
    request["content"]["email"]["html"] = "<p>Hello</p>"
    one = (await client.post("/v1/notifications", json=request)).json()
    shown = (await client.get(f"/v1/notifications/{one['id']}")).json()["content"]["email"]
    assert shown["text"] == "Hello\n\nExample & Co"
    assert shown["html"].endswith("<p>Example &amp; Co</p>")
    template = {"key": "t", "name": "T", "locale": "en", "content": {"sms": {"text": "Hello"}}}
    await client.post("/v1/templates", json=template)
    await client.post("/v1/templates/t/publish", json={"version": 1})
    answer = await client.post(
        "/v1/notifications", json={"recipient": {"phone": "+14155550100"}, "template": "t"}
    )
    assert problem_fields(answer) == ["content.sms.text"]


async def test_too_many_at_once_need_a_campaign(client: Client) -> None:
    await made(client, name="few", kind="audience", settings={"most": 2})
    three = [asking(says="Hello") for _ in range(3)]
    two = {"notifications": [*three[:2], asking(says="Hello", category="otp")]}
    items = (await client.post("/v1/notifications/batch", json={"notifications": three})).json()
    slugs = [one["error"]["type"] for one in items["items"]]
    assert slugs == ["/problems/approval-required"] * 3
    assert "rule few" in items["items"][0]["error"]["detail"]
    items = (await client.post("/v1/notifications/batch", json=two)).json()["items"]
    assert ["error" in one for one in items] == [False, False, False]


async def planned(app: App, **given: Any) -> dict[str, Any]:
    """The one delivery that planning makes of a notification."""
    usual = {"module_id": await default_module(app)}
    async with app.db.leader() as conn:
        row = await rows.accepted(conn, **{**usual, **given})
        await plan_new(conn, [row["id"]], row["workflow_id"])
        found = await conn.execute(
            text("SELECT * FROM deliveries WHERE notification_id = :id"), {"id": row["id"]}
        )
        return {"notification": row, **found.mappings().one()}


async def test_outside_of_the_hours_it_is_held_by_name(client: Client) -> None:
    await made(client, name="night", kind="hours", settings=shut_now(), category="bulk")
    far = datetime.now(UTC) + timedelta(days=9)
    held = await planned(client.app, category="bulk", expires_at=far, **{"class": "bulk"})
    assert (held["state"], held["reason"]) == ("held", "night")
    assert (held["due_at"].hour, held["due_at"].minute) == (0, 0)
    assert held["due_at"] > datetime.now(UTC)
    shown = await client.get(f"/v1/notifications/{encode('ntf', held['notification']['id'])}")
    assert (shown.json()["state"], shown.json()["reason"]) == ("held", "night")
    async with client.app.db.leader() as conn:
        leased, _ = await rows.leased(conn, held["notification"])
        assert leased == [], "not before it opens"
        await conn.execute(text("UPDATE deliveries SET due_at = now()"))
        leased, _ = await rows.leased(conn, held["notification"])
        assert len(leased) == 1
    assert (await planned(client.app))["state"] == "accepted"


async def test_explaining_names_the_hours(client: Client) -> None:
    await made(client, name="night", kind="hours", settings=shut_now(), category="bulk")
    profile = (await client.post("/v1/profiles", json={"email": "sam@example.com"})).json()["id"]
    asked = f"/v1/profiles/{profile}/explain?channel=email&category="
    told = (await client.get(f"{asked}bulk")).json()
    assert (told["state"], told["reason"], told["would_send"]) == ("held", "night", True)
    [rule] = told["rules"]
    assert (rule["rule"], rule["effect"]) == ("allowed_hours", "holds")
    assert (await client.get(f"{asked}marketing")).json()["rules"] == []


async def test_what_expires_before_they_open_is_looked_at_when_it_does(client: Client) -> None:
    await made(client, name="night", kind="hours", settings=shut_now())
    held = await planned(client.app)
    assert (held["state"], held["due_at"]) == ("held", held["expires_at"])


async def test_words_that_became_wrong_meanwhile_do_not_leave(client: Client) -> None:
    app = client.app
    async with app.db.leader() as conn:
        row = await rows.planned(conn, module_id=await default_module(app))
        [leased], _ = await rows.leased(conn, row)
    book = RuleBook(app.db)
    check(await book.of(leased), leased, {"text": "It is guaranteed."})
    await made(client)
    assert await book.of(leased) == [], "kept for a few seconds"
    with pytest.raises(RuleBroken) as broken:
        check(await RuleBook(app.db).of(leased), leased, {"text": "It is guaranteed."})
    assert broken.value.reason == "no-promises"


async def test_a_rule_is_tried_on_what_was_asked_for(client: Client) -> None:
    for says in ("It is guaranteed.", "Hello"):
        assert (await client.post("/v1/notifications", json=asking(says=says))).is_success
    rule = await made(client, enabled=False)
    told = (await client.post(f"/v1/rules/{rule['id']}/try", json={"days": 1})).json()
    assert (told["examined"], told["affected"], told["more"]) == (2, 1, False)
    [sample] = told["samples"]
    assert (sample["field"], told["effect"]) == ("content.email.text", "refused")
    assert (await client.get(f"/v1/notifications/{sample['notification']}")).status_code == 200
    hours = await made(client, enabled=False, name="h", kind="hours", settings=shut_now())
    told = (await client.post(f"/v1/rules/{hours['id']}/try", json={})).json()
    assert (told["examined"], told["effect"]) == (2, "held")
    high = await made(client, False, name="p", kind="priority", settings={"priority": "high"})
    told = (await client.post(f"/v1/rules/{high['id']}/try", json={})).json()
    assert (told["affected"], told["samples"][0]["priority"]) == (2, "high")
    crowd = await made(client, enabled=False, name="a", kind="audience", settings={"most": 1})
    refused = await client.post(f"/v1/rules/{crowd['id']}/try", json={})
    assert problem_fields(refused) == ["kind"]
    assert (await client.post(f"/v1/rules/{rule['id']}/try", json={"days": 0})).status_code == 422


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"kind": "mood"}, "kind"),
        ({"name": "a b"}, "name"),
        ({"category": "nothing"}, "category"),
        ({"settings": {"words": []}}, "settings.words"),
        ({"settings": {"words": ["x"], "colour": 1}}, "settings.colour"),
        ({"kind": "hours", "settings": {"start": "9", "end": "10:00"}}, "settings.start"),
        ({"kind": "hours", "settings": {"start": "09:00", "end": "09:00"}}, "settings.end"),
        (
            {"kind": "hours", "settings": {"start": "09:00", "end": "10:00", "timezone": "Mars"}},
            "settings.timezone",
        ),
        ({"kind": "footer", "settings": {"text": "{{ name }}"}}, "settings.text"),
        ({"kind": "sender", "settings": {"allowed": ["not a host"]}}, "settings.allowed[0]"),
        ({"kind": "attachments", "settings": {"types": ["pdf"]}}, "settings.types[0]"),
        ({"kind": "priority", "settings": {"priority": "urgent"}}, "settings.priority"),
        ({"kind": "audience", "settings": {}}, "settings.most"),
    ],
)
async def test_a_wrong_field_is_named(client: Client, given: dict[str, Any], field: str) -> None:
    answer = await client.post("/v1/rules", json={**BANNED, **given})
    assert answer.status_code == 422
    assert problem_fields(answer) == [field]


async def test_names_and_modules_keep_rules_apart(client: Client) -> None:
    rule = await made(client)
    assert (await client.post("/v1/rules", json=BANNED)).status_code == 409
    second = await made(client, name="second")
    path = f"/v1/rules/{second['id']}"
    assert (await client.patch(path, json={"name": "no-promises"})).status_code == 409
    assert (await client.patch(path, json={"settings": {}})).status_code == 422
    assert (await client.patch(path, json={"enabled": None})).status_code == 422
    stale = await client.patch(path, json={"enabled": False}, headers={"If-Match": '"9"'})
    assert stale.status_code == 412
    other = await client.with_key("rules:read", "rules:write", module="other")
    assert (await other.get(f"/v1/rules/{rule['id']}")).status_code == 404
    assert (await other.get("/v1/rules")).json()["items"] == []
    names = [one["name"] for one in (await client.get("/v1/rules")).json()["items"]]
    assert names == ["second", "no-promises"]
