"""Resolving: an audience becomes deliveries, each with its reason; what cannot be says why."""

from functools import partial
from typing import Any
from uuid import UUID

import pytest
from httpx import AsyncClient
from sqlalchemy import Row
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import campaign_resolving
from activities.campaign_resolving import CampaignResolving, Freeze
from activities.campaigns import Campaigns
from domain.campaign import Step
from domain.errors import Unavailable
from domain.ids import encode
from domain.orders import CampaignOrder
from domain.vocabulary import Channel
from services.campaign_audiences import freeze
from tests.fixtures.api import Client
from tests.fixtures.campaigns import Campaign, a_campaign, listed


async def resolve(campaign: Campaign, freezing: Freeze | None = None, scale: float = 1.0) -> None:
    """Resolve a submitted campaign, and let its workflow's last activity clear up."""
    app, row = campaign.app, await campaign.row()
    order = CampaignOrder(encode("cmp", campaign.id), row.run, "low")
    resolving = CampaignResolving(app.db, freezing or partial(freeze, app), scale)
    await ActivityEnvironment().run(resolving.resolve, order)
    if (await campaign.row()).state != "awaiting_approval":
        await ActivityEnvironment().run(Campaigns(app.db, 1.0).close, order)


async def a_profile(client: AsyncClient, **given: Any) -> str:
    answer = await client.post("/v1/profiles", json={"groups": ["g"], **given})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_everybody_gets_what_the_rules_say(client: Client) -> None:
    first = await a_profile(client, email="a@example.com", phone="+14155550101", locale="fr")
    refusing = await a_profile(client, email="b@example.com", phone="+14155550102")
    await client.post(f"/v1/profiles/{refusing}/unsubscribe", json={"channel": "email"})
    await a_profile(client, email="A@example.com")
    await a_profile(client, telegram="7")
    members = [{"email": "c@example.com", "name": "C", "attributes": {"who": "you"}}]
    both = [{"kind": "group", "group": "g"}, {"kind": "profiles", "profiles": members}]
    campaign = await a_campaign(client.app, client, {"kind": "union", "union": both})
    content = {"email": {"subject": "Hi", "text": "Hi"}, "sms": {"text": "Hi"}}
    await campaign.submit(channels=(Channel.EMAIL, Channel.SMS), content=content)
    await resolve(campaign)
    rows = await campaign.deliveries()
    assert sorted((one.channel, one.address, one.state, one.reason) for one in rows) == [
        ("email", "", "suppressed", "no_address"),
        ("email", "A@example.com", "suppressed", "duplicate"),
        ("email", "a@example.com", "accepted", ""),
        ("email", "b@example.com", "suppressed", "unsubscribed"),
        ("email", "c@example.com", "accepted", ""),
        ("sms", "+14155550102", "accepted", ""),
    ]
    row = await campaign.row()
    assert (row.state, row.members, row.shards) == ("awaiting_approval", 5, 1)
    assert row.frozen["counts"] == {
        "asked": 6,
        "suppressed": {"no_address": 1, "duplicate": 1, "unsubscribed": 1},
        "channels": {"email": 2, "sms": 1},
    }
    by_address = {one.address: one for one in rows}
    assert by_address["c@example.com"].member == {
        "name": "C", "email": "c@example.com", "data": {"who": "you"},
    }  # fmt: skip
    known = by_address["a@example.com"]
    assert (encode("prf", known.profile_id), known.member) == (first, None)
    ids = {
        one.notification_id
        for one in rows
        if one.profile_id == by_address["b@example.com"].profile_id
    }
    assert len(ids) == 1, "both channels of a recipient have one id"


async def test_the_hash_is_of_everything_that_goes_out(client: Client) -> None:
    hashes = set()
    for change in ({}, {}, {"data": {"x": 1}}, {"off_hours": None, "category": "marketing"}):
        campaign = await a_campaign(client.app, client, listed(2))
        await campaign.submit(**change)
        await resolve(campaign)
        hashes.add((await campaign.row()).hash)
    assert len(hashes) == 3


