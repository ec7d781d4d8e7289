"""Campaigns change by compare-and-set: whatever races, each change follows from the one before."""

import asyncio
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Row, text

from domain.campaign import CampaignState, Step, allowed, leads_to
from domain.ids import new_id
from stores import campaign_work, campaigns
from stores.database import Database
from stores.modules import add

STEPS = st.sampled_from(list(Step))
FROZEN: dict[str, Any] = {"frozen": {}}


async def a_campaign(db: Database) -> UUID:
    id = new_id()
    async with db.leader() as conn:
        module = await conn.execute(text("SELECT id FROM modules LIMIT 1"))
        module_id = module.scalar_one_or_none()
        if module_id is None:
            module_id = (await add(conn, new_id(), "default", "Default")).id
        await campaigns.insert(
            conn,
            {"id": id, "module_id": module_id, "name": "Spring", "definition": {},
             "created_by": "a test", "author_ids": []},
        )  # fmt: skip
    return id


async def take(db: Database, id: UUID, step: Step, **given: Any) -> Row[Any] | None:
    async with db.leader() as conn:
        return await campaigns.step(conn, id, step, **given)


async def state(db: Database, id: UUID) -> Row[Any]:
    async with db.leader() as conn:
        found = await campaigns.find(conn, id)
    assert found is not None
    return found


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(way=st.lists(STEPS, max_size=8), race=st.lists(STEPS, min_size=2, max_size=8))
async def test_races_leave_no_illegal_state(
    db: Database, way: list[Step], race: list[Step]
) -> None:
    id = await a_campaign(db)
    for step in way:
        before = await state(db, id)
        started = before.started_at is not None
        after = await take(db, id, step)
        assert (after is not None) == allowed(step, CampaignState(before.state), started=started)
    before = await state(db, id)
    taken = await asyncio.gather(*(take(db, id, step) for step in race))
    won = sorted(
        ((row, step) for row, step in zip(taken, race, strict=True) if row is not None),
        key=lambda one: one[0].version,
    )
    rows = [before, *(row for row, _ in won)]
    assert [row.version for row in rows] == list(range(before.version, before.version + len(rows)))
    for (former, latter), (_, step) in zip(pairwise(rows), won, strict=True):
        started = former.started_at is not None
        assert allowed(step, CampaignState(former.state), started=started)
        assert latter.state == leads_to(step, started=started)
        assert latter.run == former.run + (step in (Step.SUBMIT, Step.RESEND))
    assert (await state(db, id)).state == rows[-1].state
    for row, step in zip(taken, race, strict=True):
        seen = [(CampaignState(one.state), one.started_at is not None) for one in rows]
        assert row is not None or not all(allowed(step, at, started=go) for at, go in seen)


async def test_an_answer_to_an_earlier_run_or_version_changes_nothing(db: Database) -> None:
    id = await a_campaign(db)
    submitted = await take(db, id, Step.SUBMIT, **FROZEN)
    assert submitted is not None
    assert await take(db, id, Step.RESOLVED, run=0) is None
    resolved = await take(db, id, Step.RESOLVED, run=1, hash="a")
    assert resolved is not None
    assert await take(db, id, Step.APPROVE, version=submitted.version) is None
    assert await take(db, id, Step.APPROVE, version=resolved.version) is not None


async def test_a_pace_is_exact_whoever_asks(db: Database) -> None:
    id = await a_campaign(db)
    for step in (Step.SUBMIT, Step.RESOLVED, Step.APPROVE, Step.OPEN):
        assert await take(db, id, step) is not None

    async def passes(wanted: int, run: int = 1) -> campaign_work.Gate:
        async with db.leader() as conn:
            return await campaign_work.pass_gate(conn, id, run, wanted)

    assert (await passes(500)).granted == 500, "without a pace there is none"
    async with db.leader() as conn:
        await campaigns.pace(conn, id, {"per_second": 0.001}, anew=True)
    granted = [gate.granted for gate in await asyncio.gather(*(passes(10) for _ in range(8)))]
    assert sorted(granted) == [0] * 7 + [1]
    assert (await passes(1)).wait > 900
    assert not (await passes(1, run=2)).is_open
    await take(db, id, Step.PAUSE)
    assert not (await passes(1)).is_open


async def test_a_ramp_counts_the_time_in_which_it_sends(db: Database) -> None:
    id = await a_campaign(db)
    for step in (Step.SUBMIT, Step.RESOLVED, Step.APPROVE, Step.OPEN):
        assert await take(db, id, step) is not None
    ramp = {"start_per_second": 10, "over_seconds": 100}
    async with db.leader() as conn:
        await campaigns.pace(conn, id, {"per_second": 1010, "ramp": ramp}, anew=True)

    async def rate_after(seconds: float) -> float | None:
        async with db.leader() as conn:
            await conn.execute(
                text("UPDATE campaigns SET paced_at = paced_at - make_interval(secs => :gap)"),
                {"gap": seconds},
            )
            await campaign_work.pass_gate(conn, id, 1, 0)
            return (await campaign_work.pass_gate(conn, id, 1, 0)).per_second

    assert await rate_after(0) == pytest.approx(10, abs=5)
    assert await rate_after(1) == pytest.approx(20, abs=5)
    assert await rate_after(3_600) == pytest.approx(40, abs=5), "closed hours are no sending"
    async with db.leader() as conn:
        await campaigns.pace(conn, id, {"per_second": 510, "ramp": ramp}, anew=False)
    assert await rate_after(0) == pytest.approx(25, abs=5), "another pace goes on with its ramp"
    async with db.leader() as conn:
        await campaigns.pace(conn, id, {"per_second": 510, "ramp": ramp}, anew=True)
    assert await rate_after(0) == pytest.approx(10, abs=5)
    assert (await state(db, id)).definition["pace"]["ramp"] == ramp


async def test_only_a_draft_without_deliveries_is_removed(db: Database) -> None:
    id = await a_campaign(db)
    await take(db, id, Step.SUBMIT, **FROZEN)
    async with db.leader() as conn:
        assert not await campaigns.remove(conn, id)
    await take(db, id, Step.UNRESOLVED, problem={"title": "no"})
    async with db.leader() as conn:
        assert await campaigns.remove(conn, id)
