"""The low lane takes turns, and fewer of them when something urgent was seen."""

import asyncio
from typing import Any

import pytest

from activities import giving_way
from activities.giving_way import QUIET_TURNS, TURNS, GivingWay
from stores.database import Database


async def most_at_once(way: GivingWay) -> int:
    """Return how many of six chunks were under way at once."""
    under_way, most = 0, 0

    async def chunk() -> None:
        nonlocal under_way, most
        async with way.turn():
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.01)
            under_way -= 1

    await asyncio.gather(*(chunk() for _ in range(6)))
    return most


@pytest.mark.parametrize(("urgent", "turns"), [(False, QUIET_TURNS), (True, TURNS)])
async def test_chunks_take_turns(
    db: Database, monkeypatch: pytest.MonkeyPatch, urgent: bool, turns: int
) -> None:
    asked = 0

    async def anything_urgent(_conn: Any) -> bool:
        nonlocal asked
        asked += 1
        return urgent and asked == 1

    monkeypatch.setattr(giving_way, "anything_urgent", anything_urgent)
    way = GivingWay(db)
    await way.pause()
    assert way.is_quiet is not urgent
    assert await most_at_once(way) == turns
    assert asked
