"""Escalations in the ledger: each step begins once, in its turn, until something stops them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.planning import plan_fallbacks, plan_new
from domain.ids import encode, new_id
from domain.rota import Override, Rota, Turn
from domain.vocabulary import ReceiptKind, State
from stores import rotas
from stores.database import Database
from stores.ledger import escalations, progress, receipts
from stores.ledger.change import cancel
from stores.ledger.close import close_overdue
from stores.ledger.fold import fold
from stores.ledger.receipts import Receipt
from stores.ledger.sweep import find_stale
from tests.fixtures import rows

WAIT = 300
EMAIL = {"channels": ["email"]}
SMS = {"channels": ["sms"]}
WORDS = {"email": {"subject": "Hi", "text": "Hello"}, "sms": {"text": "Hello"}}
BOTH = {"email": "sam@example.com", "phone": "+14155550100"}


def steps(*given: dict[str, Any]) -> dict[str, Any]:
    waits = [{"wait_seconds": 0, "stop_on": "read"}]
    waits += [{"wait_seconds": WAIT, "stop_on": "read"}] * (len(given) - 1)
    return {"steps": [{**wait, **one} for wait, one in zip(waits, given, strict=True)]}


async def begun(conn: AsyncConnection, *given: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A notification whose first step has begun."""
    row = await rows.accepted(
        conn, **{"escalation": steps(*given), "step": 0, "recipient": BOTH, "content": WORDS,
                 "channels": ["email", "sms"], **more},
    )  # fmt: skip
    await plan_new(conn, [row["id"]], row["workflow_id"])
    return row


async def come(conn: AsyncConnection, row: dict[str, Any]) -> int:
    """Let the waiting step's time come, and plan as its workflow does; return how many began."""
    await conn.execute(
        text("""
            UPDATE notifications SET step_due_at = clock_timestamp() - interval '1 ms'
            WHERE id = :id AND step_due_at IS NOT NULL
        """),
        {"id": row["id"]},
    )
    planned, _ = await plan_new(conn, [row["id"]], row["workflow_id"])
    return planned


async def sent(conn: AsyncConnection, row: dict[str, Any], state: State = State.SENT) -> UUID:
    """Send what is due of a notification as its worker does; return the last attempt's id."""
    found, token = await rows.leased(conn, row)
    attempts = await rows.marked(conn, found, token)
    for delivery, attempt in attempts.items():
        await rows.settled(conn, delivery, attempt, state)
    return [*attempts.values()][-1]


async def heard(conn: AsyncConnection, attempt: UUID, kind: ReceiptKind) -> None:
    now = datetime.now(UTC)
    moved = await receipts.keep(conn, [Receipt(attempt, kind, "", None, now, {})])
    await fold(conn, moved)


async def story(conn: AsyncConnection, row: dict[str, Any]) -> Any:
    """(state, finished, begun, stop_reason) and {(step, channel, state)} of a notification."""
    found = await conn.execute(
        text("""
            SELECT state, finished_at IS NOT NULL AS finished, step, stop_reason, due_at,
                step_due_at FROM notifications WHERE id = :id
        """),
        {"id": row["id"]},
    )
    one = found.one()
    deliveries = await conn.execute(
        text("""
            SELECT step, channel, state FROM deliveries WHERE notification_id = :id ORDER BY id
        """),
        {"id": row["id"]},
    )
    told = [(each.step, each.channel, each.state) for each in deliveries]
    return (one.state, one.finished, one.step, one.stop_reason), told


async def test_steps_begin_one_after_the_other_each_once(db: Database) -> None:
    async with db.leader() as conn:
        row = await begun(conn, EMAIL, SMS, {"channels": ["email", "sms"]})
        await sent(conn, row)
        assert await story(conn, row) == (("sending", False, 1, None), [(1, "email", "sent")])
        waits = await progress.find_next(conn, [row["id"]], row["workflow_id"])
        assert waits is not None
        assert (waits.channel, waits.reason) == ("sms", "step 2, unless read before")
        rest = (waits.due_at - datetime.now(UTC)).total_seconds()
        assert WAIT - 60 < rest <= WAIT
        # Before its time nothing begins, and another's workflow begins nothing.
        assert await plan_new(conn, [row["id"]], row["workflow_id"]) == (0, set())
        stolen = {**row, "workflow_id": "another"}
        assert await come(conn, stolen) == 0
        assert await come(conn, row) == 1
        facts, told = await story(conn, row)
    assert facts == ("sending", False, 2, None)
    assert told == [(1, "email", "sent"), (2, "sms", "accepted")]


