"""The last look before a mark: caps hold however many senders look at once."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from activities import late_checks
from domain.decision import Decision
from domain.delivery import Leased
from domain.ids import new_id
from domain.vocabulary import State
from stores import preferences
from stores.database import Database
from tests.fixtures import rows

DAILY = {"frequency": [{"limit": 3, "per": "day", "category": None}]}


async def a_profile(conn: AsyncConnection, document: dict[str, Any]) -> UUID:
    module, profile = new_id(), new_id()
    await conn.execute(
        text("INSERT INTO modules (id, key, name) VALUES (:id, :key, 'x')"),
        {"id": module, "key": str(module)},
    )
    await conn.execute(
        text("INSERT INTO profiles (id, module_id) VALUES (:id, :module)"),
        {"id": profile, "module": module},
    )
    await preferences.put(conn, profile, document, [])
    return profile


async def waiting(db: Database, profile: UUID, many: int) -> list[tuple[Leased, UUID]]:
    """Return leased deliveries of notifications of their own, with their tokens."""
    found = []
    async with db.leader() as conn:
        for _ in range(many):
            row = await rows.planned(conn, profile_id=profile)
            [one], token = await rows.leased(conn, row)
            found.append((one, token))
    return found


async def let_go(db: Database, leased: Leased, token: UUID) -> Decision:
    """Look and mark in one transaction, as a sender does, slowly."""
    async with db.leader() as conn:
        decision = (await late_checks.check(conn, [leased]))[leased.id]
        await asyncio.sleep(0.02)
        if late_checks.may_go(decision):
            assert await rows.marked(conn, [leased], token)
    return decision


async def test_a_cap_of_three_holds_for_senders_that_know_nothing_of_each_other(
    db: Database,
) -> None:
    async with db.leader() as conn:
        profile = await a_profile(conn, DAILY)
    found = await waiting(db, profile, 20)
    ended = await asyncio.gather(*(let_go(db, *one) for one in found))
    assert Counter((one.state, one.reason) for one in ended) == {
        (State.ACCEPTED, ""): 3, (State.SUPPRESSED, "frequency_cap"): 17,
    }  # fmt: skip


async def test_one_chunk_is_counted_together(db: Database) -> None:
    async with db.leader() as conn:
        profile = await a_profile(conn, DAILY)
    chunk = [one for one, _ in await waiting(db, profile, 5)]
    async with db.leader() as conn:
        decisions = await late_checks.check(conn, chunk)
    assert [late_checks.may_go(decisions[one.id]) for one in chunk] == [True] * 3 + [False] * 2


async def test_who_was_deactivated_gets_nothing_that_was_planned_before(db: Database) -> None:
    async with db.leader() as conn:
        chose, did_not, active = [await a_profile(conn, {}) for _ in range(3)]
        await conn.execute(text("DELETE FROM preferences WHERE profile_id <> :id"), {"id": chose})
    chunk = [(await waiting(db, one, 1))[0][0] for one in (chose, did_not, active)]
    async with db.leader() as conn:
        assert all(one.reason == "" for one in (await late_checks.check(conn, chunk)).values())
        await conn.execute(text("UPDATE profiles SET active = id = :id"), {"id": active})
        decisions = await late_checks.check(conn, chunk)
    assert [decisions[one.id].reason for one in chunk[:2]] == ["inactive", "inactive"]
    assert late_checks.may_go(decisions.get(chunk[2].id))
    stopped = late_checks.stopped(chunk, decisions, {chunk[2].id})
    assert [(one.state, one.reason) for one in stopped] == [(State.SUPPRESSED, "inactive")] * 2


async def test_what_a_cap_stopped_looks_again_when_its_place_was_not_used(db: Database) -> None:
    async with db.leader() as conn:
        profile = await a_profile(conn, DAILY)
    chunk = [one for one, _ in await waiting(db, profile, 4)]
    async with db.leader() as conn:
        decisions = await late_checks.check(conn, chunk)
    all_went = {one.id for one in chunk[:3]}
    [stopped] = late_checks.stopped(chunk, decisions, all_went)
    assert (stopped.delivery_id, stopped.state) == (chunk[3].id, State.SUPPRESSED)
    [stopped] = late_checks.stopped(chunk, decisions, all_went - {chunk[0].id})
    assert (stopped.state, stopped.reason) == (State.HELD, "frequency_cap")
    assert stopped.due_at is not None
    assert stopped.due_at <= datetime.now(UTC)


async def test_a_notification_counts_once_and_is_not_stopped_by_itself(db: Database) -> None:
    one_a_day = {"frequency": [{"limit": 1, "per": "day", "category": None}]}
    async with db.leader() as conn:
        profile = await a_profile(conn, one_a_day)
        row, delivery, attempt = await rows.sending(conn, profile_id=profile)
        await rows.settled(
            conn, delivery, attempt, State.HELD, maybe_sent=True, due_at=datetime.now(UTC)
        )
        [again], _ = await rows.leased(conn, row)
        other = await rows.planned(conn, profile_id=profile)
        [another], _ = await rows.leased(conn, other)
    async with db.leader() as conn:
        decisions = await late_checks.check(conn, [again, another])
    assert late_checks.may_go(decisions[again.id])
    assert decisions[another.id].reason == "frequency_cap"


async def test_the_window_slides(db: Database) -> None:
    one_an_hour = {"frequency": [{"limit": 1, "per": "hour", "category": None}]}
    async with db.leader() as conn:
        profile = await a_profile(conn, one_an_hour)
        _, delivery, attempt = await rows.sending(conn, profile_id=profile)
        await rows.settled(conn, delivery, attempt, State.SENT)
    [(next_one, _)] = await waiting(db, profile, 1)
    for minutes, goes in ((59, False), (61, True)):
        async with db.leader() as conn:
            ago = datetime.now(UTC) - timedelta(minutes=minutes)
            await conn.execute(
                text("UPDATE deliveries SET attempted_at = :ago WHERE id = :id"),
                {"ago": ago, "id": delivery},
            )
            decision = (await late_checks.check(conn, [next_one]))[next_one.id]
            assert late_checks.may_go(decision) is goes


async def test_recipients_who_chose_nothing_are_not_asked_about(db: Database) -> None:
    async with db.leader() as conn:
        row = await rows.planned(conn)
        found, _ = await rows.leased(conn, row)
        assert await late_checks.check(conn, found) == {}
