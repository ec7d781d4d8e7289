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
