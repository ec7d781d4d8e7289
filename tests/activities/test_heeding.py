"""Messages to an address heed what the profiles chose that have it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from activities import late_checks
from activities.planning import plan_new
from domain.ids import new_id
from domain.rules import Rule, RuleKind
from domain.vocabulary import State
from stores import preferences
from stores.database import Database
from tests.fixtures import rows

NOTHING: dict[str, Any] = {}
OFF = {"categories": {"transactional": {"email": False, "sms": False}}}


async def a_module(conn: AsyncConnection) -> UUID:
    module = new_id()
    await conn.execute(
        text("INSERT INTO modules (id, key, name) VALUES (:id, :key, 'x')"),
        {"id": module, "key": str(module)},
    )
    return module


async def a_profile(
    conn: AsyncConnection, module: UUID, document: dict[str, Any], **addresses: str
) -> UUID:
    profile = new_id()
    columns = "".join(f", {name}" for name in addresses)
    values = "".join(f", :{name}" for name in addresses)
    await conn.execute(
        text(f"INSERT INTO profiles (id, module_id{columns}) VALUES (:id, :module{values})"),
        {"id": profile, "module": module, **addresses},
    )
    await preferences.put(conn, profile, document, [])
    return profile


async def planned(
    conn: AsyncConnection, module: UUID, recipient: dict[str, Any], **given: Any
) -> list[Any]:
    """Plan a notification to addresses and return its deliveries."""
    given = {"recipient_keys": [one.lower() for one in recipient.values()], **given}
    row = await rows.accepted(conn, module_id=module, recipient=recipient, **given)
    await plan_new(conn, [row["id"]], row["workflow_id"])
    found = await conn.execute(
        text("SELECT * FROM deliveries WHERE notification_id = :id ORDER BY id"), {"id": row["id"]}
    )
    return list(found)


@pytest.mark.parametrize(
    ("has", "given", "channel"),
    [
        ({"email": "Ann@Example.com"}, {"email": "ann@example.COM"}, "email"),
        ({"phone": "+14155550100"}, {"phone": "+14155550100"}, "sms"),
    ],
)
async def test_an_address_of_a_profile_is_refused_as_the_profile_would(
    db: Database, has: dict[str, str], given: dict[str, str], channel: str
) -> None:
    async with db.leader() as conn:
        module, other = await a_module(conn), await a_module(conn)
        await a_profile(conn, module, NOTHING, **has)
        await a_profile(conn, module, OFF, **has)
        content = {"email": {"subject": "Hi", "text": "x"}, "sms": {"text": "x"}}
        asked = {"channels": [channel], "content": content}
        [refused] = await planned(conn, module, given, **asked)
        [allowed] = await planned(conn, other, given, **asked)
    assert (refused.state, refused.reason) == ("suppressed", "preference")
    assert refused.decision[0]["rule"] == "preference"
    assert allowed.state == "accepted"


async def test_caps_count_what_went_to_the_address_and_what_went_to_the_profile(
    db: Database,
) -> None:
    two = {"frequency": [{"limit": 2, "per": "day", "category": None}]}
    async with db.leader() as conn:
        module = await a_module(conn)
        profile = await a_profile(conn, module, two, email="sam@example.com")
        await rows.sending(conn, module_id=module, profile_id=profile)
        asked = []
        for _ in range(2):
            [one] = await planned(conn, module, {"email": "sam@example.com"})
            row = {"id": one.notification_id}
            found = await conn.execute(
                text("SELECT workflow_id FROM notifications WHERE id = :id"), row
            )
            [leased], token = await rows.leased(conn, {**row, "workflow_id": found.scalar_one()})
            asked.append((leased, token))
    async with db.leader() as conn:
        decisions = await late_checks.check(conn, [one for one, _ in asked])
        going = [pair for pair in asked if late_checks.may_go(decisions[pair[0].id])]
        assert len(going) == 1
        assert await rows.marked(conn, [going[0][0]], going[0][1])
        [another] = [one for one, _ in asked if one is not going[0][0]]
        again = await late_checks.check(conn, [another])
    assert again[another.id].reason == "frequency_cap"


async def test_hours_that_closed_since_hold_a_retry(db: Database) -> None:
    day = (datetime.now(UTC) + timedelta(days=3)).isoweekday()
    shut = {"start": "00:00", "end": "23:59", "timezone": "UTC", "days": [day]}
    night = Rule("night", RuleKind.HOURS, None, shut)
    async with db.leader() as conn:
        row = await rows.planned(conn)
        [one], _ = await rows.leased(conn, row)
        found = await late_checks.check(conn, [one], {one.id: [night]})
        [held] = late_checks.stopped([one], found, set())
        assert await late_checks.check(conn, [one], {one.id: []}) == {}
    assert (held.state, held.reason, held.due_at) == (State.HELD, "night", one.expires_at)
    assert held.decision is not None
    assert held.decision[0]["rule"] == "allowed_hours"
