"""/v1/categories: presets and what may be changed of them."""

from tests.fixtures.api import Client, problem_fields


async def test_one_category_per_class_is_preset(client: Client) -> None:
    answer = await client.get("/v1/categories")
    assert answer.status_code == 200
    shown = {item["key"]: (item["class"], item["priority"]) for item in answer.json()["items"]}
    assert shown == {
        "otp": ("otp", "high"),
        "transactional": ("transactional", "medium"),
        "bulk": ("bulk", "low"),
        "marketing": ("marketing", "low"),
    }
    assert answer.json()["next_cursor"] is None


async def test_a_category_is_made_with_the_priority_of_its_class(client: Client) -> None:
    answer = await client.post("/v1/categories", json={"key": "news", "class": "marketing"})
    assert answer.status_code == 201
    assert answer.headers["location"] == "/v1/categories/news"
    assert answer.headers["etag"] == '"1"'
    made = answer.json()
    assert (made["name"], made["priority"], made["mandatory"]) == ("news", "low", False)
    assert (await client.get("/v1/categories/news")).json() == made


async def test_a_key_is_taken_once(client: Client) -> None:
    answer = await client.post("/v1/categories", json={"key": "otp", "class": "otp"})
    assert answer.status_code == 409


async def test_pages_go_through_all_categories_newest_first(client: Client) -> None:
    for key in ("a", "b", "c"):
        await client.post("/v1/categories", json={"key": key, "class": "bulk"})
    seen, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await client.get("/v1/categories", params=params)).json()
        seen += [item["key"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen[:3] == ["c", "b", "a"]
    assert sorted(seen[3:]) == ["bulk", "marketing", "otp", "transactional"]


async def test_a_patch_changes_what_it_names(client: Client) -> None:
    await client.post("/v1/categories", json={"key": "news", "class": "marketing"})
    patched = await client.patch("/v1/categories/news", json={"mandatory": True, "class": "bulk"})
    assert patched.status_code == 200
    assert patched.headers["etag"] == '"2"'
    assert (patched.json()["mandatory"], patched.json()["class"]) == (True, "bulk")


async def test_a_patch_of_an_older_version_is_stale(client: Client) -> None:
    await client.patch("/v1/categories/bulk", json={"name": "Bulk mail"})
    answer = await client.patch(
        "/v1/categories/bulk", json={"name": "x"}, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 412


async def test_a_preset_category_keeps_its_class(client: Client) -> None:
    answer = await client.patch("/v1/categories/otp", json={"class": "bulk", "priority": "low"})
    assert answer.status_code == 409


async def test_otp_is_always_high(client: Client) -> None:
    answer = await client.patch("/v1/categories/otp", json={"priority": "low"})
    assert answer.status_code == 422
    assert problem_fields(answer) == ["priority"]


async def test_what_is_not_there_is_not_found(client: Client) -> None:
    assert (await client.get("/v1/categories/nothing")).status_code == 404
    assert (await client.patch("/v1/categories/nothing", json={})).status_code == 404


async def test_writing_needs_the_scope(client: Client) -> None:
    reader = await client.with_key("categories:read")
    assert (await reader.get("/v1/categories")).status_code == 200
    answer = await reader.post("/v1/categories", json={"key": "x", "class": "bulk"})
    assert answer.status_code == 403


async def test_a_wrong_cursor_is_named(client: Client) -> None:
    answer = await client.get("/v1/categories", params={"cursor": "ÿ"})
    assert answer.status_code == 422
    assert problem_fields(answer) == ["cursor"]


async def test_a_category_that_nothing_uses_is_removed(client: Client) -> None:
    await client.post("/v1/categories", json={"key": "news", "class": "marketing"})
    stale = await client.delete("/v1/categories/news", headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    assert (await client.delete("/v1/categories/news")).status_code == 204
    assert (await client.get("/v1/categories/news")).status_code == 404
    assert (await client.delete("/v1/categories/news")).status_code == 404
    assert (await client.delete("/v1/categories/bulk")).status_code == 409


async def test_what_is_used_stays_with_its_class(client: Client) -> None:
    for key, used_by in (("one", "template"), ("two", "suppression"), ("three", "notification")):
        await client.post("/v1/categories", json={"key": key, "class": "transactional"})
        await USES[used_by](client, key)
        answer = await client.delete(f"/v1/categories/{key}")
        assert answer.status_code == 409, used_by
        assert used_by in answer.json()["detail"]
        changed = await client.patch(f"/v1/categories/{key}", json={"class": "bulk"})
        assert changed.status_code == 409, used_by
        renamed = await client.patch(f"/v1/categories/{key}", json={"name": "Another"})
        assert renamed.status_code == 200


async def test_a_finished_notification_keeps_the_class_only(client: Client) -> None:
    await client.post("/v1/categories", json={"key": "news", "class": "transactional"})
    made = await a_notification(client, "news")
    assert (await client.post(f"/v1/notifications/{made}/cancel")).status_code == 200
    assert (await client.patch("/v1/categories/news", json={"class": "bulk"})).status_code == 409
    assert (await client.delete("/v1/categories/news")).status_code == 204
    shown = (await client.get(f"/v1/notifications/{made}")).json()
    assert (shown["category"], shown["state"]) == ("news", "cancelled")


async def a_notification(client: Client, category: str) -> str:
    answer = await client.post(
        "/v1/notifications",
        json={
            "recipient": {"email": "sam@example.com"}, "category": category,
            "content": {"email": {"subject": "Hi", "text": "Hello"}},
            "send_at": "2040-01-31T09:00:00Z",
        },
    )  # fmt: skip
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def a_template(client: Client, category: str) -> None:
    words = {"sms": {"text": "Hello"}}
    request = {"key": "t", "name": "T", "category": category, "locale": "en", "content": words}
    assert (await client.post("/v1/templates", json=request)).status_code == 201


async def a_suppression(client: Client, category: str) -> None:
    request = {"channel": "sms", "address": "+14155550100", "category": category}
    assert (await client.post("/v1/suppressions", json=request)).status_code == 201


USES = {"template": a_template, "suppression": a_suppression, "notification": a_notification}
