"""Engagements: the first time is new, every other one is counted; programs are kept apart."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain.engagement import Engagement, EngagementKind
from domain.ids import encode, new_id
from domain.vocabulary import ReceiptKind
from stores import modules
from stores.database import Database
from stores.ledger import engagements
from stores.ledger.receipts import Receipt, keep
from tests.fixtures import rows

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
OPENED, CLICKED = EngagementKind.OPENED, EngagementKind.CLICKED


async def told(conn: Any) -> list[tuple[str, str, Any]]:
    """Return (event, delivery, link) of the notifications' events in the outbox, in order."""
    found = await conn.execute(text("SELECT events FROM outbox ORDER BY id"))
    return [
        (one["event"], one["delivery"], one.get("link"))
        for row in found
        for one in row.events
        if one["type"] == "notification" and "delivery" in one
    ]


async def sent(conn: Any, campaign: UUID | None = None, **given: Any) -> tuple[UUID, UUID]:
    """Return (delivery, attempt) of a message that was sent."""
    _, delivery, attempt = await rows.sending(conn, **given)
    await conn.execute(
        text("UPDATE deliveries SET state = 'sent', campaign_id = :campaign WHERE id = :id"),
        {"id": delivery, "campaign": campaign},
    )
    return delivery, attempt


async def test_the_first_time_is_an_event_and_repetitions_are_counted(db: Database) -> None:
    campaign, later = new_id(), AT + timedelta(minutes=5)
    async with db.leader() as conn:
        first, _ = await sent(conn, campaign)
        second, _ = await sent(conn, campaign)
        said = [
            Engagement(first, CLICKED, later, 2, "https://example.com/a"),
            Engagement(first, CLICKED, AT, 2, "https://example.com/a"),
            Engagement(first, CLICKED, AT, 1, "https://example.com/b"),
            Engagement(second, OPENED, AT, machine=True, reason="apple_privacy"),
        ]
        fresh = await engagements.record(conn, said)
        assert [(one.id, one.link, one.machine) for one in fresh] == [
            (first, 1, False), (first, 2, False), (second, 0, True),
        ]  # fmt: skip
        assert await engagements.record(conn, said) == []
        name = encode("dlv", first)
        assert await told(conn) == [("clicked", name, 1), ("clicked", name, 2)]
        kept = (await engagements.of_deliveries(conn, [first]))[first]
        assert [(one.link, one.times, one.occurred_at) for one in kept] == [(1, 2, AT), (2, 4, AT)]
        assert kept[1].last_at == later
        await engagements.record(conn, [Engagement(second, OPENED, later)])
        counted = {
            (one.kind, one.machine): (one.people, one.times)
            for one in (await engagements.count(conn, [campaign]))[campaign]
        }
        assert counted == {
            (CLICKED, False): (1, 6), (OPENED, True): (1, 2), (OPENED, False): (1, 1),
        }  # fmt: skip


async def test_what_turns_out_to_be_a_programs_is_no_persons_any_more(db: Database) -> None:
    campaign = new_id()
    async with db.leader() as conn:
        delivery, _ = await sent(conn, campaign)
        one, two = (Engagement(delivery, CLICKED, AT, link) for link in (1, 2))
        await engagements.record(conn, [one, one, two])
        moved = Engagement(delivery, CLICKED, AT, 1, machine=True, reason="all_links")
        await engagements.record(conn, [moved])
        await engagements.take_as_machine(conn, [moved])
        kept = (await engagements.of_deliveries(conn, [delivery]))[delivery]
        assert {(row.link, row.machine, row.reason, row.times) for row in kept} == {
            (1, True, "all_links", 3), (2, False, "", 1),
        }  # fmt: skip


async def test_receipts_of_vendors_come_into_the_same_table(db: Database) -> None:
    async with db.leader() as conn:
        module = (await modules.add(conn, new_id(), "shop", "Shop")).id
        delivery, attempt = await sent(conn, module_id=module)
        code: dict[str, Any] = {"class": "otp"}
        secret, password = await sent(conn, **code)

        def receipt(id: UUID, kind: ReceiptKind, **raw: Any) -> Receipt:
            return Receipt(id, kind, f"{kind}{raw}", None, AT, raw)

        heard = [
            receipt(attempt, ReceiptKind.OPENED, machine=True),
            receipt(attempt, ReceiptKind.CLICKED, url="https://example.com/a"),
            receipt(attempt, ReceiptKind.COMPLAINED, unsubscribes=True),
            receipt(attempt, ReceiptKind.DELIVERED),
            receipt(password, ReceiptKind.OPENED),
        ]
        await keep(conn, [*heard, *heard])
        kept = await engagements.of_deliveries(conn, [delivery, secret])
        assert {(row.kind, row.url, row.machine, row.times) for row in kept[delivery]} == {
            ("opened", "", True, 1), ("clicked", "https://example.com/a", False, 1),
            ("complained", "", False, 1), ("unsubscribed", "", False, 1),
        }  # fmt: skip
        assert secret not in kept
        assert {event for event, _, _ in await told(conn)} == {
            "clicked", "complained", "unsubscribed",
        }  # fmt: skip
