"""What rules hold is looked at again when its recipient chose anew, and nothing else is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from activities import late_checks
from domain.delivery import Settlement
from domain.ids import new_id
from domain.vocabulary import State
from stores import preferences
from stores.database import Database
from stores.ledger.fold import fold
from stores.ledger.relook import relook
from stores.ledger.settle import settle, touched
from tests.fixtures import rows

LATER = datetime.now(UTC) + timedelta(minutes=30)
QUIET = [{"rule": "quiet_hours", "effect": "holds", "detail": ""}]


async def held(
    conn: AsyncConnection, reason: str, decision: Any = None, heeded: UUID | None = None,
    **given: Any,
) -> UUID:  # fmt: skip
    """Hold the delivery of a notification that was planned."""
    row = await rows.planned(conn, **given)
    [one], _ = await rows.leased(conn, row)
    changed = await settle(
        conn, [Settlement(one.id, None, State.HELD, reason, LATER, False, decision=decision)]
    )
    await fold(conn, touched(changed))
    await conn.execute(
        text("UPDATE notifications SET heeded = :heeded WHERE id = :id"),
        {"heeded": [heeded] if heeded else None, "id": row["id"]},
    )
    return one.id


async def due(conn: AsyncConnection) -> set[UUID]:
    """Return the deliveries that are due, by the ledger and by the sweeper's view of it."""
    found = await conn.execute(
        text("""
            SELECT d.id FROM deliveries d JOIN notifications n ON n.id = d.notification_id
            WHERE d.due_at <= clock_timestamp() AND n.due_at <= clock_timestamp()
        """)
    )
    return set(found.scalars())


async def test_what_a_rule_holds_is_due_at_once_by_name_and_by_address(db: Database) -> None:
    mine, other = new_id(), new_id()
    async with db.leader() as conn:
        named = await held(conn, "quiet_hours", QUIET, profile_id=mine)
        meant = await held(conn, "quiet_hours", QUIET, heeded=mine)
        await held(conn, "throttled", [{"rule": "quiet_hours", "effect": "allows", "detail": ""}],
                   profile_id=mine)  # fmt: skip
        await held(conn, "throttled", profile_id=mine)
        await held(conn, "quiet_hours", QUIET, profile_id=other)
        woken = await relook(conn, [mine])
        assert await due(conn) == {named, meant}
        assert len(woken) == 2
        assert await relook(conn, [mine]) == []


async def test_whoever_chooses_anew_waits_for_no_sender(db: Database) -> None:
    mine = new_id()
    async with db.leader() as conn:
        one = await held(conn, "quiet_hours", QUIET, profile_id=mine)
    async with db.leader() as sender, db.leader() as chooser:
        await sender.execute(text("SELECT id FROM deliveries FOR UPDATE"))
        assert await relook(chooser, [mine]) == []
    async with db.leader() as conn:
        await relook(conn, [mine])
        assert await due(conn) == {one}


@pytest.mark.parametrize("changed", [True, False])
async def test_a_hold_that_was_decided_by_former_preferences_is_looked_at_again(
    db: Database, changed: bool
) -> None:
    profile, module = new_id(), new_id()
    async with db.leader() as conn:
        await conn.execute(
            text("INSERT INTO modules (id, key, name) VALUES (:id, 'm', 'x')"), {"id": module}
        )
        await conn.execute(
            text("INSERT INTO profiles (id, module_id) VALUES (:id, :module)"),
            {"id": profile, "module": module},
        )
        now = datetime.now(UTC)
        quiet = {"start": f"{now - timedelta(hours=2):%H:%M}",
                 "end": f"{now + timedelta(hours=2):%H:%M}"}  # fmt: skip
        await preferences.put(conn, profile, {"quiet_hours": quiet}, [])
        row = await rows.planned(
            conn, profile_id=profile, module_id=module, expires_at=now + timedelta(hours=9)
        )
        [one], _ = await rows.leased(conn, row)
        [settlement] = late_checks.stopped([one], await late_checks.check(conn, [one]), set())
    async with db.leader() as conn:
        if changed:
            await preferences.put(conn, profile, {}, [])
        [found] = await late_checks.look_again(conn, [settlement])
    assert (found.state, settlement.reason) == (State.HELD, "quiet_hours")
    assert found.due_at is not None
    assert (found.due_at <= datetime.now(UTC)) is changed
