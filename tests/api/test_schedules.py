"""/v1/schedules: what is asked for, what is refused, and that each time fires once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from domain.ids import decode
from services import schedule_firing
from tests.fixtures.api import Client, problem_fields
from workers.scheduling import Scheduling

REMINDER = {
    "recipient": {"email": "sam@example.com"},
    "content": {"email": {"subject": "Hi", "text": "Hello"}},
}


def a_schedule(**given: Any) -> dict[str, Any]:
    body = {"name": "hello", "action": {"notification": REMINDER}, **given}
    if not {"every", "cron", "calendar", "at"} & set(body):
        body["every"] = {"minutes": 1}
    return body


async def made(client: Client, **given: Any) -> str:
    answer = await client.post("/v1/schedules", json=a_schedule(**given))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def wind_back(client: Client, id: str, *, to: timedelta) -> None:
    """Let a schedule be as it would be if nobody had looked at it for so long."""
    async with client.app.db.leader() as conn:
        await conn.execute(
            text("""
                UPDATE schedules SET settled_at = clock_timestamp() - CAST(:to AS interval),
                    anchor_at = date_trunc('second', clock_timestamp() - CAST(:to AS interval)),
                    next_at = clock_timestamp() - CAST(:to AS interval),
                    created_at = created_at - interval '40 days'
                WHERE id = :id
            """),
            {"id": decode("sch", id), "to": to},
        )


async def notifications(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/v1/notifications")).json()["items"]
    return found


async def fire(client: Client, id: str) -> int:
    return await schedule_firing.fire(client.app, decode("sch", id))


async def test_it_is_kept_listed_changed_and_removed(client: Client) -> None:
    id = await made(client, cron="30 2 * * *", timezone="Europe/Paris", skip=["2030-12-25"])
    found = (await client.get(f"/v1/schedules/{id}")).json()
    assert (found["state"], found["overlap"], found["version"]) == ("active", "allow_all", 1)
    assert (found["last"], found["missed"]) == (None, {"times": 0, "recent": []})
    assert (await client.get("/v1/schedules/hello")).json()["id"] == id
    assert [one["id"] for one in (await client.get("/v1/schedules")).json()["items"]] == [id]
    nexts = (await client.get(f"/v1/schedules/{id}/next")).json()["items"]
    assert len(nexts) == 10
    assert nexts[0] == found["next"]
    assert (await client.get(f"/v1/schedules/{id}/next?limit=3")).json()["items"] == nexts[:3]
    changed = await client.patch(
        f"/v1/schedules/{id}",
        json={"every": {"days": 2}, "start_at": "2030-01-31T09:00:00Z", "timezone": None},
        headers={"If-Match": '"1"'},
    )
    told = changed.json()
    assert changed.status_code == 200, changed.text
    assert (told["cron"], told["every"], told["timezone"]) == (None, {"days": 2}, "UTC")
    assert told["next"] == "2030-01-31T09:00:00.000Z"
    assert (await client.patch(f"/v1/schedules/{id}", json={}, headers={"If-Match": '"1"'})
            ).status_code == 412  # fmt: skip
    assert (await client.post("/v1/schedules", json=a_schedule())).status_code == 409
    assert (await client.delete(f"/v1/schedules/{id}")).status_code == 204
    assert (await client.get(f"/v1/schedules/{id}")).status_code == 404
    await made(client)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"cron": "0 0 30 2 *"}, "cron"),
    ({"cron": "61 * * * *"}, "cron"),
    ({"calendar": {"month": 2, "day": 30}}, "calendar"),
    ({"calendar": {"hour": 25}}, "calendar[0].hour"),
    ({"every": {}}, "every"),
    ({"every": {"months": 1, "days": 2}}, "every.months"),
    ({"every": {"seconds": 0}}, "every.seconds"),
    ({"every": {"days": 1}, "cron": "0 0 * * *"}, "cron"),
    ({"at": "2020-01-01T00:00:00Z"}, "at"),
    ({"at": "2031-01-01T00:00:00Z", "start_at": "2032-01-01T00:00:00Z"}, "at"),
    ({"at": "2031-01-01T00:00:00Z", "skip": ["2031-01-01"]}, "skip"),
    ({"start_at": "2031-01-01T00:00:00Z", "end_at": "2030-01-01T00:00:00Z"}, "end_at"),
    ({"cron": "0 0 29 2 *", "end_at": "2027-12-01T00:00:00Z"}, "end_at"),
    ({"timezone": "Europe/Nowhere"}, "timezone"),
    ({"catchup_seconds": 1}, "catchup_seconds"),
    ({"jitter_seconds": -1}, "jitter_seconds"),
    ({"overlap": "maybe"}, "overlap"),
    ({"nmae": "x"}, "nmae"),
    ({"action": {}}, "action"),
    ({"action": {"campaign": {"name": "x"}}}, "action.campaign.audience"),
    ({"action": {"report": {}}}, "action.report"),
    ({"action": {"notification": {**REMINDER, "recipient": {"email": "x"}}}},
     "action.notification.recipient.email"),
    ({"action": {"notification": {**REMINDER, "send_at": "2031-01-01T00:00:00Z"}}},
     "action.notification.send_at"),
    ({"action": {"notification": {**REMINDER, "category": "otp"}}},
     "action.notification.category"),
    ({"action": {"notification": {"recipient": REMINDER["recipient"], "template": "none"}}},
     "action.notification.template"),
]  # fmt: skip


async def test_what_is_wrong_is_named(client: Client) -> None:
    for given, field in WRONG:
        answer = await client.post("/v1/schedules", json=a_schedule(**given))
        assert answer.status_code == 422, (given, answer.text)
        assert field in problem_fields(answer), given


async def test_each_time_fires_once_whoever_looks(client: Client) -> None:
    id = await made(client)
    await wind_back(client, id, to=timedelta(minutes=3, seconds=30))
    fired = await asyncio.gather(*(fire(client, id) for _ in range(4)))
    assert sorted(fired) == [0, 0, 0, 3]
    assert await Scheduling(client.app).fire_overdue() == 0
    asked = await notifications(client)
    assert len(asked) == 3
    found = (await client.get(f"/v1/schedules/{id}")).json()
    assert {one["notification"] for one in found["recent"]} == {one["id"] for one in asked}
    assert [one["state"] for one in found["recent"]] == ["fired"] * 3
    told = (await client.get(f"/v1/notifications/{found['last']['notification']}")).json()
    assert told["metadata"] == {"schedule": id, "scheduled_at": found["last"]["at"]}


async def test_the_sweep_fires_what_temporal_did_not(client: Client) -> None:
    id = await made(client)
    assert await Scheduling(client.app).fire_overdue() == 0
    await wind_back(client, id, to=timedelta(minutes=1, seconds=10))
    assert await Scheduling(client.app).fire_overdue() == 1
    assert len(await notifications(client)) == 1


async def test_what_is_too_late_is_missed_and_told(client: Client) -> None:
    id = await made(client, catchup_seconds=120)
    await wind_back(client, id, to=timedelta(hours=1, seconds=30))
    assert await fire(client, id) == 2
    missed = (await client.get(f"/v1/schedules/{id}")).json()["missed"]
    assert missed["times"] == 58
    assert missed["recent"][0]["reason"] == "missed"
    assert missed["recent"][0]["from"] < missed["recent"][0]["to"]
    span = {
        "start_at": missed["recent"][0]["from"],
        "end_at": (datetime.now(UTC) - timedelta(minutes=55)).isoformat(),
    }
    path = f"/v1/schedules/{id}/backfill"
    made_up = await client.post(path, json=span)
    assert made_up.status_code == 202, made_up.text
    again = (await client.post(path, json=span)).json()
    fired = made_up.json()["fired"]
    assert fired in (4, 5)
    assert again == {"fired": 0, "already": fired, "failed": 0}
    assert len(await notifications(client)) == 2 + fired
    for wrong, field in (({"end_at": "2031-01-01T00:00:00Z"}, "end_at"),
                         ({"start_at": "2020-01-01T00:00:00Z"}, "start_at")):  # fmt: skip
        assert problem_fields(await client.post(path, json={**span, **wrong})) == [field]


async def test_a_paused_one_rests(client: Client) -> None:
    id = await made(client)
    paused = (await client.post(f"/v1/schedules/{id}/pause", json={"note": "holidays"})).json()
    assert (paused["state"], paused["note"], paused["next"]) == ("paused", "holidays", None)
    assert (await client.post(f"/v1/schedules/{id}/pause")).json()["version"] == paused["version"]
    await wind_back(client, id, to=timedelta(minutes=2, seconds=10))
    assert (await Scheduling(client.app).fire_overdue(), await fire(client, id)) == (0, 0)
    resumed = (await client.post(f"/v1/schedules/{id}/resume")).json()
    assert (resumed["state"], resumed["note"]) == ("active", "")
    assert resumed["missed"]["recent"][0]["reason"] == "paused"
    assert resumed["missed"]["times"] == 2
    assert await fire(client, id) == 0
    assert await notifications(client) == []


async def test_overlap_skip_waits_for_the_last_one(client: Client) -> None:
    id = await made(client, overlap="skip")
    await wind_back(client, id, to=timedelta(minutes=1, seconds=10))
    assert await fire(client, id) == 1
    await wind_back(client, id, to=timedelta(minutes=0, seconds=70))
    assert await fire(client, id) == 0  # Temporal is away: the first is unfinished
    [first] = await notifications(client)
    assert (await client.post(f"/v1/notifications/{first['id']}/cancel")).status_code == 200
    found = (await client.get(f"/v1/schedules/{id}")).json()
    assert found["missed"]["recent"][0]["reason"] == "overlap"


async def test_overlap_buffer_one_fires_when_the_last_one_is_finished(client: Client) -> None:
    id = await made(client, overlap="buffer_one")
    await wind_back(client, id, to=timedelta(minutes=3, seconds=10))
    assert await fire(client, id) == 1
    found = (await client.get(f"/v1/schedules/{id}")).json()
    assert [one["state"] for one in found["recent"]] == ["waiting", "fired"]
    assert found["missed"]["times"] == 1
    assert await Scheduling(client.app).fire_overdue() == 0
    [first] = await notifications(client)
    await client.post(f"/v1/notifications/{first['id']}/cancel")
    assert await Scheduling(client.app).fire_overdue() == 1
    assert len(await notifications(client)) == 2


async def test_a_time_that_cannot_be_done_is_told_and_the_next_one_comes(client: Client) -> None:
    template = {"key": "greeting", "name": "Greeting", "content": REMINDER["content"]}
    assert (await client.post("/v1/templates", json=template)).status_code == 201
    assert (await client.post("/v1/templates/greeting/publish", json={"version": 1})).is_success
    templated = {"recipient": REMINDER["recipient"], "template": "greeting"}
    id = await made(client, action={"notification": templated})
    assert (await client.post("/v1/templates/greeting/archive", json={})).is_success
    await wind_back(client, id, to=timedelta(minutes=1, seconds=10))
    assert await fire(client, id) == 0
    found = (await client.get(f"/v1/schedules/{id}")).json()
    assert (found["last"]["state"], found["state"]) == ("failed", "active")
    assert found["last"]["reason"] == "template names no published template of this module"
    refused = await client.post(f"/v1/schedules/{id}/trigger")
    assert problem_fields(refused) == ["action.notification.template"]


async def test_by_hand_it_fires_besides_its_times(client: Client) -> None:
    id = await made(client, every={"years": 1})
    key = {"Idempotency-Key": "once"}
    first = await client.post(f"/v1/schedules/{id}/trigger", headers=key)
    assert first.status_code == 202, first.text
    again = await client.post(f"/v1/schedules/{id}/trigger", headers=key)
    assert again.json() == first.json()
    [sent] = await notifications(client)
    assert first.json()["notification"] == sent["id"]
    last = (await client.get(f"/v1/schedules/{id}")).json()["last"]
    assert (last["cause"], last["notification"]) == ("trigger", sent["id"])


async def test_jitter_puts_off_the_message_not_the_time(client: Client) -> None:
    id = await made(client, jitter_seconds=86_400)
    await wind_back(client, id, to=timedelta(minutes=2, seconds=10))
    assert await fire(client, id) == 2
    states = {one["state"] for one in await notifications(client)}
    assert states <= {"scheduled", "accepted"}
    assert "scheduled" in states


async def test_one_off_is_finished_afterwards(client: Client) -> None:
    at = datetime.now(UTC) + timedelta(hours=1)
    id = await made(client, at=at.isoformat())
    async with client.app.db.leader() as conn:
        await conn.execute(
            text("""
                UPDATE schedules SET next_at = clock_timestamp(), definition = definition
                    || jsonb_build_object('at', to_char(now() - interval '5 s',
                        'YYYY-MM-DD"T"HH24:MI:SS"Z"')), settled_at = now() - interval '1 min'
            """)
        )
    assert await fire(client, id) == 1
    found = (await client.get(f"/v1/schedules/{id}")).json()
    assert (found["state"], found["next"]) == ("finished", None)
    assert (await client.get(f"/v1/schedules/{id}/next")).json() == {"items": []}


async def test_a_schedule_to_somebody_goes_when_they_are_erased(client: Client) -> None:
    profile = (await client.post("/v1/profiles", json={"email": "Sam@example.com"})).json()["id"]
    theirs = [
        await made(client, name="by-id",
                   action={"notification": {**REMINDER, "recipient": profile}}),
        await made(client, name="by-address"),
    ]  # fmt: skip
    other = {**REMINDER, "recipient": {"email": "ada@example.com"}}
    kept = await made(client, name="to-another", action={"notification": other})
    assert (await client.delete(f"/v1/profiles/{profile}")).status_code == 204
    for id, status in ((theirs[0], 404), (theirs[1], 404), (kept, 200)):
        assert (await client.get(f"/v1/schedules/{id}")).status_code == status


async def test_only_those_who_may(client: Client) -> None:
    id = await made(client)
    reader = await client.with_key("schedules:read")
    assert (await reader.get(f"/v1/schedules/{id}")).status_code == 200
    assert (await reader.post(f"/v1/schedules/{id}/pause")).status_code == 403
    writer = await client.with_key("schedules:write")
    assert (await writer.post("/v1/schedules", json=a_schedule(name="b"))).status_code == 403
    other = await client.with_key("*", module="other")
    assert (await other.get(f"/v1/schedules/{id}")).status_code == 404
    assert (await other.post(f"/v1/schedules/{id}/trigger")).status_code == 404
    marketing = {"notification": {**REMINDER, "category": "marketing"}}
    sender = await client.with_key("schedules:write", "notifications:write")
    assert (
        await sender.post("/v1/schedules", json=a_schedule(name="c", action=marketing))
    ).status_code == 403
