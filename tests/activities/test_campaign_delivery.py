"""Shards are delivered as everything else, behind the gate of their campaign."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import text
from temporalio.testing import ActivityEnvironment

from domain.campaign import Step
from domain.campaign_waves import Wave
from domain.campaign_window import OpenHours
from domain.delivery import Mark
from domain.frozen_campaign import Frozen
from domain.ids import encode, new_id
from domain.orders import CampaignOrder, Outlook, ShardOrder, ShardPass, Stage
from domain.vocabulary import Channel
from fakes.smtp import FakeSmtp
from fakes.smtp_faults import Fault
from services.app import App, close_app, open_app
from services.bootstrap import bootstrap
from stores.ledger import mark, shards
from tests.activities.test_campaign_resolving import a_profile, resolve
from tests.fixtures.api import KEY, a_client, settings_for
from tests.fixtures.campaigns import WORDS, Campaign, a_campaign, listed
from workers.connections import Work, open_work


@dataclass
class Bench:
    """The activities of a worker, and a mail server."""

    app: App
    client: AsyncClient
    work: Work
    smtp: FakeSmtp

    async def approved(self, selection: dict[str, Any], **given: Any) -> Campaign:
        """Return a campaign that is resolved and approved."""
        campaign = await a_campaign(self.app, self.client, selection)
        await campaign.submit(**given)
        await resolve(campaign)
        await campaign.take(Step.APPROVE)
        return campaign

    async def look(self, campaign: Campaign) -> Outlook:
        return await ActivityEnvironment().run(self.work.campaigns.look, await _order(campaign))

    async def close(self, campaign: Campaign) -> Outlook:
        return await ActivityEnvironment().run(self.work.campaigns.close, await _order(campaign))

    async def deliver(self, campaign: Campaign, shard: int = 0) -> ShardPass:
        run = (await campaign.row()).run
        order = ShardOrder(encode("cmp", campaign.id), run, shard, "low")
        return await ActivityEnvironment().run(self.work.shards.deliver, order)


async def _order(campaign: Campaign) -> CampaignOrder:
    row = await campaign.row()
    return CampaignOrder(encode("cmp", row.id), row.run, "low", row.recoveries)


@pytest.fixture
async def bench(database: Any) -> AsyncIterator[Bench]:
    async with AsyncExitStack() as stack:
        smtp = await stack.enter_async_context(FakeSmtp())
        settings = settings_for(
            database,
            smtp_url=f"smtp://127.0.0.1:{smtp.port}?starttls=never&from=shop@example.com",
            allow_networks=["127.0.0.0/8"],
            retry_scale=0.02,
        )
        await bootstrap(settings)
        app = open_app(settings)
        stack.push_async_callback(close_app, app)
        work, router = open_work(app)
        stack.push_async_callback(router.close)
        yield Bench(app, await stack.enter_async_context(a_client(app, KEY)), work, smtp)


async def test_a_failed_channel_falls_back_to_the_next_for_the_same_recipient(
    bench: Bench,
) -> None:
    bench.smtp.script(Fault("rcpt", "reply", "550 5.1.1 nobody here"))
    campaign = await bench.approved(
        listed(1, phone="+14155550100"),
        channels=(Channel.EMAIL, Channel.SMS),
        content={**WORDS, "sms": {"text": "Hi {{ who }}"}},
    )
    assert (await bench.look(campaign)).shards == [0]
    await bench.deliver(campaign)
    rows = await campaign.deliveries()
    assert [(one.channel, one.state, one.reason) for one in rows] == [
        ("email", "failed", "invalid_address"), ("sms", "sent", ""),
    ]  # fmt: skip
    assert len({(one.notification_id, one.shard) for one in rows}) == 1
    kept = (await bench.client.get("/v1/outbox", params={"channel": "sms"})).json()["items"]
    assert [one["content"]["text"] for one in kept] == ["Hi N0"], "its module sees it"
    assert (await bench.look(campaign)).stage == Stage.CLOSE
    assert (await bench.close(campaign)).state == "completed"


async def test_who_has_other_hours_is_held_until_they_come(bench: Bench) -> None:
    now = datetime.now(UTC)
    clock = [f"{now + timedelta(hours=hours):%H:%M}" for hours in (-2, 2)]
    hours = OpenHours(time.fromisoformat(clock[0]), time.fromisoformat(clock[1]))
    members = [
        {"email": "here@example.com", "timezone": "UTC"},
        {"email": "there@example.com", "timezone": "Asia/Tokyo"},
    ]
    selection = {"kind": "profiles", "profiles": members}
    campaign = await bench.approved(selection, off_hours=hours, data={"who": "all"})
    await bench.look(campaign)
    await bench.deliver(campaign)
    here, there = sorted(await campaign.deliveries(), key=lambda one: one.address)
    assert (here.state, there.state, there.reason) == ("sent", "held", "off_hours")
    opens = datetime.combine(now.date(), time.fromisoformat(clock[0]), UTC)
    assert (there.due_at - opens) % timedelta(days=1) == timedelta(hours=15), "nine hours before"
    outlook = await bench.look(campaign)
    assert (outlook.stage, outlook.due_at) == (Stage.WAIT, there.due_at)


async def test_a_transient_refusal_comes_again_by_its_due_time(bench: Bench) -> None:
    bench.smtp.script(Fault("rcpt", "reply", "451 4.3.2 try later"))
    campaign = await bench.approved(listed(1))
    await bench.look(campaign)
    assert (await bench.deliver(campaign)).leased == 1
    [row] = await campaign.deliveries()
    assert (row.state, row.rounds) == ("held", 1)
    assert (await campaign.row()).expires_at is None
    while (outlook := await bench.look(campaign)).stage == Stage.WAIT:
        assert "retry 1 of 8" in outlook.why
        assert (await campaign.row()).expires_at is not None, "all had their turn"
        await asyncio.sleep(0.1)
    await bench.deliver(campaign)
    assert await campaign.balance() == {"sent": 1}


async def test_the_end_of_the_window_expires_what_waits(bench: Bench) -> None:
    campaign = await bench.approved(listed(3), end_at=datetime.now(UTC) - timedelta(seconds=1))
    assert (await bench.look(campaign)).stage == Stage.CLOSE
    assert (await bench.close(campaign)).state == "completed"
    assert await campaign.balance() == {"expired": 3}
    assert bench.smtp.messages == []


async def test_an_archived_template_takes_the_approval_back(bench: Bench) -> None:
    campaign = await bench.approved(listed(1))
    async with bench.app.db.leader() as conn:
        await conn.execute(
            text("UPDATE campaigns SET frozen = frozen || CAST(:gone AS jsonb) WHERE id = :id"),
            {
                "id": campaign.id,
                "gone": {"template_id": str(new_id()), "template_version": 1,
                         "template_key": "spring"},
            },
        )  # fmt: skip
    assert (await bench.look(campaign)).state == "awaiting_approval"
    assert "spring" in (await campaign.row()).problem["detail"]


async def test_what_is_leased_when_a_pause_comes_is_not_marked(bench: Bench) -> None:
    campaign = await bench.approved(listed(2))
    await bench.look(campaign)
    row, token = await campaign.row(), new_id()
    async with bench.app.db.leader() as conn:
        leased = await shards.lease(
            conn, campaign.id, 1, 0, Frozen.read(row.frozen),
            expires_at=datetime.now(UTC) + timedelta(hours=1), token=token, seconds=30, most=10,
        )  # fmt: skip
    assert {one.data["who"] for one in leased} == {"N0", "N1"}
    await campaign.take(Step.PAUSE)
    wanted = [Mark(one.id, new_id(), new_id(), "smtp") for one in leased]
    ids = [one.id for one in leased]
    async with bench.app.db.leader() as conn:
        assert await mark.mark(conn, wanted, token=token, margin=0, seconds=30) == set()
        assert await mark.find_late(conn, ids, token=token, margin=0) == {}
    assert (await bench.deliver(campaign)) == ShardPass(0, stopped=True)
    assert bench.smtp.messages == []


async def test_caps_count_campaigns_and_an_erasure_reaches_them(bench: Bench) -> None:
    profile = await a_profile(bench.client, email="a@example.com")
    cap = {"frequency": [{"limit": 1, "per": "day"}]}
    answer = await bench.client.put(f"/v1/profiles/{profile}/preferences", json=cap)
    assert answer.status_code == 200, answer.text
    group = {"kind": "group", "group": "g"}
    ends = []
    for _ in range(2):
        campaign = await bench.approved(group, data={"who": "all"})
        await bench.look(campaign)
        await bench.deliver(campaign)
        ends += [(one.state, one.reason) for one in await campaign.deliveries()]
    assert ends == [("sent", ""), ("suppressed", "frequency_cap")]
    waiting = await bench.approved(group, data={"who": "all"})
    assert (await bench.client.delete(f"/v1/profiles/{profile}")).status_code == 204
    async with bench.app.db.leader() as conn:
        found = await conn.execute(
            text("SELECT state, address, member FROM deliveries ORDER BY id")
        )
        rows = [tuple(one) for one in found.all()]
    gone = {"erased": True}
    assert rows == [
        ("sent", "", gone), ("suppressed", "", gone), ("cancelled", "", gone),
    ]  # fmt: skip
    assert (await bench.look(waiting)).stage == Stage.CLOSE


async def test_a_canary_stops_it_by_itself_and_an_operator_lets_it_go_on(bench: Bench) -> None:
    asked = {"share": 0.25, "at_least": 8, "wait_seconds": 600, "bounds": {"bounced": 0.2}}
    campaign = await bench.approved(listed(40), canary=asked)
    outlook = await bench.look(campaign)
    assert outlook.shards == [Wave.CANARY.first_shard]
    await bench.deliver(campaign, outlook.shards[0])
    assert await campaign.balance() == {"sent": 10, "accepted": 30}
    outlook = await bench.look(campaign)
    assert (outlook.stage, outlook.state) == (Stage.WAIT, "sending")
    assert "receipts are waited for" in outlook.why
    await _bounce(bench, campaign, 2)
    assert (await bench.look(campaign)).state == "sending", "2 of 10 may bounce"
    await _bounce(bench, campaign, 3)
    assert (await bench.look(campaign)).state == "paused"
    row = await campaign.row()
    assert "bounced: 3 of 10 (30 %), where 20 % are allowed" in row.problem["detail"]
    place = f"/v1/campaigns/{encode('cmp', campaign.id)}"
    resumed = (await bench.client.post(f"{place}/resume")).json()
    assert (resumed["canary"]["state"], resumed["problem"]) == ("overridden", None)
    assert (await bench.look(campaign)).shards == [0]
    await bench.deliver(campaign)
    assert await campaign.balance() == {"sent": 40}
    lines = (await bench.client.get("/v1/audit", params={"action": "campaign"})).json()["items"]
    told = [(one["action"], one["detail"].get("canary")) for one in lines]
    assert told == [("campaign.resumed", "overridden"), ("campaign.canary_stopped", None)]


async def test_without_trouble_the_others_follow_by_themselves(bench: Bench) -> None:
    asked = {"share": 0.1, "at_least": 1, "wait_seconds": 600, "bounds": {"failed": 0.1}}
    campaign = await bench.approved(listed(20), canary=asked)
    await bench.deliver(campaign, (await bench.look(campaign)).shards[0])
    assert (await bench.look(campaign)).stage == Stage.WAIT
    async with bench.app.db.leader() as conn:
        over = datetime.now(UTC).isoformat()
        await conn.execute(
            text("UPDATE campaigns SET canary = canary || CAST(:over AS jsonb)"),
            {"over": {"decide_at": over}},
        )
    assert (await bench.look(campaign)).shards == [0]
    assert (await campaign.row()).canary["state"] == "passed"


async def _bounce(bench: Bench, campaign: Campaign, number: int) -> None:
    """Let so many of the deliveries that were sent have bounced."""
    async with bench.app.db.leader() as conn:
        await conn.execute(
            text("""
                INSERT INTO receipts (attempt_id, kind, event_key, delivery_id, at, raw)
                SELECT attempt_id, 'bounced', 'test', id, now(), '{}' FROM deliveries
                WHERE campaign_id = :id AND state = 'sent' ORDER BY id LIMIT :number
                ON CONFLICT DO NOTHING
            """),
            {"id": campaign.id, "number": number},
        )