async def test_the_last_step_ends_it(db: Database) -> None:
    async with db.leader() as conn:
        row = await begun(conn, EMAIL, SMS)
        await sent(conn, row)
        assert await come(conn, row) == 1
        assert await come(conn, row) == 0
        await sent(conn, row)
        assert await story(conn, row) == (
            ("sent", True, 2, None), [(1, "email", "sent"), (2, "sms", "sent")],
        )  # fmt: skip
        # What is read after the last step has nothing left to stop.
        assert await escalations.stop_met(conn, [row["id"]]) == []


async def test_what_is_heard_stops_only_what_waits_for_it(db: Database) -> None:
    async with db.leader() as conn:
        for stop_on, kind, stops in (
            ("read", ReceiptKind.DELIVERED, False),
            ("read", ReceiptKind.OPENED, True),
            ("delivered", ReceiptKind.DELIVERED, True),
            ("acknowledged", ReceiptKind.READ, False),
        ):
            row = await begun(conn, EMAIL, {**SMS, "stop_on": stop_on})
            await heard(conn, await sent(conn, row), kind)
            facts, told = await story(conn, row)
            assert facts[1] is stops, (stop_on, kind)
            assert (facts[3] is not None) is stops
            assert await come(conn, row) == (0 if stops else 1)
            assert len(told) == 1


async def test_an_acknowledgement_stops_each_and_cancels_what_waits(db: Database) -> None:
    async with db.leader() as conn:
        row = await begun(conn, EMAIL, SMS, SMS)
        await sent(conn, row)
        assert await come(conn, row) == 1  # the second step waits to be leased
        assert await escalations.acknowledge(conn, row["id"], "key:shop")
        assert not await escalations.acknowledge(conn, row["id"], "key:other")
        assert await escalations.stop_met(conn, [row["id"]]) == [row["id"]]
        await fold(conn, [row["id"]])
        assert await story(conn, row) == (
            ("sent", True, 2, "acknowledged"), [(1, "email", "sent"), (2, "sms", "cancelled")],
        )  # fmt: skip
        assert await come(conn, row) == 0


async def test_a_condition_that_nobody_told_of_is_seen_when_the_step_is_due(db: Database) -> None:
    async with db.leader() as conn:
        row = await begun(conn, EMAIL, SMS)
        await sent(conn, row)
        await conn.execute(
            text("UPDATE deliveries SET state = 'read' WHERE notification_id = :id"),
            {"id": row["id"]},
        )
        await come(conn, row)
        assert await story(conn, row) == (("read", True, 1, "read"), [(1, "email", "read")])


async def test_a_step_that_reaches_nobody_lets_the_next_begin_at_once(db: Database) -> None:
    async with db.leader() as conn:
        row = await begun(conn, SMS, EMAIL, SMS, recipient={"email": "sam@example.com"})
        assert (await story(conn, row))[1] == [(1, "sms", "suppressed")]
        assert (await plan_new(conn, [row["id"]], row["workflow_id"]))[0] == 1
        attempt = await sent(conn, row, State.FAILED)
        assert attempt
        await plan_fallbacks(conn, [row["id"]], row["workflow_id"])
        await fold(conn, [row["id"]])
        planned, ended = await plan_new(conn, [row["id"]], row["workflow_id"])
        assert (planned, ended) == (1, {row["id"]})
        assert await story(conn, row) == (
            ("failed", True, 3, None),
            [(1, "sms", "suppressed"), (2, "email", "failed"), (3, "sms", "suppressed")],
        )


async def test_a_channel_of_the_step_is_tried_before_the_next_step(db: Database) -> None:
    async with db.leader() as conn:
        row = await begun(conn, {"channels": ["email", "sms"]}, EMAIL)
        await sent(conn, row, State.FAILED)
        await plan_fallbacks(conn, [row["id"]], row["workflow_id"])
        await fold(conn, [row["id"]])
        assert (await plan_new(conn, [row["id"]], row["workflow_id"]))[0] == 0
        await sent(conn, row)
        assert await come(conn, row) == 1  # the e-mail of the first step does not count as used
        assert (await story(conn, row))[1] == [
            (1, "email", "failed"), (1, "sms", "sent"), (2, "email", "accepted"),
        ]  # fmt: skip


