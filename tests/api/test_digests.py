"""Digests by the API: chosen by recipients, asked for by requests and templates, and shown."""

from datetime import UTC, datetime
from typing import Any

from activities.planning import plan_new
from domain.ids import decode
from services.app import App
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.dashboard import Browser

DIGEST = {"key": "orders", "window_seconds": 900}
DAILY = {"every": "day", "at": "08:00"}
SUMMER = "2030-06-01T12:00:00Z"


async def a_profile(client: Client, **chosen: Any) -> str:
    body = {"email": "ann@example.com", "timezone": "Europe/Paris"}
    made = (await client.post("/v1/profiles", json=body)).json()
    answer = await client.put(f"/v1/profiles/{made['id']}/preferences", json=chosen)
    assert answer.status_code == 200, answer.text
    return str(made["id"])


async def planned(app: App, client: Client, **given: Any) -> dict[str, Any]:
    """Ask for a notification, plan it as a worker does, and return it."""
    body = {
        "recipient": {"email": "sam@example.com"},
        "content": {"email": {"subject": "Hi", "text": "Hello"}},
        **given,
    }
    answer = await client.post("/v1/notifications", json=body)
    assert answer.status_code == 202, answer.text
    id = answer.json()["id"]
    async with app.db.leader() as conn:
        await plan_new(conn, [decode("ntf", id)], id)
    return await get(client, id)


async def get(client: Client, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/v1/notifications/{id}")).json()
    return found


async def test_a_recipient_has_a_category_collected_once_a_day(app: App, client: Client) -> None:
    profile = await a_profile(client, digest={"bulk": DAILY})
    kept = (await client.get(f"/v1/profiles/{profile}/preferences")).json()
    assert kept["digest"] == {"bulk": DAILY}
    asked = {"category": "bulk", "channel": "email", "at": SUMMER}
    told = (await client.get(f"/v1/profiles/{profile}/explain", params=asked)).json()
    assert (told["would_send"], told["state"], told["reason"]) == (True, "held", "digest")
    assert told["when"] == "2030-06-02T06:00:00.000Z"
    assert told["rules"][-1]["detail"] == "bulk is collected once a day at 08:00 in Europe/Paris"
    other = await client.get(
        f"/v1/profiles/{profile}/explain", params={**asked, "category": "marketing"}
    )
    assert other.json()["state"] == "accepted"
    # Its own choice comes before what a request asks for; an expiry that nobody named moves along.
    found = await planned(app, client, recipient=profile, category="bulk", digest=DIGEST)
    assert (found["state"], found["reason"]) == ("held", "digest")
    assert (found["digest"]["source"], found["digest"]["key"]) == ("preference", "bulk")
    assert found["due_at"] == found["digest"]["due_at"] < found["expires_at"]
    leaves = datetime.fromisoformat(found["due_at"])
    assert leaves > datetime.now(UTC)
    assert found["deliveries"][0]["decision"][-1]["rule"] == "digest"


async def test_what_cannot_be_collected_is_said(client: Client) -> None:
    path = f"/v1/profiles/{await a_profile(client)}/preferences"
    for chosen, field in (
        ({"otp": DAILY}, "digest.otp"),
        ({"nothing": DAILY}, "digest.nothing"),
        ({"bulk": {"every": "hour", "at": "08:00"}}, "digest.bulk.every"),
        ({"bulk": {"at": "8 o'clock"}}, "digest.bulk.at"),
        ({"bulk": {}}, "digest.bulk.at"),
    ):
        answer = await client.put(path, json={"digest": chosen})
        assert (answer.status_code, problem_fields(answer)) == (422, [field])


async def test_wrong_windows_are_said(client: Client) -> None:
    for wrong, field in (
        ({"key": "orders"}, "digest.window_seconds"),
        ({"key": "", "window_seconds": 1}, "digest.key"),
        ({"key": "a b", "window_seconds": 1}, "digest.key"),
        ({"key": "orders", "window_seconds": 0}, "digest.window_seconds"),
        ({"key": "orders", "window_seconds": 604_801}, "digest.window_seconds"),
    ):
        body = {
            "recipient": {"email": "sam@example.com"}, "digest": wrong,
            "content": {"email": {"subject": "Hi", "text": "Hello"}},
        }  # fmt: skip
        answer = await client.post("/v1/notifications", json=body)
        assert (answer.status_code, problem_fields(answer)) == (422, [field]), wrong
    assert (await client.get("/v1/notifications?digest=x")).status_code == 422


async def test_a_template_says_what_its_messages_are_collected_into(
    app: App, client: Client
) -> None:
    words = {"email": {"subject": "Hi", "text": "Hello", "digest": {"subject": "{{ count }}",
             "text": "{% for one in items %}{{ one.subject }}{% endfor %}"}}}  # fmt: skip
    made = await client.post("/v1/templates", json={"key": "t", "content": words, "digest": DIGEST})
    assert made.status_code == 201, made.text
    assert (made.json()["digest"], made.json()["content"]) == (DIGEST, words)
    assert (await client.post("/v1/templates/t/publish", json={"version": 1})).status_code == 200
    found = await planned(app, client, content=None, template="t")
    assert (found["digest"]["key"], found["digest"]["count"]) == ("orders", 1)
    own = await planned(app, client, content=None, template="t", digest={**DIGEST, "key": "mine"})
    assert own["digest"]["key"] == "mine"
    await client.patch("/v1/templates/t", json={"digest": None})
    assert (await planned(app, client, content=None, template="t"))["digest"] is None
    broken = {"email": {**words["email"], "digest": {"subject": "x", "text": "{{ count"}}}
    answer = await client.post("/v1/templates", json={"key": "b", "content": broken})
    assert problem_fields(answer) == ["content.email.digest.text"]


async def test_a_change_leaves_it_in_its_digest_but_what_is_urgent_leaves_it(
    app: App, client: Client
) -> None:
    first = await planned(app, client, digest=DIGEST)
    await planned(app, client, digest=DIGEST)
    path = f"/v1/notifications/{first['id']}"
    changed = (await client.patch(path, json={"metadata": {"a": "b"}})).json()
    assert (changed["state"], changed["due_at"]) == ("held", first["due_at"])
    assert changed["digest"]["count"] == 2
    sooner = (await client.patch(path, json={"priority": "high"})).json()
    assert sooner["digest"] is None
    assert sooner["due_at"] < first["due_at"]


async def test_its_page_tells_with_which_others_it_leaves(
    app: App, client: Client, browser_client: Browser
) -> None:
    made = [await planned(app, client, digest=DIGEST) for _ in range(2)]
    page = (await browser_client.get(f"/notifications/{made[0]['id']}")).text
    assert "Waits to be sent together with others" in page
    assert f'href="/notifications/{made[1]["id"]}"' in page
    listed = (await browser_client.get(f"/notifications?digest={made[0]['digest']['id']}")).text
    assert all(one["id"] in listed for one in made)
