"""Whoever decides, edits, aborts and submits at one moment: records and state always agree."""

import asyncio
import random
from collections import Counter
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.approvals import Outcome
from domain.campaign import CampaignState, Step
from domain.contract.campaign import Approve, CampaignPatch, Reject
from domain.errors import Conflict, Stale
from domain.frozen_campaign import Frozen
from domain.ids import decode, encode, new_id
from domain.vocabulary import CategoryClass, Channel, Role
from services import approvals, campaign_approvals, campaign_runs, campaign_steps
from services import campaigns as use
from services.access import Actor, operator
from services.app import App
from services.campaign_rows import find_row
from stores import campaigns as store
from tests.fixtures.api import KEY, a_client
from tests.fixtures.campaigns import WORDS, listed
from tests.services.test_approvals import somebody

RACES = 200
FROZEN = Frozen(
    category="bulk", class_=CategoryClass.BULK, priority="low", channels=(Channel.EMAIL,),
    content=WORDS,
).column()  # fmt: skip
LED_TO = {
    CampaignState.AWAITING_APPROVAL, CampaignState.APPROVED, CampaignState.REJECTED,
    CampaignState.ABORTED, CampaignState.DRAFT, CampaignState.RESOLVING,
}  # fmt: skip


async def a_waiting_one(app: App, audience: str, author: UUID) -> str:
    """Return the id of a campaign that awaits approval."""
    id = new_id()
    async with app.db.leader() as conn:
        module = await conn.execute(text("SELECT id FROM modules WHERE key = 'default'"))
        definition = {"name": "Spring", "audience": audience, "content": WORDS}
        await store.insert(
            conn,
            {"id": id, "module_id": module.scalar_one(), "name": "Spring", "created_by": "a test",
             "definition": definition, "author_ids": [author]},
        )  # fmt: skip
        await store.step(conn, id, Step.SUBMIT, frozen=FROZEN)
        await store.step(conn, id, Step.RESOLVED, hash=f"hash of {id}", members=3)
    return encode("cmp", id)


async def check(app: App, id: str) -> str:
    """Return the state, after looking whether all that is kept of a campaign agrees with it."""
    actor = await operator(app)
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id)
        hash = f"hash of {row.id}"
        about = await campaign_approvals.facts(conn, row)
        verdict = await approvals.decide(conn, id, about, hash)
        rows = await conn.execute(
            text("SELECT action FROM audit WHERE subject = :id ORDER BY id"), {"id": id}
        )
        did = Counter(rows.scalars())
    state = CampaignState(row.state)
    assert state in LED_TO
    taken = [did[f"campaign.{one}"] for one in ("approved", "rejected", "changed", "aborted")]
    match state:
        case CampaignState.AWAITING_APPROVAL:
            assert verdict.outcome is Outcome.WAITING
            assert taken == [0, 0, 0, 0]
        case CampaignState.APPROVED:
            assert verdict.outcome is Outcome.APPROVED
            assert (row.approved_at is not None, row.hash) == (True, hash)
        case CampaignState.REJECTED:
            assert verdict.outcome is Outcome.REJECTED
            assert taken[1] == 1
        case CampaignState.RESOLVING | CampaignState.DRAFT:
            assert row.hash is None, "what was approved of it stands for nothing"
            assert row.approved_at is None
    assert did["campaign.approved"] <= 1
    assert did["campaign.submitted"] == row.run - 1
    assert (did["campaign.aborted"] == 1) == (state is CampaignState.ABORTED)
    assert row.started_at is None
    return state


@pytest.mark.timeout(400)
async def test_races_of_people_leave_no_illegal_state(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silence(*_: Any) -> None:
        """Temporal is away."""

    monkeypatch.setattr(campaign_runs, "wake", silence)
    monkeypatch.setattr(campaign_runs, "start", silence)
    author, chance = await somebody(app, Role.ADMINISTRATOR), random.Random(4711)
    assert author.user_id is not None
    deciders = [await somebody(app) for _ in range(3)]
    async with a_client(app, KEY) as client:
        made = await client.post("/v1/audiences", json={"name": "them", **listed(1)})
    rule = {"name": "two", "kind": "approval", "enabled": True, "settings": {"approvals": 2}}
    async with a_client(app, KEY) as client:
        assert (await client.post("/v1/rules", json=rule)).status_code == 201

    async def act(id: str, what: str, by: Actor) -> str:
        await asyncio.sleep(chance.random() / 500)
        approve = Approve(hash=f"hash of {decode('cmp', id)}")
        try:
            match what:
                case "approve":
                    await campaign_approvals.approve(app, by, id, approve)
                case "reject":
                    await campaign_approvals.reject(app, by, id, Reject(reason="No."))
                case "edit":
                    await use.change(app, author, id, CampaignPatch(name=f"{chance.random()}"))
                case "abort":
                    await campaign_steps.abort(app, author, id)
                case _:
                    await campaign_steps.submit(app, author, id)
        except (Conflict, Stale):
            return "refused"
        return what

    ended: Counter[str] = Counter()
    for _ in range(RACES // 10):
        ten = [await a_waiting_one(app, made.json()["id"], author.user_id) for _ in range(10)]
        acts = [
            act(id, chance.choice(("approve", "approve", "approve", "reject", "edit", "abort",
                                   "submit")), chance.choice(deciders))
            for id in ten for _ in range(chance.randint(2, 6))
        ]  # fmt: skip
        chance.shuffle(acts)
        await asyncio.gather(*acts)
        ended.update([await check(app, id) for id in ten])
    assert sum(ended.values()) == RACES
    assert set(ended) == set(LED_TO), "each of them came about"
