"""The low lane sees what is urgent, lets it go first, and is never stopped by it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities import giving_way
from activities.giving_way import GivingWay
from domain.vocabulary import State
from stores.database import Database
from stores.ledger.urgent import anything_urgent
from tests.fixtures import rows


async def test_an_unfinished_high_one_is_urgent_until_it_is_settled(db: Database) -> None:
    async with db.leader() as conn:
        assert not await anything_urgent(conn)
        _, delivery, attempt = await rows.sending(conn, priority="high")
        assert await anything_urgent(conn)
        await rows.settled(conn, delivery, attempt, State.SENT)
        assert not await anything_urgent(conn)


@pytest.mark.parametrize(
    "given",
    [
        {"priority": "medium"},
        {"priority": "low"},
        {"priority": "high", "due_at": datetime.now(UTC) + timedelta(hours=1)},
        {"priority": "high", "due_at": datetime.now(UTC) - timedelta(minutes=1)},
    ],
    ids=["medium", "low", "later", "stuck"],
)
async def test_nothing_else_is_urgent(db: Database, given: dict[str, Any]) -> None:
    async with db.leader() as conn:
        await rows.accepted(conn, **given)
        assert not await anything_urgent(conn)


async def test_a_pause_ends_when_the_high_lane_is_empty(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_way, "PATIENCE_SECONDS", 60.0)
    async with db.leader() as conn:
        _, delivery, attempt = await rows.sending(conn, priority="high")
    pause = asyncio.create_task(GivingWay(db).pause())
    await asyncio.sleep(0.1)
    assert not pause.done()
    async with db.leader() as conn:
        await rows.settled(conn, delivery, attempt, State.SENT)
    await asyncio.wait_for(pause, 30)


async def test_a_pause_ends_all_the_same_when_the_high_lane_is_never_empty(db: Database) -> None:
    async with db.leader() as conn:
        await rows.sending(conn, priority="high")
    await asyncio.wait_for(GivingWay(db).pause(), 30)
