"""Lease, mark, send, settle: one winner at every step, and nothing sent that must not be."""

import asyncio
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from domain.delivery import Mark
from domain.ids import new_id
from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, State
from stores.database import Database
from stores.ledger import mark
from stores.ledger.change import cancel
from stores.ledger.lease import find_dead, release
from tests.fixtures import rows


async def test_the_whole_way_from_accepted_to_sent(db: Database) -> None:
    async with db.leader() as conn:
        row, delivery, attempt = await rows.sending(conn)
        assert await rows.state_of(conn, row) == ("sending", ["sending"])
        await rows.settled(conn, delivery, attempt, State.SENT)
        assert await rows.state_of(conn, row) == ("sent", ["sent"])


async def test_a_leased_delivery_is_leased_once(db: Database) -> None:
    async with db.leader() as conn:
        row = await rows.planned(conn)
        first, _ = await rows.leased(conn, row)
        second, _ = await rows.leased(conn, row)
    assert (len(first), len(second)) == (1, 0)


async def test_many_passes_at_once_share_the_rows_without_overlap(db: Database) -> None:
    async with db.leader() as conn:
        made = [await rows.planned(conn, workflow_id="shared") for _ in range(60)]
    ids = [row["id"] for row in made]

    async def take() -> list[object]:
        async with db.leader() as conn:
            from stores.ledger import lease

            found = await lease.lease(
                conn, ids, workflow_id="shared", token=new_id(), seconds=30, most=15
            )
            return [one.id for one in found]

    taken = await asyncio.gather(*(take() for _ in range(8)))
    flat = [one for part in taken for one in part]
    assert len(flat) == len(set(flat)) == 60


async def test_a_foreign_workflow_leases_nothing(db: Database) -> None:
    async with db.leader() as conn:
        row = await rows.planned(conn)
        found, _ = await rows.leased(conn, {**row, "workflow_id": "ntf_other"})
    assert found == []


async def test_a_lost_lease_marks_nothing(db: Database) -> None:
    async with db.leader() as conn:
        row = await rows.planned(conn)
        found, _ = await rows.leased(conn, row)
        assert await rows.marked(conn, found, new_id()) == {}


async def test_a_lease_that_ends_within_the_margin_marks_nothing(db: Database) -> None:
    async with db.leader() as conn:
        row = await rows.planned(conn)
        found, token = await rows.leased(conn, row, seconds=5)
        wanted = [Mark(found[0].id, new_id(), new_id(), "smtp")]
        assert await mark.mark(conn, wanted, token=token, margin=10, seconds=5) == set()


async def test_cancelled_between_lease_and_mark_is_not_sent(db: Database) -> None:
    async with db.leader() as conn:
        row = await rows.planned(conn)
        found, token = await rows.leased(conn, row)
        assert await cancel(conn, row["id"])
        assert await rows.marked(conn, found, token) == {}
        assert await rows.state_of(conn, row) == ("cancelled", ["cancelled"])


async def test_suppressed_between_lease_and_mark_is_not_sent(db: Database) -> None:
    async with db.leader() as conn:
        row = await rows.planned(conn)
        found, token = await rows.leased(conn, row)
        await conn.execute(
            text("""
                INSERT INTO suppressions (id, channel, address, reason, source)
                VALUES (:id, 'email', 'sam@example.com', 'unsubscribe', 'test')
            """),
            {"id": new_id()},
        )
        assert await rows.marked(conn, found, token) == {}
        late = await mark.find_late(conn, [found[0].id], token=token, margin=0)
        assert late == {found[0].id: (False, False)}


async def test_expired_between_lease_and_mark_is_not_sent(db: Database) -> None:
    async with db.leader() as conn:
        soon = datetime.now(UTC) + timedelta(milliseconds=300)
        row = await rows.planned(conn, expires_at=soon)
        found, token = await rows.leased(conn, row)
    await asyncio.sleep(0.35)
    async with db.leader() as conn:
        assert await rows.marked(conn, found, token) == {}
        late = await mark.find_late(conn, [found[0].id], token=token, margin=0)
        assert late == {found[0].id: (True, False)}


async def test_a_released_lease_can_be_taken_at_once(db: Database) -> None:
    async with db.leader() as conn:
        row = await rows.planned(conn)
        found, token = await rows.leased(conn, row)
        await release(conn, [found[0].id], token)
        again, _ = await rows.leased(conn, row)
    assert len(again) == 1


async def test_a_dead_senders_row_is_found_only_after_its_lease(db: Database) -> None:
    async with db.leader() as conn:
        row, _delivery, attempt = await rows.sending(conn, seconds=0.2)
        assert await find_dead(conn, [row["id"]]) == []
    await asyncio.sleep(0.25)
    async with db.leader() as conn:
        assert [one.attempt_id for one in await find_dead(conn, [row["id"]])] == [attempt]


async def test_a_settlement_of_another_attempt_changes_nothing(db: Database) -> None:
    async with db.leader() as conn:
        row, delivery, _attempt = await rows.sending(conn)
        assert await rows.settled(conn, delivery, new_id(), State.SENT) == []
        assert await rows.state_of(conn, row) == ("sending", ["sending"])


async def test_a_zombies_late_proof_turns_unknown_into_sent(db: Database) -> None:
    async with db.leader() as conn:
        row, delivery, attempt = await rows.sending(conn)
        unknown = Outcome(OutcomeKind.UNKNOWN, "sender_died")
        await rows.settled(conn, delivery, attempt, State.UNKNOWN, maybe_sent=True, outcome=unknown)
        assert await rows.state_of(conn, row) == ("unknown", ["unknown"])
        await rows.settled(conn, delivery, attempt, State.SENT)
        assert await rows.state_of(conn, row) == ("sent", ["sent"])
        await rows.settled(conn, delivery, attempt, State.FAILED)
        assert await rows.state_of(conn, row) == ("sent", ["sent"])


async def test_a_second_attempt_moves_the_first_to_its_own_table(db: Database) -> None:
    async with db.leader() as conn:
        row, delivery, first = await rows.sending(conn)
        throttled = Outcome(OutcomeKind.THROTTLED, "rate_account", retry_after=1)
        now = datetime.now(UTC)
        await rows.settled(
            conn, delivery, first, State.HELD, due_at=now, outcome=throttled, reason="rate_account"
        )
        found, token = await rows.leased(conn, row)
        second = (await rows.marked(conn, found, token))[delivery]
        await rows.settled(conn, delivery, second, State.SENT)
        kept = (await conn.execute(text("SELECT id, number, outcome FROM attempts"))).one()
        latest = (await conn.execute(text("SELECT attempts, attempt_id FROM deliveries"))).one()
    assert (kept.id, kept.number, kept.outcome["reason"]) == (first, 1, "rate_account")
    assert (latest.attempts, latest.attempt_id) == (2, second)
