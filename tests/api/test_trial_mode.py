"""Modules on trial: only the safelist is reached, or one address instead of all others."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from activities.planning import plan_fallbacks, plan_new
from domain.ids import encode
from domain.trial import Trial
from domain.vocabulary import Channel
from services.app import App
from tests.fixtures import rows
from tests.fixtures.api import Client, problem_fields
from tests.fixtures.heard import default_module

SAFE = "tester@example.com"


async def on_trial(client: Client, **given: Any) -> dict[str, Any]:
    usual = {"mode": "trial", "safelist": ["Tester@Example.com", "+1 415 555 0100"]}
    answer = await client.patch("/v1/modules/default", json={**usual, **given})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def deliveries(app: App, **given: Any) -> list[tuple[str, str, str, str]]:
    """(channel, address, state, reason) of the deliveries that planning makes."""
    usual: dict[str, Any] = {
        "module_id": await default_module(app), "channels": ["email", "sms"],
        "content": {"email": {"subject": "Hi", "text": "Hello"}, "sms": {"text": "Hello"}},
    }  # fmt: skip
    async with app.db.leader() as conn:
        row = await rows.accepted(conn, **{**usual, **given})
        await plan_new(conn, [row["id"]], row["workflow_id"])
        await plan_fallbacks(conn, [row["id"]])
        found = await conn.execute(
            text("""
                SELECT channel, address, state, reason FROM deliveries
                WHERE notification_id = :id ORDER BY channel
            """),
            {"id": row["id"]},
        )
        return [tuple(one) for one in found.all()]


async def test_a_new_module_is_on_trial_until_an_administrator_lets_it_live(
    client: Client,
) -> None:
    assert (await client.get("/v1/modules/default")).json()["mode"] == "live"
    made = (await client.post("/v1/modules", json={"key": "shop"})).json()
    assert (made["mode"], made["safelist"], made["redirect_to"]) == ("trial", [], {})
    live = (await client.post("/v1/modules", json={"key": "old", "mode": "live"})).json()
    assert live["mode"] == "live"
    keeper = await client.with_key("modules:write")
    assert (await keeper.post("/v1/modules", json={"key": "new"})).json()["mode"] == "trial"
    at_once = await keeper.post("/v1/modules", json={"key": "hasty", "mode": "live"})
    assert at_once.status_code == 403
    safe = await keeper.patch("/v1/modules/new", json={"safelist": [SAFE]})
    assert safe.json()["safelist"] == [SAFE]
    assert (await keeper.patch("/v1/modules/new", json={"mode": "live"})).status_code == 403
    assert (await keeper.patch("/v1/modules/old", json={"name": "Old"})).json()["mode"] == "live"
    assert (await client.patch("/v1/modules/new", json={"mode": "live"})).json()["mode"] == "live"


async def test_only_the_safelist_is_reached(client: Client) -> None:
    body = await on_trial(client)
    assert body["safelist"] == ["+14155550100", SAFE]
    app = client.app
    kept = await deliveries(app, recipient={"email": "sam@example.com"})
    assert kept == [("email", "sam@example.com", "suppressed", "trial_mode")]
    reached = await deliveries(app, recipient={"email": "TESTER@example.com"})
    assert reached[0][2:] == ("accepted", "")
    other = await deliveries(app, recipient={"email": "sam@example.com", "phone": "+14155550100"})
    assert [(one[0], one[2]) for one in other] == [("email", "suppressed"), ("sms", "accepted")]


async def test_what_was_kept_back_is_shown(client: Client) -> None:
    await on_trial(client)
    async with client.app.db.leader() as conn:
        row = await rows.accepted(conn, module_id=await default_module(client.app))
        await plan_new(conn, [row["id"]], row["workflow_id"])
    shown = (await client.get(f"/v1/notifications/{encode('ntf', row['id'])}")).json()
    assert (shown["state"], shown["reason"]) == ("suppressed", "trial_mode")
    kept = (await client.get("/v1/notifications?reason=trial_mode")).json()["items"]
    assert [one["id"] for one in kept] == [shown["id"]]
    assert (await client.get("/v1/notifications?reason=manual")).json()["items"] == []


async def test_all_goes_to_one_address_that_may_be_used(client: Client) -> None:
    await on_trial(client, redirect_to={"email": "Sink@Example.com"})
    app = client.app
    found = await deliveries(app, recipient={"email": "sam@example.com", "phone": "+14155550111"})
    assert found == [("email", "sink@example.com", "accepted", "")]
    assert (await deliveries(app, recipient={"email": SAFE}))[0][1] == SAFE
    suppressed = {"channel": "email", "address": "sink@example.com"}
    assert (await client.post("/v1/suppressions", json=suppressed)).status_code == 201
    found = await deliveries(app, recipient={"email": "sam@example.com"}, channels=["email"])
    assert found[0][2:] == ("suppressed", "manual")


async def test_a_live_module_reaches_everybody_again(client: Client) -> None:
    await on_trial(client, redirect_to={"email": "sink@example.com"})
    live = await client.patch("/v1/modules/default", json={"mode": "live"})
    assert live.json()["safelist"] == ["+14155550100", SAFE], "kept for the next trial"
    found = await deliveries(client.app, recipient={"email": "sam@example.com"})
    assert found == [("email", "sam@example.com", "accepted", "")]
    gone = await client.patch("/v1/modules/default", json={"redirect_to": {"email": None}})
    assert gone.json()["redirect_to"] == {}


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"mode": "test"}, "mode"),
        ({"mode": None}, "mode"),
        ({"safelist": [""]}, "safelist[0]"),
        ({"redirect_to": {"email": "nobody"}}, "redirect_to.email"),
        ({"redirect_to": {"push": "token"}}, "redirect_to.push"),
    ],
)
async def test_a_wrong_field_is_named(client: Client, given: dict[str, Any], field: str) -> None:
    answer = await client.patch("/v1/modules/default", json=given)
    assert answer.status_code == 422
    assert problem_fields(answer)[0].startswith(field)


async def test_only_administrators_end_a_trial(client: Client) -> None:
    narrow = await client.with_key("notifications:write", "modules:read")
    answer = await narrow.patch("/v1/modules/default", json={"mode": "live"})
    assert answer.status_code == 403
    await on_trial(client)
    stale = await client.patch(
        "/v1/modules/default", json={"mode": "live"}, headers={"If-Match": '"1"'}
    )
    assert stale.status_code == 412


@given(
    st.frozensets(st.sampled_from(["a@example.com", "+1", "b@example.com"])),
    st.dictionaries(st.sampled_from(["email", "sms"]), st.just("sink@example.com")),
    st.sampled_from(list(Channel)),
    st.sampled_from(["a@example.com", "+1", "c@example.com"]),
)
def test_nobody_else_is_ever_reached(
    safelist: frozenset[str], redirect: dict[str, str], channel: Channel, address: str
) -> None:
    route = Trial(safelist, redirect).route(channel, address)
    assert route is None or route in safelist or route in redirect.values()
    assert (route == address) == (address in safelist)
