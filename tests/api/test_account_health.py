"""How accounts do by API: in the order of routing, with the last hour and late receipts."""

from typing import Any

from sqlalchemy import text

from domain.vocabulary import State
from stores import slow_receipts
from tests.fixtures.accounts import counted, made, put_circuit
from tests.fixtures.api import Client
from tests.fixtures.rows import sending, settled
from tests.guards.test_access import document


async def healths(client: Client, **params: Any) -> list[dict[str, Any]]:
    answer = await client.get("/v1/accounts/health", params=params)
    assert answer.status_code == 200, answer.text
    assert answer.json()["next_cursor"] is None
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def sent_over(client: Client, name: str, *, receipt_after: int | None) -> None:
    """Have a message sent over an account two minutes ago, with a receipt so many seconds later."""
    async with client.app.db.leader() as conn:
        module = (await conn.execute(text("SELECT id FROM modules"))).scalar_one()
        _, delivery, attempt = await sending(conn, module_id=module)
        await settled(conn, delivery, attempt, State.SENT)
        await conn.execute(
            text("""
                UPDATE deliveries SET attempted_at = now() - interval '2 minutes',
                    account_id = (SELECT id FROM accounts WHERE name = :name) WHERE id = :id
            """),
            {"id": delivery, "name": name},
        )
        if receipt_after is not None:
            await conn.execute(
                text("""
                    INSERT INTO receipts (attempt_id, kind, event_key, delivery_id, at, received_at,
                        raw) SELECT :attempt, 'delivered', 'e', id, now(),
                            attempted_at + make_interval(secs => :after), '{}'
                        FROM deliveries WHERE id = :id
                """),
                {"attempt": attempt, "id": delivery, "after": receipt_after},
            )


async def test_those_in_use_come_first_then_the_cheapest_then_the_heaviest(client: Client) -> None:
    rules: dict[str, dict[str, Any]] = {
        "dear": {"cost": 2.0}, "cheap": {"cost": 1.0}, "heavy": {"cost": 1.0, "weight": 9},
        "open": {"cost": 0.5}, "throttled": {"cost": 0.5}, "paused": {"enabled": False},
    }  # fmt: skip
    for name, given in rules.items():
        await made(client, name=name, **given)
    await put_circuit(client.app, "open", circuit="open", reason="9 of the last 10 failed")
    await put_circuit(client.app, "throttled", slowed_seconds=60, pace=0.5)
    found = {one["name"]: one for one in await healths(client, channel="sms")}
    found.pop("sms sandbox")
    assert list(found) == ["heavy", "cheap", "dear", "paused", "open", "throttled"]
    assert {name for name, one in found.items() if one["in_use"]} == {"heavy", "cheap", "dear"}
    assert (found["open"]["state"], found["open"]["reason"]) == ("open", "9 of the last 10 failed")
    assert found["paused"]["state"] == "paused"
    assert (found["throttled"]["state"], found["throttled"]["pace"]) == ("closed", 0.5)
    assert found["throttled"]["slowed_until"] is not None


async def test_channels_come_in_their_order(client: Client) -> None:
    found = [one["channel"] for one in await healths(client)]
    assert found == ["email", "sms", "push", "webpush", "whatsapp", "telegram", "inapp"]


async def test_an_account_whose_settings_cannot_be_opened_is_not_in_use(client: Client) -> None:
    account = await made(client)
    async with client.app.db.leader() as conn:
        await conn.execute(text("UPDATE accounts SET settings = 'x' WHERE name = 'texts'"))
    found = (await client.get(f"/v1/accounts/{account['id']}/health")).json()
    assert not found["in_use"]
    assert "cannot be opened" in found["settings_problem"]


async def test_health_tells_the_last_hour(client: Client) -> None:
    account = await made(client)
    await counted(client.app, "texts", accepted=9, transient=1, latencies=[0, 8, 0, 0, 2])
    await counted(client.app, "texts", ago="61 minutes", accepted=1)
    told = (await client.get(f"/v1/accounts/{account['id']}/health")).json()
    hour = told["last_hour"]
    assert (told["state"], hour["total"], hour["error_share"]) == ("closed", 10, 0.1)
    assert hour["latency_ms"] == {"p50": 50, "p95": 500, "p99": 500}
    assert [one["accepted"] for one in told["minutes"]] == [9]
    [listed] = [one for one in await healths(client, channel="sms") if one["name"] == "texts"]
    assert listed["last_hour"] == hour


async def test_late_receipts_are_counted_for_those_who_have_the_rule(client: Client) -> None:
    account = await made(client, slow_seconds=60, slow_share=0.5)
    path = f"/v1/accounts/{account['id']}/health"
    none = {"total": 0, "slow": 0, "share": 0.0}
    assert (await client.get(path)).json()["slow_receipts"] == none
    for after in (5, 59, 90, None):
        await sent_over(client, "texts", receipt_after=after)
    async with client.app.db.leader() as conn:
        found_id = await conn.execute(text("SELECT id FROM accounts WHERE name = 'texts'"))
        known = found_id.scalar_one()
        assert await slow_receipts.count(conn, [known], window=600) == {known: (4, 2)}
        assert await slow_receipts.find_too_many(conn, window=600, least=4) == {}, "just added"
        await conn.execute(text("UPDATE account_states SET changed_at = now() - interval '1 h'"))
        assert await slow_receipts.find_too_many(conn, window=600, least=5) == {}
        assert await slow_receipts.find_too_many(conn, window=600, least=4) == {
            known: "2 of 4 receipts took longer than 60 s"
        }
    [mail] = await healths(client, channel="email")
    assert mail["slow_receipts"] is None


async def test_a_reader_may_look_and_others_not(client: Client) -> None:
    reader = await client.with_key("accounts:read", module="other")
    assert (await reader.get("/v1/accounts/health")).status_code == 200
    nobody = await client.with_key("notifications:write")
    assert (await nobody.get("/v1/accounts/health")).status_code == 403


async def test_the_description_shows_what_is_answered(client: Client) -> None:
    account = await made(client, slow_seconds=60, slow_share=0.5, countries=["US"], per_second=5)
    await counted(client.app, "texts", accepted=1, latencies=[1])
    await put_circuit(client.app, "texts", circuit="open")
    one = (await client.get(f"/v1/accounts/{account['id']}/health")).json()
    assert shape(example("/v1/accounts/{id}/health")) == shape(one)
    [listed] = [one for one in await healths(client, channel="sms") if one["name"] == "texts"]
    assert shape(example("/v1/accounts/health")) == shape({"items": [listed]})


def example(path: str) -> Any:
    """Return the answer that the API's description shows."""
    answers = document()["paths"][path]["get"]["responses"]
    return answers["200"]["content"]["application/json"]["example"]


def shape(document: Any) -> Any:
    """Return the names of a document, and of the first one of each list in it; nulls left out."""
    if isinstance(document, dict):
        return {name: shape(value) for name, value in document.items() if value is not None}
    return [shape(one) for one in document[:1]] if isinstance(document, list) else True
