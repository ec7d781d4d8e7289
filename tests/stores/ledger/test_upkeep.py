"""Sweeping, closing, changing and the balance, on the ledger itself."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from domain.balance import balance, balanced
from domain.errors import Conflict
from domain.vocabulary import State
from stores import outbox
from stores.database import Database
from stores.ledger import sweep
from stores.ledger.balance import count
from stores.ledger.change import cancel
from stores.ledger.close import close_overdue
from stores.ledger.progress import find_next
from tests.fixtures import rows

AGES: dict[str, Any] = {
    "since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC),
    "module_id": None,
}  # fmt: skip


async def _module(conn: Any) -> Any:
    from domain.ids import new_id

    id = new_id()
    await conn.execute(
        text("INSERT INTO modules (id, key, name) VALUES (:id, :key, 'x')"),
        {"id": id, "key": str(id)},
    )
    return id


def ago(seconds: float) -> datetime:
    return datetime.now(UTC) - timedelta(seconds=seconds)


async def test_the_sweeper_finds_the_overdue_without_a_lease(db: Database) -> None:
    async with db.leader() as conn:
        module = await _module(conn)
        lost = await rows.accepted(conn, module_id=module, due_at=ago(60))
        await rows.accepted(conn, module_id=module)
        await rows.accepted(conn, module_id=module, due_at=ago(60), **{"class": "otp"})
        held = await rows.planned(conn, module_id=module, due_at=ago(60))
        await rows.leased(conn, held)
        found = await sweep.find_stale(conn, grace=10, most=100)
    assert [row.id for row in found] == [lost["id"]]


async def test_what_a_moving_queue_has_not_come_to_is_not_overdue(db: Database) -> None:
    async with db.leader() as conn:
        module = await _module(conn)
        passed, front, behind = [
            await make(conn, module_id=module, due_at=ago(seconds), created_at=ago(seconds))
            for make, seconds in (
                (rows.accepted, 90),
                (rows.planned, 60),
                (rows.accepted, 50),
            )
        ]
        elsewhere = await rows.accepted(conn, module_id=module, priority="high", due_at=ago(60))
        await rows.leased(conn, front)
        fronts = {
            queue: at for queue, at in (await sweep.find_fronts(conn)).items() if module in queue
        }
        found = await sweep.find_stale(conn, grace=10, most=1_000, fronts=fronts)
        idle = await sweep.find_stale(conn, grace=10, most=1_000)
    ours = {row["id"] for row in (passed, front, behind, elsewhere)}
    assert ours & {row.id for row in found} == {passed["id"], elsewhere["id"]}
    assert ours & {row.id for row in idle} == {passed["id"], behind["id"], elsewhere["id"]}
    assert list(fronts) == [(module, "medium")]


async def test_a_swept_notification_is_left_alone_for_a_while(db: Database) -> None:
    async with db.leader() as conn:
        row = await rows.accepted(conn, module_id=await _module(conn), due_at=ago(60))
        assert await sweep.assign(conn, [row["id"]], "recovery_1") == [row["id"]]
        assert await sweep.find_stale(conn, grace=10, most=100) == []
        assert await find_next(conn, [row["id"]], row["workflow_id"]) is None
        assert await find_next(conn, [row["id"]], "recovery_1") is not None


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"expires_at": ago(1)}, "expired"),
        ({"start_deadline": ago(1), "class": "otp"}, "failed"),
    ],
)
async def test_what_is_too_late_ends_with_one_delivery(
    db: Database, given: dict[str, Any], state: str
) -> None:
    async with db.leader() as conn:
        row = await rows.accepted(conn, due_at=ago(60), **given)
        assert await close_overdue(conn, [row["id"]]) == {row["id"]}
        assert await rows.state_of(conn, row) == (state, [state])


async def test_cancel_is_repeatable_and_refused_from_sending_on(db: Database) -> None:
    async with db.leader() as conn:
        row = await rows.accepted(conn)
        assert await cancel(conn, row["id"]) is True
        assert await cancel(conn, row["id"]) is False
        under_way, *_ = await rows.sending(conn)
        with pytest.raises(Conflict):
            await cancel(conn, under_way["id"])


async def test_cancel_and_mark_race_with_one_winner(db: Database) -> None:
    winners = []
    for _ in range(30):
        async with db.leader() as conn:
            row = await rows.planned(conn)
            found, token = await rows.leased(conn, row)

        async def send(found: Any = found, token: Any = token) -> bool:
            async def work(conn: Any) -> bool:
                return bool(await rows.marked(conn, found, token))

            return await db.retrying(work)

        async def stop(row: Any = row) -> bool:
            async def work(conn: Any) -> bool:
                return await cancel(conn, row["id"])

            try:
                return await db.retrying(work)
            except Conflict:
                return False

        sent, cancelled = await asyncio.gather(send(), stop())
        assert sent != cancelled
        winners.append(sent)
    print(f"30 races: mark won {sum(winners)}, cancel won {30 - sum(winners)}")


async def test_the_balance_counts_each_notification_once(db: Database) -> None:
    async with db.leader() as conn:
        await rows.accepted(conn)
        cancelled = await rows.accepted(conn)
        await cancel(conn, cancelled["id"])
        _, delivery, attempt = await rows.sending(conn)
        await rows.settled(conn, delivery, attempt, State.SENT)
        await rows.sending(conn)
        classes, _ = await count(conn, **AGES)
    figures = balance(classes["transactional"])
    assert balanced(figures)
    assert (figures["asked"], figures["sent"], figures["cancelled"], figures["waiting"]) == (
        4, 1, 1, 2,
    )  # fmt: skip


async def test_sealers_at_once_lose_and_repeat_no_event(db: Database) -> None:
    async def write(number: int) -> None:
        async with db.leader() as conn:
            await conn.execute(
                text("INSERT INTO outbox (events) VALUES (CAST(:e AS jsonb))"),
                {"e": [{"n": number, "k": k} for k in range(3)]},
            )
            await asyncio.sleep(0.001 * (number % 7))

    async def seal() -> None:
        for _ in range(40):
            async with db.leader() as conn:
                await outbox.seal(conn, most=5)

    await asyncio.gather(*(write(n) for n in range(100)), *(seal() for _ in range(3)))
    await seal()
    async with db.leader() as conn:
        batches = await outbox.read_batches(conn, after=0, most=10_000)
    assert [batch.seq for batch in batches] == list(range(1, len(batches) + 1))
    events = [(event["n"], event["k"]) for batch in batches for event in batch.events]
    assert sorted(events) == [(n, k) for n in range(100) for k in range(3)]


async def test_purged_batches_do_not_reset_the_numbering(db: Database) -> None:
    async with db.leader() as conn:
        for _ in range(3):
            await conn.execute(text("INSERT INTO outbox (events) VALUES ('[{}]')"))
            await outbox.seal(conn)
        await outbox.move_cursor(conn, "tracker", 3)
        await outbox.move_cursor(conn, "tracker", 1)
        assert await outbox.cursor(conn, "tracker") == 3
        assert await outbox.purge(conn, days=0) == 2
        await conn.execute(text("INSERT INTO outbox (events) VALUES ('[{}]')"))
        assert await outbox.seal(conn) == 4
