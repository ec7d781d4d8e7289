"""Receipts: any order, any repetition, before or after the settlement: the same end."""

import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, ReceiptKind, State
from stores.database import Database
from stores.ledger.balance import count
from stores.ledger.fold import fold
from stores.ledger.receipts import Receipt, keep
from tests.fixtures import rows

UNKNOWN = Outcome(OutcomeKind.UNKNOWN, "timeout_after_body")


def receipt(attempt: UUID, kind: ReceiptKind) -> Receipt:
    return Receipt(attempt, kind, f"event-{kind}", None, datetime.now(UTC), {"as": "told"})


ORDERS = list(itertools.permutations(["settle", ReceiptKind.DELIVERED, ReceiptKind.READ]))


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: "-".join(order))
async def test_every_order_ends_the_same(db: Database, order: tuple[str, ...]) -> None:
    async with db.leader() as conn:
        row, delivery, attempt = await rows.sending(conn)
        for step in (*order, *order):
            if step == "settle":
                await rows.settled(conn, delivery, attempt, State.SENT)
            else:
                await fold(conn, await keep(conn, [receipt(attempt, ReceiptKind(step))]))
        await fold(conn, [row["id"]])
        assert await rows.state_of(conn, row) == ("read", ["read"])
        told = (await conn.execute(text("SELECT count(*) FROM receipts"))).scalar_one()
    assert told == 2


async def test_a_receipt_settles_what_was_unknown(db: Database) -> None:
    async with db.leader() as conn:
        bulk: dict[str, Any] = {"class": "bulk"}
        row, delivery, attempt = await rows.sending(conn, **bulk)
        await rows.settled(conn, delivery, attempt, State.UNKNOWN, outcome=UNKNOWN, maybe_sent=True)
        await fold(conn, await keep(conn, [receipt(attempt, ReceiptKind.DELIVERED)]))
        assert await rows.state_of(conn, row) == ("delivered", ["delivered"])


async def test_a_bounced_message_stays_sent_with_its_receipt(db: Database) -> None:
    async with db.leader() as conn:
        row, delivery, attempt = await rows.sending(conn)
        await rows.settled(conn, delivery, attempt, State.SENT)
        await fold(conn, await keep(conn, [receipt(attempt, ReceiptKind.BOUNCED)]))
        assert await rows.state_of(conn, row) == ("sent", ["sent"])
        _, kinds = await count(
            conn,
            since=datetime(2020, 1, 1, tzinfo=UTC),
            until=datetime(2100, 1, 1, tzinfo=UTC),
            module_id=None,
        )
    assert kinds == {"bounced": 1}


async def test_a_receipt_of_an_earlier_attempt_proves_the_delivery_sent(db: Database) -> None:
    async with db.leader() as conn:
        row, delivery, first = await rows.sending(conn)
        now = datetime.now(UTC)
        await rows.settled(
            conn, delivery, first, State.HELD, due_at=now, maybe_sent=True, outcome=UNKNOWN
        )
        found, token = await rows.leased(conn, row)
        second = (await rows.marked(conn, found, token))[delivery]
        await rows.settled(conn, delivery, second, State.UNKNOWN, maybe_sent=True, outcome=UNKNOWN)
        await fold(conn, await keep(conn, [receipt(first, ReceiptKind.DELIVERED)]))
        assert await rows.state_of(conn, row) == ("delivered", ["delivered"])


async def test_a_receipt_that_matches_nothing_is_kept(db: Database) -> None:
    from domain.ids import new_id

    async with db.leader() as conn:
        assert await keep(conn, [receipt(new_id(), ReceiptKind.DELIVERED)]) == []
        waiting = await conn.execute(
            text("SELECT count(*) FROM receipts WHERE delivery_id IS NULL")
        )
        assert waiting.scalar_one() == 1
