"""The audit log by API: filtered, each module its own, and what was altered by hand is named."""

import asyncio
from typing import Any

from sqlalchemy import text

from services import audit_log
from services.app import App
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.dashboard import Browser


async def lines(client: Any, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/audit", params=params)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def some(client: Client, number: int = 5) -> None:
    for n in range(number):
        answer = await client.post("/v1/groups", json={"name": f"group {n}"})
        assert answer.status_code == 201
    await audit_log.seal(client.app)


async def run(app: App, statement: str) -> None:
    async with app.db.leader() as conn:
        await conn.execute(text(statement))


async def verified(client: Client, **params: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/v1/audit/verify", params=params)).json()
    return found


async def test_lines_are_filtered_and_paged(client: Client) -> None:
    await some(client, 3)
    group = (await client.get("/v1/groups")).json()["items"][0]
    await client.delete(f"/v1/groups/{group['id']}")
    found = await lines(client, subject=group["id"])
    assert [one["action"] for one in found] == ["group.deleted", "group.created"]
    assert {(one["actor"], one["module"]) for one in found} == {("key:first", "default")}
    assert (found[0]["line"], len(found[1]["hash"])) == (None, 64)
    assert len(await lines(client, action="group")) == 4
    assert len(await lines(client, action=["group.created", "x"])) == 3
    assert await lines(client, actor="key:other") == []
    assert await lines(client, module="other") == []
    first, last = found[1]["at"], found[0]["at"]
    assert len(await lines(client, subject=group["id"], after=first, before=last)) == 1
    page = (await client.get("/v1/audit", params={"action": "group", "limit": 3})).json()
    rest = await lines(client, action="group", cursor=page["next_cursor"])
    assert len(page["items"] + rest) == 4
    wrong = await client.get("/v1/audit", params={"after": "yesterday"})
    assert (wrong.status_code, problem_fields(wrong)) == (422, ["after"])


async def test_a_module_sees_its_own_lines(client: Client) -> None:
    await some(client, 1)
    other = await client.with_key("audit:read", module="other")
    assert await lines(other) == []
    assert (await other.get("/v1/audit/verify")).status_code == 403
    assert (await other.get("/v1/audit/head")).status_code == 200
    assert (await (await client.with_key("groups:read")).get("/v1/audit")).status_code == 403


async def test_people_are_named_by_id_and_found_by_address(
    client: Client, browser_client: Browser
) -> None:
    await browser_client.submit(
        "/categories", **{"key": "tips", "name": "Tips", "class": "bulk", "priority": "low"}
    )
    [line] = await lines(client, action="category.created")
    assert line["actor"].startswith("user:usr_")
    assert line["actor_name"] == "user:admin@example.com"
    for given in ("admin@example.com", line["actor"], line["actor"].removeprefix("user:")):
        assert await lines(client, actor=given) == [line]
    async with client.app.db.leader() as conn:
        kept = await conn.execute(text("SELECT string_agg(a::text, ' ') FROM audit a"))
        assert "@" not in str(kept.scalar_one())


async def test_a_log_as_it_was_written_is_intact(client: Client) -> None:
    assert (await verified(client))["intact"] is True
    await some(client)
    head = (await client.get("/v1/audit/head")).json()["head"]
    found = await verified(client, head=head)
    assert (found["intact"], found["head"], found["unsealed"]) == (True, head, 0)
    await client.post("/v1/groups", json={"name": "later"})
    assert (await verified(client, head=head))["unsealed"] == 1
    await audit_log.seal(client.app)
    assert (await verified(client, head=head))["intact"] is True
    wrong = await client.get("/v1/audit/verify", params={"head": "x"})
    assert (wrong.status_code, problem_fields(wrong)) == (422, ["head"])


ALTERED = (
    ("UPDATE audit SET detail = '{\"a\": 1}' WHERE seq = 3", 3, "not as it was sealed"),
    ("UPDATE audit SET at = at - interval '1 us' WHERE seq = 2", 2, "not as it was sealed"),
    ("DELETE FROM audit WHERE seq = 4", 4, "line 4 is missing"),
    ("DELETE FROM audit WHERE seq = 1", 1, "line 1 is missing"),
    ("DELETE FROM audit WHERE seq >= 4", 4, "are missing"),
    ("UPDATE audit SET hash = previous WHERE seq = 2", 2, "not as it was sealed"),
    ("UPDATE audit SET seq = NULL WHERE seq = 3", 3, "line 3 is missing"),
    ("UPDATE audit_head SET seq = 2", 5, "audit_head says otherwise"),
    ("DELETE FROM audit_head", 6, "audit_head is empty"),
)


async def test_what_is_altered_by_hand_is_named(client: Client) -> None:
    await some(client)
    for table in ("audit", "audit_head"):
        await run(client.app, f"CREATE TABLE kept_{table} AS SELECT * FROM {table}")
    for statement, line, why in ALTERED:
        await run(client.app, statement)
        found = await verified(client)
        assert (found["intact"], found["broken"]["line"]) == (False, line), statement
        assert why in found["broken"]["why"], statement
        for table in ("audit", "audit_head"):
            await run(client.app, f"TRUNCATE {table}")
            await run(client.app, f"INSERT INTO {table} SELECT * FROM kept_{table}")
        assert (await verified(client))["intact"] is True


async def test_a_line_that_is_put_in_by_hand_is_named_before_and_after_it_is_sealed(
    client: Client,
) -> None:
    await some(client)
    await run(
        client.app,
        "INSERT INTO audit (id, actor, action, subject)"
        " SELECT gen_random_uuid(), actor, action, subject FROM audit WHERE seq = 1",
    )
    before = await verified(client)
    assert "no mark" in before["broken"]["why"]
    await audit_log.seal(client.app)
    after = await verified(client)
    assert (after["broken"]["line"], after["broken"]["id"]) == (6, before["broken"]["id"])
    await run(client.app, "UPDATE audit SET mark = (SELECT mark FROM audit WHERE seq = 1)")
    assert (await verified(client))["broken"]["line"] == 2


async def test_a_log_that_was_cut_with_its_head_shows_by_a_head_that_was_kept(
    client: Client,
) -> None:
    await some(client)
    kept = (await client.get("/v1/audit/head")).json()["head"]
    await run(client.app, "DELETE FROM audit WHERE seq > 3")
    await run(
        client.app,
        "UPDATE audit_head SET seq = 3, hash = (SELECT hash FROM audit WHERE seq = 3)",
    )
    assert (await verified(client))["intact"] is True
    found = await verified(client, head=kept)
    assert (found["intact"], found["broken"]["line"]) == (False, 4)
    for n in range(2):
        await client.post("/v1/groups", json={"name": f"new {n}"})
    await audit_log.seal(client.app)
    found = await verified(client, head=kept)
    assert (found["broken"]["line"], "differs" in found["broken"]["why"]) == (5, True)


async def test_writers_and_sealers_at_once_make_one_chain(client: Client) -> None:
    async def write(n: int) -> None:
        assert (await client.post("/v1/groups", json={"name": f"g{n}"})).status_code == 201

    async def sealing() -> None:
        for _ in range(5):
            await audit_log.seal(client.app)

    await asyncio.gather(*(write(n) for n in range(12)), sealing(), sealing())
    await audit_log.seal(client.app)
    found = await verified(client)
    assert (found["intact"], found["lines"], found["unsealed"]) == (True, 12, 0)
