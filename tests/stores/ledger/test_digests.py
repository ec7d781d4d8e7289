"""Digests in the ledger: each delivery in exactly one, whole, and accounted for by itself."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.planning import plan_new
from domain.delivery import Leased, Mark, Settlement
from domain.ids import new_id
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, ReceiptKind, State
from stores.database import Database
from stores.ledger import balance, digests, lease, look_ups, mark, receipts
from stores.ledger.change import cancel, change
from stores.ledger.fold import fold
from stores.ledger.receipts import Receipt
from stores.ledger.settle import settle, touched
from tests.fixtures import rows

MODULE = new_id()
WINDOW = {"key": "orders", "window_seconds": 3_600}


async def arrive(conn: AsyncConnection, **given: Any) -> dict[str, Any]:
    """Accept and plan a notification of the digest `orders`."""
    row = await rows.accepted(conn, **{"module_id": MODULE, "digest": WINDOW, **given})
    await plan_new(conn, [row["id"]], row["workflow_id"])
    return row


async def fall_due(conn: AsyncConnection) -> None:
    """Let the time of all that is collected come."""
    await conn.execute(text("UPDATE digests SET due_at = clock_timestamp()"))
    await conn.execute(text("UPDATE deliveries SET due_at = least(due_at, clock_timestamp())"))


async def gathered(
    conn: AsyncConnection, row: dict[str, Any], *, seconds: float = 30
) -> tuple[list[Leased], UUID]:
    """Take what is due as the workflow of a notification does, and lease it."""
    workflow, token = await workflow_of(conn, row), new_id()
    ids = {row["id"], *await digests.members(conn, workflow)}
    ids |= set(await digests.gather(conn, sorted(ids), workflow))
    found = await lease.lease(
        conn, sorted(ids), workflow_id=workflow, token=token, seconds=seconds, most=1_000
    )
    return found, token


async def carried(
    conn: AsyncConnection, leased: list[Leased], token: UUID, *, seconds: float = 30
) -> tuple[UUID, dict[UUID, UUID]]:
    """Mark leased deliveries as one message; return its attempt, and theirs by their ids."""
    message = new_id()
    account = new_id()
    marks = [Mark(one.id, new_id(), account, "smtp", carried_by=message) for one in leased]
    sent = await mark.mark(conn, marks, token=token, margin=0, seconds=seconds)
    return message, {one.delivery_id: one.attempt_id for one in marks if one.delivery_id in sent}


async def workflow_of(conn: AsyncConnection, row: dict[str, Any]) -> str:
    found = await conn.execute(
        text("SELECT workflow_id FROM notifications WHERE id = :id"), {"id": row["id"]}
    )
    return str(found.scalar_one())


async def states(conn: AsyncConnection) -> Counter[str]:
    found = await conn.execute(text("SELECT state FROM deliveries"))
    return Counter(found.scalars())


async def test_what_is_collected_waits_in_one_digest_and_one_workflow(db: Database) -> None:
    async with db.leader() as conn:
        made = [await arrive(conn) for _ in range(3)]
        kept = (await conn.execute(text("SELECT * FROM deliveries ORDER BY id"))).all()
        found = await digests.find(conn, [one.digest_id for one in kept])
        assert {(one.state, one.reason, one.digest_id) for one in kept} == {
            ("held", "digest", kept[0].digest_id)
        }
        [digest] = found.values()
        assert (digest.key, digest.source, digest.collected) == ("orders", "request", 3)
        assert {await workflow_of(conn, row) for row in made} == {made[0]["workflow_id"]}
        leased, _ = await gathered(conn, made[0])
        assert leased == []


async def test_another_key_category_module_or_recipient_has_a_digest_of_its_own(
    db: Database,
) -> None:
    async with db.leader() as conn:
        await arrive(conn)
        await arrive(conn, digest={**WINDOW, "key": "others"})
        await arrive(conn, category="bulk", **{"class": "bulk"})
        await arrive(conn, module_id=new_id())
        await arrive(conn, recipient={"email": "ann@example.com"})
        found = await conn.execute(text("SELECT DISTINCT digest_id FROM deliveries"))
        assert len(found.all()) == 5


async def test_what_is_urgent_or_cannot_be_one_of_several_goes_by_itself(db: Database) -> None:
    async with db.leader() as conn:
        for alone in (
            {"priority": "high"},
            {"category": "otp", "class": "otp"},
            {"category": "transactional", "uncollected": ["email"]},
            {"digest": None},
        ):
            row = await arrive(conn, **alone)
            assert await rows.state_of(conn, row) == ("accepted", ["accepted"]), alone


async def test_the_first_to_find_it_due_takes_all_of_it(db: Database) -> None:
    async with db.leader() as conn:
        made = [await arrive(conn) for _ in range(5)]
        # Recovery gave one of them to another workflow, as the sweeper does.
        await conn.execute(
            text("UPDATE notifications SET workflow_id = 'recovery' WHERE id = :id"),
            {"id": made[3]["id"]},
        )
        await fall_due(conn)
        leased, _ = await gathered(conn, made[3])
        assert len(leased) == 5
        assert {await workflow_of(conn, row) for row in made} == {"recovery"}
        assert (await gathered(conn, made[0]))[0] == []


async def test_at_the_closing_moment_each_is_in_exactly_one_digest(db: Database) -> None:
    async with db.leader() as conn:
        first = await arrive(conn)
        await conn.execute(
            text("UPDATE digests SET due_at = clock_timestamp() + interval '60 milliseconds'")
        )
        await conn.execute(
            text("UPDATE deliveries SET due_at = clock_timestamp() + interval '60 milliseconds'")
        )
    went: list[UUID] = []

    async def comes(number: int) -> None:
        await asyncio.sleep(number * 0.006)
        async with db.leader() as conn:
            await arrive(conn)

    async def closes(number: int) -> None:
        await asyncio.sleep(0.05 + number * 0.01)
        async with db.leader() as conn:
            leased, token = await gathered(conn, first)
            await asyncio.sleep(0.005)
            _, attempts = await carried(conn, leased, token) if leased else (None, {})
            went.extend(attempts)

    await asyncio.gather(*(comes(n) for n in range(20)), *(closes(n) for n in range(6)))
    async with db.leader() as conn:
        kept = (await conn.execute(text("SELECT id, digest_id, state FROM deliveries"))).all()
        sent = {one.digest_id for one in kept if one.state == "sending"}
    assert len(kept) == 21
    assert len(went) == len(set(went))
    assert {one.id for one in kept if one.digest_id in sent} == set(went)
    assert len(sent) == 1


async def test_all_are_settled_with_the_one_message_and_its_receipts_are_theirs(
    db: Database,
) -> None:
    async with db.leader() as conn:
        made = [await arrive(conn) for _ in range(3)]
        await fall_due(conn)
        leased, token = await gathered(conn, made[0])
        message, attempts = await carried(conn, leased, token)
        sent = Outcome(OutcomeKind.ACCEPTED, vendor_id="queued as 1")
        changed = await settle(
            conn,
            [
                Settlement(delivery, attempt, State.SENT, "", None, True, sent)
                for delivery, attempt in attempts.items()
            ],
        )
        await fold(conn, touched(changed))
        told = Receipt(message, ReceiptKind.DELIVERED, "1", None, datetime.now(UTC), {})
        moved = await receipts.keep(conn, [told])
        assert len(moved) == 3
        assert await receipts.keep(conn, [told]) == []
        known = await receipts.find_attempts(conn, [message])
        assert known[message].delivery_id in attempts
        now = datetime.now(UTC)
        classes, kinds = await balance.count(
            conn, since=now - timedelta(hours=1), until=now + timedelta(hours=1), module_id=MODULE
        )
        assert (classes, kinds) == ({"transactional": {"delivered": 3}}, {"delivered": 3})


async def test_a_sender_that_dies_leaves_all_of_it_unknown_and_asks_for_it_once(
    db: Database,
) -> None:
    async with db.leader() as conn:
        bulk = {"category": "bulk", "class": "bulk"}
        made = [await arrive(conn, **bulk) for _ in range(3)]
        await fall_due(conn)
        leased, token = await gathered(conn, made[0])
        message, attempts = await carried(conn, leased, token, seconds=0.05)
    await asyncio.sleep(0.1)
    async with db.leader() as conn:
        dead = await lease.find_dead(conn, [row["id"] for row in made])
        assert {one.id: one.attempt_id for one in dead} == attempts
        unknown = Outcome(OutcomeKind.UNKNOWN, "sender_died")
        await settle(
            conn,
            [
                Settlement(
                    one.id, one.attempt_id, State.UNKNOWN, "sender_died", None, True, unknown
                )
                for one in dead
            ],
        )
        account = (
            await conn.execute(text("SELECT account_id FROM deliveries LIMIT 1"))
        ).scalar_one()
        pace = look_ups.Pace(youngest=0)
        [asked] = await look_ups.claim(conn, [account], pace=pace, most=10)
        assert asked.attempt_id == message
        changed = await look_ups.settle_absent(conn, [(asked.id, asked.attempt_id)])
        assert len(changed) == 3
        assert await states(conn) == {"failed": 3}


async def test_cancelled_expired_and_urgent_ones_leave_the_others_together(db: Database) -> None:
    async with db.leader() as conn:
        made = [await arrive(conn) for _ in range(4)]
        soon = datetime.now(UTC) + timedelta(milliseconds=200)
        late = await arrive(conn, expires_at=soon)
        assert await cancel(conn, made[0]["id"])
        found = (
            await conn.execute(
                text("SELECT version, expires_at FROM notifications WHERE id = :id"),
                {"id": made[1]["id"]},
            )
        ).one()
        urgent = {
            **made[1], "workflow_id": await workflow_of(conn, made[1]), "priority": "high",
            "expires_at": found.expires_at, "send_at": None, "due_at": datetime.now(UTC),
            "start_deadline": None, "expiry_asked": True, "uncollected": [],
        }  # fmt: skip
        assert await change(conn, made[1]["id"], found.version, urgent, leaves_digest=True)
    await asyncio.sleep(0.25)
    async with db.leader() as conn:
        early, token = await gathered(conn, made[1])
        assert {one.notification_id for one in early} == {made[1]["id"], late["id"]}
        assert {one.digest_id is None for one in early} == {True, False}
        _, went = await carried(conn, early, token)
        assert [one.notification_id for one in early if one.id in went] == [made[1]["id"]]
        await fall_due(conn)
        leased, _ = await gathered(conn, made[2])
        together = {one.notification_id for one in leased} - {late["id"]}
        assert together == {made[2]["id"], made[3]["id"]}


async def test_one_that_comes_when_nothing_waits_carries_the_digest_itself(db: Database) -> None:
    async with db.leader() as conn:
        first = await arrive(conn)
        await cancel(conn, first["id"])
        second = await arrive(conn)
        assert await workflow_of(conn, second) == second["workflow_id"]


async def test_without_an_asked_expiry_it_lives_on_after_its_digest(db: Database) -> None:
    async with db.leader() as conn:
        day = {"key": "orders", "window_seconds": 6 * 86_400}
        asked = await arrive(conn, digest={**day, "key": "a"})
        not_asked = await arrive(conn, digest={**day, "key": "b"}, expiry_asked=False)
        found = await conn.execute(
            text("""
                SELECT d.notification_id, g.due_at < d.expires_at AS lives FROM deliveries d
                JOIN digests g ON g.id = d.digest_id
            """)
        )
        lives = {row.notification_id: row.lives for row in found}
    assert lives == {asked["id"]: False, not_asked["id"]: True}
