"""Campaigns of schedules: one at each time, by a standing approval within its bounds or waiting."""

import asyncio
from datetime import timedelta
from functools import partial
from typing import Any

from httpx import AsyncClient
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from activities.campaign_resolving import CampaignResolving
from domain.ids import decode, encode
from domain.orders import CampaignOrder
from services import schedule_firing
from services.campaign_audiences import freeze
from tests.fixtures.api import Client, a_client, problem_fields
from tests.fixtures.campaigns import WORDS, Campaign, listed
from tests.services.test_approval_waiting import look

UNTIL = "2090-01-01T00:00:00Z"


async def a_person(client: Client, role: str) -> AsyncClient:
    """Return a client with the key of a new user."""
    made = await client.post(
        "/v1/users", json={"name": role.title(), "email": f"{role}@example.com", "role": role}
    )
    key = await client.post(
        "/v1/keys", json={"name": role, "scopes": ["*"], "user": made.json()["id"]}
    )
    assert key.status_code == 201, key.text
    return a_client(client.app, key.json()["key"])


async def a_schedule(
    author: AsyncClient, client: Client, **given: Any
) -> tuple[str, dict[str, Any]]:
    made = await client.post("/v1/audiences", json={"name": "them", **listed(3)})
    news = {"name": "News", "audience": made.json()["id"], "content": WORDS, **given}
    body = {"name": "news", "every": {"hours": 1}, "action": {"campaign": news}}
    answer = await author.post("/v1/schedules", json=body)
    assert answer.status_code == 201, answer.text
    place = f"/v1/schedules/{answer.json()['id']}"
    return place, (await author.get(place)).json()


async def fire(client: Client, place: str) -> Campaign:
    """Let a time come, fire whatever is due as often as anybody may, and resolve what it made."""
    id = decode("sch", place.rpartition("/")[2])
    await asyncio.sleep(1)  # or it were the same second, and so the same time
    async with client.app.db.leader() as conn:
        await conn.execute(
            text("""
                UPDATE schedules SET settled_at = clock_timestamp() - interval '1 second',
                    anchor_at = date_trunc('second', clock_timestamp()) - interval '1 hour',
                    next_at = clock_timestamp() WHERE id = :id
            """),
            {"id": id},
        )
    fired = await asyncio.gather(*(schedule_firing.fire(client.app, id) for _ in range(3)))
    assert sum(fired) == 1
    made = (await client.get(place)).json()["last"]["campaign"]
    campaign = Campaign(client.app, decode("cmp", made))
    await resolved(campaign)
    return campaign


async def resolved(campaign: Campaign) -> None:
    row, app = await campaign.row(), campaign.app
    order = CampaignOrder(encode("cmp", campaign.id), row.run, "low")
    await ActivityEnvironment().run(
        CampaignResolving(app.db, partial(freeze, app), 1.0).resolve, order
    )


async def opens(campaign: Campaign, *, in_hours: int) -> None:
    """Let the window of a campaign open so much later than now, and last for two hours."""
    async with campaign.app.db.leader() as conn:
        await conn.execute(
            text("""
                UPDATE campaigns SET start_at = now() + make_interval(hours => :n),
                    end_at = now() + make_interval(hours => :ends) WHERE id = :id
            """),
            {"n": in_hours, "ends": in_hours + 2, "id": campaign.id},
        )


async def state(campaign: Campaign) -> str:
    return (await look(campaign)).state


async def test_a_run_within_bounds_goes_and_any_other_waits(client: Client) -> None:
    author, approver = await a_person(client, "operator"), await a_person(client, "approver")
    place, it = await a_schedule(author, client)
    assert (it["standing"], it["overlap"], len(it["hash"])) == ([], "allow_all", 64)
    first = await fire(client, place)
    assert await state(first) == "awaiting_approval"
    asked = {"hash": it["hash"], "largest": 3, "until": UNTIL, "reason": "Looks right."}
    refused = [
        await author.post(f"{place}/approve", json=asked),
        await client.post(f"{place}/approve", json=asked),
        await approver.post(f"{place}/approve", json={**asked, "hash": "0" * 64}),
        await approver.post(f"{place}/approve", json={**asked, "until": "2020-01-01T00:00:00Z"}),
        await approver.post(f"{place}/revoke", json={"reason": "No."}),
    ]
    assert [one.status_code for one in refused] == [403, 403, 409, 422, 409]
    given = await approver.post(f"{place}/approve", json=asked)
    assert given.status_code == 200, given.text
    [standing] = given.json()["standing"]
    assert (standing["counts"], standing["name"], standing["largest"]) == (True, "Approver", 3)
    assert standing["until"] == "2090-01-01T00:00:00.000Z"

    assert await state(first) == "sending", "what waits already is covered, too"
    second = await fire(client, place)
    assert await state(second) == "sending"
    row = await second.row()
    assert row.name.startswith("News 20")
    assert row.definition["metadata"]["schedule"] == it["id"]
    told = (await client.get(f"/v1/campaigns/{encode('cmp', second.id)}")).json()
    assert (told["approvals"], told["schedule"]) == ([], it["id"])

    wider = await client.get("/v1/audiences")
    audience = wider.json()["items"][0]["id"]
    await client.patch(f"/v1/audiences/{audience}", json=listed(4))
    void = (await client.get(place)).json()
    assert void["hash"] != it["hash"]
    assert [(one["counts"], one["why"][:15]) for one in void["standing"]] == [
        (False, "it is of other ")
    ]
    again = {**asked, "hash": void["hash"]}
    assert (await approver.post(f"{place}/approve", json=again)).status_code == 200
    third = await fire(client, place)
    assert await state(third) == "awaiting_approval", "four are more than three"
    by_hand = {"hash": (await third.row()).hash}
    answer = await approver.post(f"/v1/campaigns/{encode('cmp', third.id)}/approve", json=by_hand)
    assert answer.json()["state"] == "approved", answer.text
    bigger = await approver.post(f"{place}/approve", json={**again, "largest": 4})
    assert bigger.status_code == 200, bigger.text
    assert await state(await fire(client, place)) == "sending"


