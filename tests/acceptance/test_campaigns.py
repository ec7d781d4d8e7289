"""Campaigns through real Temporal, PostgreSQL and SMTP: approved, sent once, stopped at once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from domain.campaign import Step, workflow_id
from stores import unsubscriptions
from tests.fixtures.campaigns import Campaign, a_campaign, listed
from tests.fixtures.system import System


async def arrived(system: System, number: int) -> None:
    async with asyncio.timeout(60):
        while len(system.smtp.messages) < number:
            await asyncio.sleep(0.02)


async def signal(system: System, campaign: Campaign) -> None:
    client = await system.app.temporal.client()
    await client.get_workflow_handle(workflow_id(campaign.id, 1)).signal("wake")


async def beaten(campaign: Campaign, since: object) -> None:
    """Wait until the workflow has looked again."""
    async with asyncio.timeout(60):
        while (await campaign.row()).beaten_at == since:
            await asyncio.sleep(0.02)


async def test_an_approved_one_reaches_each_once_and_a_signal_approves_nothing(
    system: System,
) -> None:
    campaign = await a_campaign(system.app, system.client, listed(300))
    await campaign.submit()
    row = await campaign.until("awaiting_approval")
    assert (row.members, row.shards, len(row.hash)) == (300, 1, 64)
    assert row.frozen["counts"] == {"asked": 300, "suppressed": {}, "channels": {"email": 300}}
    seen = (await campaign.row()).beaten_at
    await signal(system, campaign)
    await beaten(campaign, seen)
    assert (await campaign.row()).state == "awaiting_approval"
    assert system.smtp.messages == []
    await campaign.take(Step.APPROVE)
    assert await campaign.settled("completed") == {"sent": 300}
    got = Counter(one.recipients[0] for one in system.smtp.messages)
    assert got == Counter({f"r{n}@example.com": 1 for n in range(300)})
    assert b"Hello N7" in b"".join(one.content for one in system.smtp.messages)


async def test_a_pause_stops_it_and_who_leaves_meanwhile_gets_nothing_more(
    system: System,
) -> None:
    campaign = await a_campaign(system.app, system.client, listed(80))
    await campaign.approved(pace={"per_second": 40})
    await arrived(system, 5)
    await campaign.take(Step.PAUSE)
    stopped: set[int] = set()
    while len(system.smtp.messages) not in stopped:  # what was under way is let finish
        stopped.add(len(system.smtp.messages))
        await asyncio.sleep(2)
    assert len(system.smtp.messages) < 80
    waiting = [one for one in await campaign.deliveries() if one.state == "accepted"]
    assert len(waiting) == 80 - len(system.smtp.messages)
    async with system.app.db.leader() as conn:
        await unsubscriptions.refuse(conn, waiting[-1].id)
    await campaign.take(Step.RESUME)
    assert await campaign.settled("completed") == {"sent": 79, "suppressed": 1}
    got = Counter(one.recipients[0] for one in system.smtp.messages)
    assert got == Counter({f"r{n}@example.com": 1 for n in range(80)}) - Counter(
        {waiting[-1].address: 1}
    )


async def test_what_recipients_hold_goes_as_soon_as_they_choose_anew(system: System) -> None:
    now, hours = datetime.now(UTC), timedelta(hours=6)
    quiet = {"quiet_hours": {"start": f"{now - hours:%H:%M}", "end": f"{now + hours:%H:%M}"}}
    ids = []
    for email in ("r0@example.com", "R1@example.com", "r2@example.com"):
        body = {"email": email, "timezone": "Etc/UTC"}
        ids.append((await system.client.post("/v1/profiles", json=body)).json()["id"])
        await system.client.put(f"/v1/profiles/{ids[-1]}/preferences", json=quiet)
    members = [ids[0], {"email": "r1@example.com"}, ids[2], {"email": "r3@example.com"}]
    selection = {"kind": "profiles", "profiles": members}
    campaign = await a_campaign(system.app, system.client, selection)
    await campaign.approved(content={"email": {"subject": "Hi", "text": "Hello"}})
    await arrived(system, 1)
    async with asyncio.timeout(60):
        while Counter({"held": 3, "sent": 1}) != Counter(await campaign.balance()):
            await asyncio.sleep(0.05)
    for id in ids[:2]:
        await system.client.put(f"/v1/profiles/{id}/preferences", json={})
    await arrived(system, 3)
    await system.client.post(f"/v1/profiles/{ids[2]}/unsubscribe", json={})
    assert await campaign.settled("completed") == {"sent": 3, "suppressed": 1}
    got = {one.recipients[0].lower() for one in system.smtp.messages}
    assert got == {"r0@example.com", "r1@example.com", "r3@example.com"}


async def test_an_abort_cancels_what_waits_though_its_workflow_was_lost(system: System) -> None:
    campaign = await a_campaign(system.app, system.client, listed(200))
    await campaign.submit(pace={"per_second": 20})
    await campaign.until("awaiting_approval")
    client = await system.app.temporal.client()
    await client.get_workflow_handle(workflow_id(campaign.id, 1)).terminate("by hand")
    await campaign.take(Step.APPROVE)
    await arrived(system, 3)
    await campaign.take(Step.ABORT)
    ended = await campaign.settled("aborted")
    assert sorted(ended) == ["cancelled", "sent"]
    assert ended["sent"] == len(system.smtp.messages)
    assert sum(ended.values()) == 200
    row = await campaign.row()
    assert row.recoveries >= 1
    async with asyncio.timeout(30):
        while (row := await campaign.row()).due_at is not None:
            await asyncio.sleep(0.05)
    async with system.app.db.leader() as conn:
        leased = await conn.execute(
            text("SELECT count(*) FROM deliveries WHERE lease_token IS NOT NULL")
        )
        assert leased.scalar_one() == 0
