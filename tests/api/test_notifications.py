"""/v1/notifications without Temporal: accepted all the same, and every mistake is named."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from services.app import App, close_app, open_app
from tests.fixtures.api import KEY, a_client, settings_for

MAIL: dict[str, Any] = {
    "recipient": {"email": "sam@example.com", "name": "Sample Recipient"},
    "content": {"email": {"subject": "Order {{ order }}", "text": "It is {{ order }}."}},
    "data": {"order": "A-1"},
}


async def count(app: App, table: str) -> int:
    async with app.db.leader() as conn:
        return int((await conn.execute(text(f"SELECT count(*) FROM {table}"))).scalar_one())


async def test_accepted_without_temporal_and_shown_with_its_words(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.post("/v1/notifications", json=MAIL)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert (made["state"], made["priority"], made["category"]) == (
        "accepted", "medium", "transactional",
    )  # fmt: skip
    assert answer.headers["location"] == f"/v1/notifications/{made['id']}"
    shown = (await client.get(answer.headers["location"])).json()
    assert shown["content"]["email"] == {"subject": "Order A-1", "text": "It is A-1."}
    assert shown["recipient"]["email"] == "s•••@example.com"
    assert [event["event"] for event in shown["timeline"]] == ["accepted"]


BAD: list[tuple[dict[str, Any], str]] = [
    ({"template": "nowhere", "content": None}, "template"),
    ({"data": {}}, "data.order"),
    ({"recipient": {"email": "not an address"}}, "recipient.email"),
    ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ({"send_at": "2030-01-02T00:00:00Z", "expires_at": "2030-01-01T00:00:00Z"}, "expires_at"),
    ({"template": "welcome"}, "content"),
    ({"colour": "red"}, "colour"),
    ({"category": "nonsense"}, "category"),
    ({"channels": ["sms"]}, "channels[0]"),
    ({"recipient": "prf_00000000000000000000000000"}, "recipient"),
    ({"recipient": {"external_id": "nobody"}}, "recipient.external_id"),
    ({"data": {"order": "x\x00"}}, "data"),
    ({"data": {"order": "a\r\nBcc: x@example.com"}}, "content.email.subject"),
    ({"content": {"email": {"subject": "{{ order", "text": "x"}}}, "content.email.subject"),
]


@pytest.mark.parametrize(("change", "field"), BAD)
async def test_each_mistake_is_named_and_nothing_is_stored(
    client: httpx.AsyncClient, app: App, change: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/notifications", json={**MAIL, **change})
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [error["field"] for error in answer.json()["errors"]], answer.text
    assert await count(app, "notifications") == 0
    assert await count(app, "outbox") == 0


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe{}",
        b'{"recipient": {"email": "\xc3\x28@example.com"}}',
        b'{"data":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        b"",
        b'{"data": NaN}',
    ],
    ids=["cut", "utf16", "bad-utf8", "deep", "empty", "nan"],
)
async def test_what_is_not_json_is_malformed(
    client: httpx.AsyncClient, app: App, body: bytes
) -> None:
    answer = await client.post("/v1/notifications", content=body)
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed")
    assert await count(app, "notifications") == 0


async def test_a_body_of_50_mb_is_refused(client: httpx.AsyncClient, app: App) -> None:
    body = json.dumps({**MAIL, "metadata": {"x": "y" * 50_000_000}}).encode()
    answer = await client.post("/v1/notifications", content=body)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")

    async def chunks() -> Any:
        for _ in range(50):
            yield b" " * 1_000_000

    answer = await client.post("/v1/notifications", content=chunks())
    assert answer.status_code == 413


async def test_a_batch_judges_each_item_on_its_own(client: httpx.AsyncClient, app: App) -> None:
    items = [MAIL, {**MAIL, "recipient": {"email": "x"}}, "text", {**MAIL, "category": "bulk"}]
    answer = await client.post("/v1/notifications/batch", json={"notifications": items})
    assert answer.status_code == 202, answer.text
    good, bad, text_item, bulk = answer.json()["items"]
    assert good["id"].startswith("ntf_")
    assert bad["error"]["errors"][0]["field"] == "notifications[1].recipient.email"
    assert text_item["error"]["status"] == 422
    assert bulk["error"]["type"] == "/problems/approval-required"
    assert await count(app, "notifications") == 1


async def test_a_batch_of_1001_is_refused_whole(client: httpx.AsyncClient, app: App) -> None:
    answer = await client.post("/v1/notifications/batch", json={"notifications": [MAIL] * 1001})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "notifications"
    assert await count(app, "notifications") == 0


async def test_a_batch_of_1000_is_accepted_in_shared_workflows(
    client: httpx.AsyncClient, app: App
) -> None:
    answer = await client.post("/v1/notifications/batch", json={"notifications": [MAIL] * 1000})
    assert answer.status_code == 202
    assert len({item["id"] for item in answer.json()["items"]}) == 1000
    async with app.db.leader() as conn:
        shared = await conn.execute(text("SELECT count(DISTINCT workflow_id) FROM notifications"))
        assert shared.scalar_one() == 2


@pytest.mark.parametrize("key", [None, "tcs_wrong", "\udcff"])
async def test_a_wrong_key_is_401(app: App, key: str | None) -> None:
    async with a_client(app, None) as client:
        sent = b"Bearer " + key.encode("utf-8", "surrogateescape") if key else None
        headers = {b"Authorization": sent} if sent else {}
        answer = await client.post("/v1/notifications", json=MAIL, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/unauthenticated")
    assert await count(app, "notifications") == 0


async def test_a_scope_that_lacks_is_403(client: httpx.AsyncClient, app: App) -> None:
    body = {"name": "reader", "scopes": ["notifications:read"]}
    key = (await client.post("/v1/keys", json=body)).json()["key"]
    async with a_client(app, key) as reader:
        assert (await reader.get("/v1/notifications")).status_code == 200
        answer = await reader.post("/v1/notifications", json=MAIL)
        assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
        assert (await reader.post("/v1/keys", json=body)).status_code == 403


async def test_another_modules_id_is_404(client: httpx.AsyncClient, app: App) -> None:
    made = (await client.post("/v1/notifications", json=MAIL)).json()["id"]
    await client.post("/v1/modules", json={"key": "shop"})
    body = {
        "name": "shop",
        "module": "shop",
        "scopes": ["notifications:read", "notifications:write"],
    }
    key = (await client.post("/v1/keys", json=body)).json()["key"]
    async with a_client(app, key) as other:
        path = f"/v1/notifications/{made}"
        for answer in (
            await other.get(path),
            await other.post(f"{path}/cancel"),
            await other.post(f"{path}/resend"),
            await other.patch(path, json={"priority": "high"}),
            await other.delete(path),
        ):
            assert answer.status_code == 404, answer.text
        assert (await other.get("/v1/notifications")).json()["items"] == []


async def test_the_same_key_and_body_give_the_first_answer_again(
    client: httpx.AsyncClient, app: App
) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = await client.post("/v1/notifications", json=MAIL, headers=headers)
    again = await client.post("/v1/notifications", json=MAIL, headers=headers)
    assert again.json() == first.json()
    assert again.headers["idempotency-replay"] == "true"
    assert "idempotency-replay" not in first.headers
    other = await client.post(
        "/v1/notifications", json={**MAIL, "data": {"order": "B"}}, headers=headers
    )
    assert other.status_code == 422
    assert await count(app, "notifications") == 1


async def test_fifty_at_once_with_one_key_make_one(client: httpx.AsyncClient, app: App) -> None:
    headers = {"Idempotency-Key": "race"}
    answers = await asyncio.gather(
        *(client.post("/v1/notifications", json=MAIL, headers=headers) for _ in range(50))
    )
    codes = {answer.status_code for answer in answers}
    assert codes <= {202, 409}
    assert len({a.json()["id"] for a in answers if a.status_code == 202}) == 1
    assert await count(app, "notifications") == 1


async def test_a_refused_request_is_not_remembered(client: httpx.AsyncClient) -> None:
    headers = {"Idempotency-Key": "retry"}
    bad = await client.post("/v1/notifications", json={**MAIL, "data": {}}, headers=headers)
    good = await client.post("/v1/notifications", json=MAIL, headers=headers)
    assert (bad.status_code, good.status_code) == (422, 202)


async def test_cancel_change_and_delete_by_state(client: httpx.AsyncClient) -> None:
    later = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
    made = (await client.post("/v1/notifications", json={**MAIL, "send_at": later})).json()
    assert made["state"] == "scheduled"
    path = f"/v1/notifications/{made['id']}"
    etag = (await client.get(path)).headers["etag"]
    patch = {"data": {"order": "B-2"}, "metadata": {"who": "me"}, "priority": "low"}
    changed = await client.patch(path, json=patch, headers={"If-Match": etag})
    assert changed.status_code == 200, changed.text
    assert changed.json()["content"]["email"]["subject"] == "Order B-2"
    assert changed.json()["priority"] == "low"
    stale = await client.patch(path, json=patch, headers={"If-Match": etag})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale")
    assert (await client.delete(path)).status_code == 409
    wrong = await client.patch(path, json={"data": {"order": None}})
    assert wrong.json()["errors"][0]["field"] == "data.order"
    for _ in range(2):
        cancelled = await client.post(f"{path}/cancel")
        assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert (await client.patch(path, json=patch)).status_code == 409
    again = await client.post(f"{path}/resend")
    assert again.status_code == 202
    assert (await client.get(again.headers["location"])).json()["resend_of"] == made["id"]
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


async def test_lists_filter_page_and_see_their_own_writes(client: httpx.AsyncClient) -> None:
    made = []
    for number in range(5):
        body = {**MAIL, "priority": "high" if number % 2 else "low",
                "recipient": {"email": f"r{number}@example.com"}}  # fmt: skip
        made.append((await client.post("/v1/notifications", json=body)).json()["id"])
    page = (await client.get("/v1/notifications", params={"limit": 3})).json()
    assert [item["id"] for item in page["items"]] == made[:1:-1]
    rest = await client.get("/v1/notifications", params={"cursor": page["next_cursor"]})
    assert [item["id"] for item in rest.json()["items"]] == made[1::-1]
    assert rest.json()["next_cursor"] is None
    filters: list[tuple[dict[str, Any], list[str]]] = [
        ({"priority": "high"}, [made[3], made[1]]),
        ({"priority": ["high", "low"], "limit": 1}, [made[4]]),
        ({"recipient": "R2@example.com"}, [made[2]]),
        ({"state": "sent"}, []),
        ({"channel": "email", "recipient": "r0@example.com"}, [made[0]]),
        ({"q": "r4@exa"}, [made[4]]),
        ({"created_before": "2020-01-01T00:00:00Z"}, []),
        ({"module": "default", "category": "transactional", "recipient": "r1@example.com"},
         [made[1]]),
    ]  # fmt: skip
    for params, wanted in filters:
        found = await client.get("/v1/notifications", params=params)
        assert [item["id"] for item in found.json()["items"]] == wanted, params
    for params in ({"state": "lost"}, {"limit": 0}, {"cursor": "§"}, {"limit": 201}):
        assert (await client.get("/v1/notifications", params=params)).status_code == 422


async def test_an_otp_without_temporal_is_refused_and_its_key_freed(
    client: httpx.AsyncClient, app: App
) -> None:
    headers = {"Idempotency-Key": "code"}
    body = {**MAIL, "category": "otp"}
    answer = await client.post("/v1/notifications", json=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/unavailable")
    async with app.db.leader() as conn:
        kept = await conn.execute(text("SELECT state, priority FROM notifications"))
        assert [tuple(row) for row in kept.all()] == [("failed", "high")]
    assert await count(app, "idempotency") == 0


async def test_marketing_to_one_needs_a_scope(client: httpx.AsyncClient, app: App) -> None:
    body = {**MAIL, "category": "marketing"}
    assert (await client.post("/v1/notifications", json=body)).status_code == 202
    key = (
        await client.post("/v1/keys", json={"name": "x", "scopes": ["notifications:write"]})
    ).json()["key"]
    async with a_client(app, key) as other:
        assert (await other.post("/v1/notifications", json=body)).status_code == 403


async def test_the_balance_holds_over_everything_asked(client: httpx.AsyncClient) -> None:
    for category in ("transactional", "bulk", "marketing", "otp"):
        await client.post("/v1/notifications", json={**MAIL, "category": category})
    summary = (await client.get("/v1/analytics/summary")).json()
    totals = summary["totals"]
    assert totals["asked"] == sum(n for field, n in totals.items() if field != "asked") == 4
    assert summary["classes"]["otp"]["failed"] == 1


async def test_an_expiry_moves_along_with_the_time_of_sending(client: httpx.AsyncClient) -> None:
    made = (await client.post("/v1/notifications", json=MAIL)).json()
    path = f"/v1/notifications/{made['id']}"
    span = _time(made["expires_at"]) - _time(made["created_at"])
    moved = (await client.patch(path, json={"send_at": "2040-01-31T09:00:00Z"})).json()
    assert abs(_time(moved["expires_at"]) - _time(moved["send_at"]) - span) < timedelta(seconds=5)
    kept = (await client.patch(path, json={"expires_at": "2040-02-01T00:00:00Z"})).json()
    assert (kept["send_at"], kept["expires_at"]) == (moved["send_at"], "2040-02-01T00:00:00.000Z")


async def test_changed_words_keep_the_chosen_channels(client: httpx.AsyncClient) -> None:
    words = {"email": {"subject": "Hi", "text": "T"}, "sms": {"text": "T"}}
    body = {**MAIL, "recipient": {"email": "a@example.com", "phone": "+14155550100"},
            "content": words, "channels": ["sms"], "send_at": "2040-01-31T09:00:00Z"}  # fmt: skip
    path = f"/v1/notifications/{(await client.post('/v1/notifications', json=body)).json()['id']}"
    changed = await client.patch(path, json={"content": {"sms": {"text": "New"}}})
    assert changed.json()["channels"] == ["sms"]
    added = await client.patch(path, json={"content": {"inapp": {"title": "New"}}})
    assert added.json()["channels"] == ["sms", "inapp"]
    less = await client.patch(path, json={"content": {"sms": None}})
    assert less.json()["channels"] == ["inapp"]


async def test_without_the_database_a_request_is_503_and_can_be_repeated(database: Any) -> None:
    settings = settings_for(database, database_url="postgresql://tocsin@127.0.0.1:9/nothing")
    app = open_app(settings)
    try:
        async with a_client(app, KEY) as client:
            refused = await client.post("/v1/notifications", json=MAIL)
        assert refused.status_code == 503
        assert refused.json()["type"] == "/problems/unavailable"
        assert refused.headers["retry-after"] == "2"
    finally:
        await close_app(app)


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
