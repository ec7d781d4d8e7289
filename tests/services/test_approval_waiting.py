"""What waits for approval: its approvers hear of it, and it expires; each of these exactly once."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, text
from temporalio.testing import ActivityEnvironment

from activities.campaign_resolving import CampaignResolving
from activities.campaigns import Campaigns
from domain.campaign import Step
from domain.contract.user import DelegationRequest
from domain.ids import encode
from domain.orders import CampaignOrder, Outlook, Stage
from services import campaign_approvals, delegations
from services.access import operator
from services.approval_waiting import attend
from services.campaign_audiences import freeze
from tests.fixtures.api import Client
from tests.fixtures.campaigns import Campaign, a_campaign, listed


async def a_user(client: Client, name: str, role: str) -> str:
    made = await client.post(
        "/v1/users", json={"name": name, "email": f"{name}@example.com", "role": role}
    )
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def look(campaign: Campaign) -> Outlook:
    """Look at a campaign as its workflow does."""
    app, row = campaign.app, await campaign.row()
    seeing = Campaigns(app.db, 1.0, campaign_approvals.doubts, partial(attend, app))
    order = CampaignOrder(encode("cmp", campaign.id), row.run, "low")
    return await ActivityEnvironment().run(seeing.look, order)


async def waiting(client: Client, **given: Any) -> Campaign:
    """Return a campaign that awaits approval, of which nobody has heard yet."""
    app = client.app
    campaign = await a_campaign(app, client, listed(3), quiet=False)
    await campaign.submit(**given)
    order = CampaignOrder(encode("cmp", campaign.id), 1, "low")
    resolving = CampaignResolving(app.db, partial(freeze, app), 1.0)
    await ActivityEnvironment().run(resolving.resolve, order)
    return campaign


async def mails(client: Client) -> list[tuple[str, str]]:
    """Return to whom what was written, in order: address and subject."""
    async with client.app.db.leader() as conn:
        rows = await conn.execute(text("SELECT * FROM notifications ORDER BY id"))
    found: list[Row[Any]] = list(rows.all())
    async with asyncio.timeout(10):
        shown = [
            (await client.get(f"/v1/notifications/{encode('ntf', r.id)}")).json() for r in found
        ]
    return [
        (row.recipient["email"], one["content"]["email"]["subject"])
        for row, one in zip(found, shown, strict=True)
    ]


async def ago(campaign: Campaign, hours: float) -> None:
    """Let all that happened to a campaign have happened so much earlier."""
    async with campaign.app.db.leader() as conn:
        await conn.execute(
            text("""
                UPDATE campaigns SET asked_at = asked_at - make_interval(secs => :s),
                    reminded_at = reminded_at - make_interval(secs => :s),
                    approve_by = approve_by - make_interval(secs => :s) WHERE id = :id
            """),
            {"s": hours * 3600, "id": campaign.id},
        )


async def test_approvers_and_deputies_are_reminded_until_it_expires_and_its_author_hears(
    client: Client,
) -> None:
    author = await a_user(client, "author", "approver")
    away = await a_user(client, "away", "approver")
    await a_user(client, "other", "viewer")
    app, now = client.app, datetime.now(UTC)
    request = DelegationRequest.model_validate(
        {"to": "admin@example.com", "from": now - timedelta(hours=1), "until": now + timedelta(9)}
    )
    await delegations.put(app, await operator(app), away, request)
    campaign = await waiting(client, approve_by=now + timedelta(hours=30))
    async with app.db.leader() as conn:
        await conn.execute(
            text("UPDATE campaigns SET author_ids = ARRAY[CAST(:a AS uuid)]"),
            {
                "a": (
                    await conn.execute(text("SELECT id FROM users WHERE name = 'author'"))
                ).scalar()
            },
        )
    first = "Waits for your approval: Spring"
    outlooks = await asyncio.gather(*(look(campaign) for _ in range(3)))
    assert {one.stage for one in outlooks} == {Stage.WAIT}
    row = await campaign.row()
    assert outlooks[0].due_at == row.asked_at + timedelta(hours=24)
    assert sorted(await mails(client)) == [
        ("admin@example.com", first),
        ("away@example.com", first),
    ]
    shown = (await client.get(f"/v1/campaigns/{encode('cmp', campaign.id)}")).json()
    assert [(one["name"], one["deputy"]) for one in shown["approvers"]][1][0] == "away"
    assert shown["approve_by"].startswith(str((now + timedelta(hours=30)).date()))
    assert author

    await ago(campaign, 25)
    for _ in range(2):
        await look(campaign)
    again = "Still waits for your approval: Spring"
    assert sorted((await mails(client))[2:]) == [
        ("admin@example.com", again), ("away@example.com", again),
    ]  # fmt: skip
    await ago(campaign, 4)
    outlook = await look(campaign)
    assert len(await mails(client)) == 6, "once more before the deadline"
    assert outlook.due_at == (await campaign.row()).approve_by
    await ago(campaign, 2)
    late = await client.post(
        f"/v1/campaigns/{encode('cmp', campaign.id)}/approve", json={"hash": row.hash}
    )
    assert late.status_code in (403, 409)
    for _ in range(2):
        outlook = await look(campaign)
    assert (outlook.stage, outlook.state) == (Stage.CLOSE, "expired")
    assert (await mails(client))[6:] == [("author@example.com", "Not approved in time: Spring")]
    found = (await client.get(f"/v1/campaigns/{encode('cmp', campaign.id)}")).json()
    assert (found["state"], found["problem"]["title"]) == ("expired", "Nobody approved it in time")
    async with app.db.leader() as conn:
        lines = await conn.execute(text("SELECT action FROM audit WHERE actor = 'system'"))
        assert sorted(lines.scalars()) == [
            "approval.asked", "approval.asked", "approval.asked", "campaign.expired",
        ]  # fmt: skip
    assert (await campaign.take(Step.SUBMIT, frozen=row.frozen)).state == "resolving"


async def test_a_rule_says_how_long_and_a_template_of_the_module_says_it(client: Client) -> None:
    made = await client.post(
        "/v1/rules",
        json={
            "name": "soon", "kind": "approval", "enabled": True, "category": "bulk",
            "settings": {"deadline_hours": 3, "remind_every_hours": 1},
        },
    )  # fmt: skip
    assert made.status_code == 201, made.text
    words = {"email": {"subject": "Hallo {{ name }}: {{ campaign }}", "text": "{{ link }}"}}
    template = {"key": "approval-request", "content": words, "category": "transactional"}
    assert (await client.post("/v1/templates", json=template)).status_code == 201
    await client.post("/v1/templates/approval-request/publish", json={"version": 1})
    campaign = await waiting(client)
    outlook = await look(campaign)
    assert outlook.due_at == (await campaign.row()).asked_at + timedelta(hours=1)
    assert await mails(client) == [("admin@example.com", "Hallo Administrator: Spring")]
    await ago(campaign, 3)
    assert (await look(campaign)).state == "expired"