async def test_cancelling_leaves_the_rest_not_sent_and_is_repeatable(db: Database) -> None:
    async with db.leader() as conn:
        row = await begun(conn, EMAIL, SMS)
        await sent(conn, row)
        assert await cancel(conn, row["id"])
        assert not await cancel(conn, row["id"])
        assert await story(conn, row) == (("sent", True, 1, "cancelled"), [(1, "email", "sent")])
        assert await come(conn, row) == 0


async def test_expiry_stops_it_and_the_sweeper_sees_a_step_that_is_overdue(db: Database) -> None:
    async with db.leader() as conn:
        soon = datetime.now(UTC) + timedelta(seconds=WAIT / 2)
        row = await begun(conn, EMAIL, SMS, expires_at=soon)
        await sent(conn, row)
        waits = await progress.find_next(conn, [row["id"]], row["workflow_id"])
        assert waits is not None
        assert waits.due_at == soon  # looked at when it expires
        late = datetime.now(UTC) - timedelta(seconds=1)
        await conn.execute(
            text("UPDATE notifications SET expires_at = :at, step_due_at = :at, due_at = :at"
                 " WHERE id = :id"),
            {"id": row["id"], "at": late},
        )  # fmt: skip
        assert await plan_new(conn, [row["id"]], row["workflow_id"]) == (0, set())
        assert await close_overdue(conn, [row["id"]]) == {row["id"]}
        assert await story(conn, row) == (("sent", True, 1, "expired"), [(1, "email", "sent")])
        await conn.execute(
            text("INSERT INTO modules (id, key, name) VALUES (:id, 'm', 'm')"),
            {"id": (module := new_id())},
        )
        other = await begun(conn, EMAIL, SMS, module_id=module)
        await sent(conn, other)
        await conn.execute(
            text("UPDATE notifications SET step_due_at = :at, due_at = :at WHERE id = :id"),
            {"id": other["id"], "at": late - timedelta(minutes=1)},
        )
        assert [one.id for one in await find_stale(conn, grace=30, most=10)] == [other["id"]]


async def test_a_rota_is_asked_when_the_step_begins_and_then_for_the_next(db: Database) -> None:
    async with db.leader() as conn:
        module = new_id()
        await conn.execute(
            text("INSERT INTO modules (id, key, name) VALUES (:id, 'm', 'm')"), {"id": module}
        )
        ann, ben, cy = [await a_profile(conn, module, name) for name in ("ann", "ben", "cy")]
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
        rota = Rota((ann, ben), Turn.WEEK, yesterday, time(0), "UTC")
        id = await a_rota(conn, module, "on-call", rota)
        nobody = Rota((), Turn.DAY, date(2030, 1, 1), time(0), "UTC")
        empty = await a_rota(conn, module, "empty", nobody)
        on_call = {"channels": ["email"], "rota": encode("rot", id)}
        row = await begun(
            conn, on_call, on_call, {"channels": ["email"], "rota": encode("rot", empty)},
            {"channels": ["email"], "recipient": encode("prf", cy)}, module_id=module,
        )  # fmt: skip
        now = datetime.now(UTC)
        stands = Override(cy, now - timedelta(hours=1), now + timedelta(hours=1))
        await rotas.change(conn, id, "on-call", replace(rota, overrides=(stands,)))
        for _ in range(2):
            await sent(conn, row)
            await come(conn, row)
            await plan_new(conn, [row["id"]], row["workflow_id"])
        told = await conn.execute(
            text("""
                SELECT step, profile_id, address, reason FROM deliveries
                WHERE notification_id = :id ORDER BY id
            """),
            {"id": row["id"]},
        )
        assert [tuple(one) for one in told] == [
            (1, ann, "ann@example.com", ""),
            (2, cy, "cy@example.com", ""),
            (3, None, "", "nobody_on_duty"),
            (4, cy, "cy@example.com", ""),
        ]
        [leased], _ = await rows.leased(conn, row)
        assert (leased.profile_id, leased.name, leased.choosers) == (cy, "cy", (cy,))


async def a_profile(conn: AsyncConnection, module: UUID, name: str) -> UUID:
    id = new_id()
    await conn.execute(
        text("""
            INSERT INTO profiles (id, module_id, external_id, name, email)
            VALUES (:id, :module, :name, :name, :email)
        """),
        {"id": id, "module": module, "name": name, "email": f"{name}@example.com"},
    )
    return id


async def a_rota(conn: AsyncConnection, module: UUID, name: str, rota: Rota) -> UUID:
    id = new_id()
    row = {"id": id, "module_id": module, "name": name, "created_by": "test"}
    await rotas.add(conn, row, rota)
    return id