async def test_a_change_a_revocation_and_a_resubmission_need_an_approval(client: Client) -> None:
    author, approver = await a_person(client, "operator"), await a_person(client, "approver")
    place, it = await a_schedule(author, client, window={"lasts_seconds": 7200})
    asked = {"hash": it["hash"], "largest": 9, "until": UNTIL}
    assert (await approver.post(f"{place}/approve", json=asked)).status_code == 200

    edited = await fire(client, place)
    row = await edited.row()
    assert row.end_at - row.start_at == timedelta(hours=2)
    name = f"/v1/campaigns/{encode('cmp', edited.id)}"
    assert (await author.patch(name, json={"name": "Other"})).status_code == 200
    assert (await author.post(f"{name}/submit")).status_code == 202
    await resolved(edited)
    assert await state(edited) == "awaiting_approval"

    later = await author.patch(place, json={"jitter_seconds": 86_400})
    assert later.status_code == 200
    assert (await author.get(place)).json()["hash"] == it["hash"], "when is no part of it"
    planned = await fire(client, place)
    await opens(planned, in_hours=1)
    assert await state(planned) == "approved"
    gone = await approver.post(f"{place}/revoke", json={"reason": "Not any more."})
    assert gone.status_code == 200, gone.text
    assert [(one["decision"], one["counts"], one["why"]) for one in gone.json()["standing"]] == [
        ("revoke", False, None), ("approve", False, "it was revoked"),
    ]  # fmt: skip
    await opens(planned, in_hours=0)
    assert await state(planned) == "awaiting_approval"
    assert await state(planned) == "awaiting_approval"
    assert "it was revoked" in (await planned.row()).problem["detail"]
    await author.patch(place, json={"jitter_seconds": 0})
    assert await state(await fire(client, place)) == "awaiting_approval"

    anew = await approver.post(f"{place}/approve", json=asked)
    assert anew.json()["standing"][0]["counts"]
    other = {"campaign": {"content": {"email": {"subject": "Else", "text": "Other words"}}}}
    changed = await author.patch(place, json={"action": other})
    assert changed.status_code == 200, changed.text
    assert (await author.get(place)).json()["hash"] != it["hash"]
    assert await state(await fire(client, place)) == "awaiting_approval"
    async with client.app.db.leader() as conn:
        lines = await conn.execute(
            text("SELECT action FROM audit WHERE subject = :s AND action LIKE 'approval.%'"
                 " ORDER BY id"),
            {"s": it["id"]},
        )  # fmt: skip
        assert list(lines.scalars()) == ["approval.given", "approval.revoked", "approval.given"]


async def test_what_cannot_be_a_campaign_is_refused_by_its_field(client: Client) -> None:
    made = await client.post("/v1/audiences", json={"name": "them", **listed(1)})
    news = {"name": "News", "audience": made.json()["id"], "content": WORDS}
    for change, field in (
        ({"audience": "aud_nobody"}, "action.campaign.audience"),
        ({"window": {"end_at": UNTIL}}, "action.campaign.window.end_at"),
        ({"window": {"lasts_seconds": 5}}, "action.campaign.window.lasts_seconds"),
        ({"category": "otp"}, "action.campaign.category"),
        ({"colour": "red"}, "action.campaign.colour"),
    ):
        body = {"name": "n", "cron": "@daily", "action": {"campaign": {**news, **change}}}
        answer = await client.post("/v1/schedules", json=body)
        assert (answer.status_code, problem_fields(answer)) == (422, [field])
    body = {"name": "n", "cron": "@daily", "action": {"report": {}}}
    answer = await client.post("/v1/schedules", json=body)
    assert (answer.status_code, problem_fields(answer)) == (422, ["action.report"])
    narrow = await client.with_key("schedules:write", "notifications:write")
    body["action"] = {"campaign": news}
    assert (await narrow.post("/v1/schedules", json=body)).status_code == 403
    plain = {"recipient": {"email": "sam@example.com"}, "content": WORDS, "data": {"who": "you"}}
    body["action"] = {"notification": plain}
    place = (await client.post("/v1/schedules", json=body)).headers["location"]
    approver = await a_person(client, "approver")
    answer = await approver.post(
        f"{place}/approve", json={"hash": "x", "largest": 1, "until": UNTIL}
    )
    assert answer.status_code == 409
