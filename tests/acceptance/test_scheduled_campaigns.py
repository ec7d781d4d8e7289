"""A schedule that sends campaigns: by a standing approval without anybody, until it is revoked."""

import asyncio
from typing import Any

from tests.acceptance.test_campaigns_by_api import a_user, until
from tests.fixtures.campaigns import WORDS, listed
from tests.fixtures.system import System
from tests.guards.test_examples import BY_ANOTHER, examples
from workers.scheduling import Scheduling, serve_schedules


async def runs(system: System, place: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await system.client.get(place)).json()["recent"]
    return found


async def test_each_time_is_a_campaign_and_sends_within_its_bounds(system: System) -> None:
    bodies = {path: body for _, path, _, body in examples() if path in BY_ANOTHER}
    author, approver = await a_user(system, "operator"), await a_user(system, "approver")
    audience = await author.post("/v1/audiences", json={"name": "them", **listed(2)})
    if audience.status_code == 403:  # who keeps schedules need not be who keeps audiences
        audience = await system.client.post("/v1/audiences", json={"name": "them", **listed(2)})
    news = {
        "name": "News", "audience": audience.json()["id"], "content": WORDS,
        "window": {"off_hours": None},
    }  # fmt: skip
    body = {"name": "news", "every": {"seconds": 3}, "action": {"campaign": news}}
    place = (await author.post("/v1/schedules", json=body)).headers["location"]
    client = await system.app.temporal.client()
    async with Scheduling(system.app), serve_schedules(client, system.app):
        async with asyncio.timeout(60):
            while not (waiting := await runs(system, place)):
                await asyncio.sleep(0.1)
        first = f"/v1/campaigns/{waiting[-1]['campaign']}"
        await until(system.client, first, "awaiting_approval")
        hash = (await author.get(place)).json()["hash"]
        given = await approver.post(
            f"{place}/approve", json={**bodies["/v1/schedules/{id}/approve"], "hash": hash}
        )
        assert given.status_code == 200, given.text
        await until(system.client, first, "completed")
        async with asyncio.timeout(60):
            while len(await runs(system, place)) < len(waiting) + 2:
                await asyncio.sleep(0.1)
        assert (await author.post(f"{place}/pause")).status_code == 200
    made = await runs(system, place)
    for one in made:
        await until(system.client, f"/v1/campaigns/{one['campaign']}", "completed")
    assert len({one["campaign"] for one in made}) == len(made)
    to = [one.recipients[0] for one in system.smtp.messages]
    for member in ("r0@example.com", "r1@example.com"):
        assert to.count(member) == len(made)
    gone = await approver.post(f"{place}/revoke", json=bodies["/v1/schedules/{id}/revoke"])
    assert gone.status_code == 200, gone.text
    fired = await author.post(f"{place}/trigger")
    place = f"/v1/campaigns/{fired.json()['campaign']}"
    await until(system.client, place, "awaiting_approval")