async def test_shards_and_a_second_try_leave_each_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(campaign_resolving, "SHARD", 7)
    campaign = await a_campaign(client.app, client, listed(30))
    await campaign.submit()

    async def dies(name: str) -> None:
        if name == "shard_written":
            raise ConnectionError("the process died")

    with monkeypatch.context() as patch:
        patch.setattr(campaign_resolving, "failpoint", dies)
        with pytest.raises(ConnectionError):
            await resolve(campaign)
    assert len(await campaign.deliveries()) == 7
    await resolve(campaign)
    rows = await campaign.deliveries()
    assert sorted(one.shard for one in rows) == sorted(n // 7 for n in range(30))
    assert len({one.address for one in rows}) == 30
    assert (await campaign.row()).shards == 5


async def test_a_try_that_another_overtook_writes_nothing_more(client: Client) -> None:
    campaign = await a_campaign(client.app, client, listed(5))
    await campaign.submit()

    async def overtaken(row: Row[Any]) -> UUID:
        await resolve(campaign)  # as after a process that was thought to be dead
        return await freeze(client.app, row)

    before = await campaign.row()
    await resolve(campaign, overtaken)
    row = await campaign.row()
    assert (row.state, row.version) == ("awaiting_approval", before.version + 1)
    assert len(await campaign.deliveries()) == 5


async def test_nobody_and_nobody_who_may_be_sent_to_are_said(client: Client) -> None:
    await client.post("/v1/groups", json={"name": "empty"})
    empty = await a_campaign(client.app, client, {"kind": "group", "group": "empty"})
    await empty.submit()
    await resolve(empty)
    row = await empty.row()
    assert (row.state, row.problem["title"]) == ("draft", "Nobody is in the audience")

    unreachable = await a_campaign(client.app, client, listed(3))
    await unreachable.submit(channels=(Channel.SMS,), content={"sms": {"text": "Hi"}})
    await resolve(unreachable)
    row = await unreachable.row()
    assert (row.state, row.due_at) == ("draft", None)
    assert "no_address 3" in row.problem["detail"]
    assert await unreachable.deliveries() == []


async def test_a_source_that_is_down_is_tried_again_and_then_told(client: Client) -> None:
    campaign = await a_campaign(client.app, client, listed(3))
    await campaign.submit()

    async def down(_row: Row[Any]) -> UUID:
        raise Unavailable("sql: the server does not answer")

    with pytest.raises(ApplicationError):
        await resolve(campaign, down)
    assert (await campaign.row()).state == "resolving"
    await resolve(campaign, down, scale=0)
    row = await campaign.row()
    assert (row.state, row.problem["detail"]) == ("draft", "sql: the server does not answer")
    await campaign.submit()
    await resolve(campaign)
    row = await campaign.row()
    assert (row.state, row.run, row.problem) == ("awaiting_approval", 2, None)


@pytest.mark.parametrize("step", [Step.ABORT])
async def test_an_abort_meanwhile_ends_it(client: Client, step: Step) -> None:
    campaign = await a_campaign(client.app, client, listed(3))
    await campaign.submit()

    async def aborting(row: Row[Any]) -> UUID:
        await campaign.take(step)
        return await freeze(client.app, row)

    await resolve(campaign, aborting)
    row = await campaign.row()
    assert (row.state, row.due_at, await campaign.deliveries()) == ("aborted", None, [])


async def test_an_edit_takes_back_what_was_written(client: Client) -> None:
    campaign = await a_campaign(client.app, client, listed(3))
    await campaign.submit()
    await resolve(campaign)
    assert await campaign.balance() == {"accepted": 3}
    await campaign.take(Step.EDIT)
    order = CampaignOrder(encode("cmp", campaign.id), 1, "low")
    await ActivityEnvironment().run(Campaigns(client.app.db, 1.0).close, order)
    row = await campaign.row()
    assert (row.state, row.hash, row.due_at, await campaign.deliveries()) == (
        "draft",
        None,
        None,
        [],
    )
