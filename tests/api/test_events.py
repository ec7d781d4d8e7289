"""/v1/events and /v1/triggers: each event once, what it starts, and what it cancels."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fixtures.api import Client, problem_fields

SHIPPED: dict[str, Any] = {
    "name": "shipped",
    "event_type": "order.shipped",
    "filter": {"data.country": ["FR", "BE"]},
    "notification": {
        "recipient": {"email": "{{ event.data.customer.email }}", "name": "{{ event.data.by }}!"},
        "content": {"email": {"subject": "Order {{ event.data.order }}", "text": "{{ said }}"}},
        "data": {"said": "From {{ event.source }}", "lines": "{{ event.data.lines }}"},
    },
}
REMINDER: dict[str, Any] = {
    "name": "reminder",
    "event_type": "cart.left",
    "notification": {
        "recipient": {"email": "{{ event.data.email }}"},
        "content": {"email": {"subject": "Still there", "text": "Your cart waits."}},
    },
    "delay_seconds": 3600,
    "cancel_on": {"type": "cart.paid", "match": {"data.id": "data.cart"}},
}


def an_event(type: str, id: str, data: Any = None, **more: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": id, "source": "/shop", "type": type, "data": data, **more}


def shipped(id: str, **data: Any) -> dict[str, Any]:
    usual = {
        "country": "FR", "order": "A-1", "customer": {"email": "sam@example.com"}, "by": "Sam",
        "lines": [1, 2],
    }  # fmt: skip
    return an_event("order.shipped", id, {**usual, **data})


async def listen(client: Client, trigger: dict[str, Any], **change: Any) -> str:
    answer = await client.post("/v1/triggers", json={**trigger, **change})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def tell(client: Client, event: Any, **headers: str) -> dict[str, Any]:
    answer = await client.post("/v1/events", json=event, headers=headers)
    assert answer.status_code == 202, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_an_event_starts_what_listens_once(client: Client) -> None:
    await listen(client, SHIPPED)
    answers = await asyncio.gather(
        *(client.post("/v1/events", json=shipped("e1")) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} == {202}
    assert all(answer.json() == answers[0].json() for answer in answers)
    assert sum("idempotency-replay" in answer.headers for answer in answers) == 4
    [one] = answers[0].json()["notifications"]
    assert len((await client.get("/v1/notifications")).json()["items"]) == 1
    found = (await client.get(f"/v1/notifications/{one['id']}")).json()
    assert found["content"]["email"]["subject"] == "Order A-1"
    assert found["content"]["email"]["text"] == "From /shop"
    assert found["metadata"] == {"trigger": "shipped", "event": "e1"}
    source = (await client.get(f"/v1/notifications?recipient={'sam@example.com'}")).json()["items"]
    assert [item["id"] for item in source] == [one["id"]]
    other_source = {**shipped("e1"), "source": "/elsewhere"}
    assert len((await tell(client, other_source))["notifications"]) == 1


async def test_what_nothing_listens_to_is_counted(client: Client) -> None:
    await listen(client, SHIPPED)
    nothing: dict[str, Any] = {"notifications": [], "cancelled": [], "refused": []}
    assert await tell(client, an_event("moon.rose", "e1")) == nothing
    assert await tell(client, shipped("e2", country="DE")) == nothing
    await tell(client, shipped("e3"))
    counted = (await client.get("/v1/events")).json()["items"]
    assert [(one["type"], one["events"], one["started"], one["listened"]) for one in counted] == [
        ("order.shipped", 2, 1, True), ("moon.rose", 1, 0, False),
    ]  # fmt: skip


async def test_an_event_cancels_what_waits_for_it(client: Client) -> None:
    id = await listen(client, REMINDER)
    left = an_event("cart.left", "l1", {"cart": 7, "email": "sam@example.com"})
    before = datetime.now(UTC)
    [one] = (await tell(client, left))["notifications"]
    assert one["state"] == "scheduled"
    send_at = datetime.fromisoformat(one["send_at"])
    assert send_at >= before + timedelta(seconds=3599)
    assert (await tell(client, an_event("cart.paid", "p1", {"id": 8})))["cancelled"] == []
    await client.patch(f"/v1/triggers/{id}", json={"enabled": False})
    paid = await asyncio.gather(
        *(tell(client, an_event("cart.paid", f"p{n}", {"id": 7.0})) for n in range(2, 6))
    )
    assert sorted(told["cancelled"] for told in paid) == [[], [], [], [one["id"]]]
    found = (await client.get(f"/v1/notifications/{one['id']}")).json()
    assert found["state"] == "cancelled"
    left = an_event("cart.left", "l2", {"cart": 7, "email": "sam@example.com"})
    assert (await tell(client, left))["notifications"] == []


async def test_start_and_end_at_once_leave_nothing_half_done(client: Client) -> None:
    await listen(client, REMINDER)
    for n in range(4):
        left = an_event("cart.left", f"l{n}", {"cart": n, "email": "sam@example.com"})
        begun, ended = await asyncio.gather(
            tell(client, left), tell(client, an_event("cart.paid", f"p{n}", {"id": n}))
        )
        [one] = begun["notifications"]
        found = (await client.get(f"/v1/notifications/{one['id']}")).json()
        assert (found["state"] == "cancelled") == (ended["cancelled"] == [one["id"]])


async def test_binary_and_batches(client: Client) -> None:
    await listen(client, SHIPPED)
    headers = {
        "ce-specversion": "1.0", "ce-id": "b1", "ce-source": "/shop%20a",
        "ce-type": "order.shipped", "ce-tenant": "x", "Content-Type": "application/json",
    }  # fmt: skip
    told = await client.post("/v1/events", json=shipped("")["data"], headers=headers)
    assert told.status_code == 202, told.text
    [one] = told.json()["notifications"]
    found = (await client.get(f"/v1/notifications/{one['id']}")).json()
    assert found["content"]["email"]["text"] == "From /shop a"
    batch = [shipped("c1"), {"id": "c2"}, shipped("c1"), shipped("c3", customer={})]
    answer = await client.post(
        "/v1/events", json=batch, headers={"Content-Type": "application/cloudevents-batch+json"}
    )
    first, wrong, again, refused = answer.json()["items"]
    assert (first["repeated"], again["repeated"]) == (False, True)
    assert first["notifications"] == again["notifications"]
    assert "[1].type" in [one["field"] for one in wrong["error"]["errors"]]
    [refusal] = refused["refused"]
    assert refusal["error"]["errors"][0]["field"] == "notification.recipient.email"
    assert (refused["notifications"], refusal["trigger"]) == ([], "shipped")
    plain = {**headers, "ce-id": "b2", "ce-type": "note", "Content-Type": "text/plain"}
    assert (await client.post("/v1/events", content=b"\xff", headers=plain)).status_code == 202


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"specversion": "0.3"}, "specversion"),
    ({"id": ""}, "id"),
    ({"source": None}, "source"),
    ({"time": "yesterday"}, "time"),
    ({"Bad-Name": 1}, "Bad-Name"),
    ({"extension": {"a": 1}}, "extension"),
]
WRONG_TRIGGERS: list[tuple[dict[str, Any], str]] = [
    ({"filter": {"a b": 1}}, "filter.a b"),
    ({"filter": {"data.x": {"y": 1}}}, "filter.data.x.bool"),
    ({"delay_seconds": -1}, "delay_seconds"),
    ({"cancel_on": {"type": "x", "match": []}}, "cancel_on.match"),
    ({"notification": {"recipient": {"email": "a@example.com"}}}, "notification.content"),
    ({"notification": {**SHIPPED["notification"], "recipient": 1}}, "notification.recipient"),
    ({"notification": {**SHIPPED["notification"], "recipient": {"email": "{{ event."}}},
     "notification.recipient.email"),
    ({"notification": {**SHIPPED["notification"], "data": {"event": 1}}},
     "notification.data.event"),
    ({"notification": {**SHIPPED["notification"], "send_at": "2031-01-01T00:00:00Z"}},
     "notification.send_at"),
    ({"notification": {**SHIPPED["notification"], "category": "otp"}}, "notification.category"),
    ({"notification": {"recipient": "{{ event.data.who }}", "template": "none"}},
     "notification.template"),
]  # fmt: skip


async def test_what_is_wrong_is_named(client: Client) -> None:
    for change, field in WRONG:
        answer = await client.post("/v1/events", json={**shipped("w"), **change})
        assert answer.status_code == 422, (change, answer.text)
        assert field in problem_fields(answer), change
    for change, field in WRONG_TRIGGERS:
        answer = await client.post("/v1/triggers", json={**SHIPPED, **change})
        assert answer.status_code == 422, (change, answer.text)
        assert field in problem_fields(answer), change
    assert (await client.post("/v1/events", json=[])).status_code == 422
    assert (await client.post("/v1/events", content=b"{")).status_code == 400


async def test_triggers_are_kept_by_those_who_may(client: Client) -> None:
    id = await listen(client, SHIPPED)
    assert (await client.post("/v1/triggers", json=SHIPPED)).status_code == 409
    path = f"/v1/triggers/{id}"
    told = (await client.patch(path, json={"filter": {"data.order": "A-1"}})).json()
    assert told["filter"] == {"data.country": ["FR", "BE"], "data.order": "A-1"}
    stale = await client.patch(path, json={"enabled": False}, headers={"If-Match": '"1"'})
    assert stale.status_code == 412
    poster = await client.with_key("events:write")
    assert len((await poster.post("/v1/events", json=shipped("x"))).json()["notifications"]) == 1
    assert (await poster.get("/v1/triggers")).status_code == 403
    other = await client.with_key("*", module="other")
    assert (await other.get(path)).status_code == 404
    unheard = await other.post("/v1/events", json=shipped("x"))
    assert unheard.json()["notifications"] == []
    narrow = await client.with_key("triggers:write", "notifications:write")
    marketing = {**SHIPPED["notification"], "category": "marketing"}
    refused = await narrow.post(
        "/v1/triggers", json={**SHIPPED, "name": "b", "notification": marketing}
    )
    assert refused.status_code == 403
    assert [one["id"] for one in (await client.get("/v1/triggers")).json()["items"]] == [id]
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("data", [{"customer": {"email": "{{ 7 * 7 }}@example.com"}}])
async def test_values_of_events_are_no_templates(client: Client, data: Any) -> None:
    await listen(client, SHIPPED)
    told = await tell(client, shipped("e1", **data))
    assert told["notifications"] == []
    assert "e-mail" in told["refused"][0]["error"]["errors"][0]["message"]
