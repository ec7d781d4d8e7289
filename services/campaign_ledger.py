"""The ledger of a campaign: its balance, the list behind each number, and what nobody knows."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ab_tests import LETTERS, letter
from domain.balance import balance, balanced
from domain.contract.campaign import SettleUnknown
from domain.errors import Conflict, Invalid
from domain.ids import InvalidId, decode, encode
from domain.masking import mask
from domain.vocabulary import Channel, ReceiptKind, State
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.campaign_rows import find_row
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from stores import campaign_deliveries as store

_PAGE: Final = 5_000
_COLUMNS: Final = (
    "id", "profile", "channel", "address", "state", "reason", "attempts", "vendor", "account",
    "created_at", "due_at", "attempted_at", "settled_at", "opened_at", "clicked_at",
    "unsubscribed_at", "variant",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DeliveryFilters:
    """What a list of deliveries is narrowed by; several values of one mean OR."""

    state: Sequence[str] = ()
    reason: Sequence[str] = ()
    channel: Sequence[str] = ()
    receipt: Sequence[str] = ()
    variant: Sequence[str] = ()

    def conditions(self) -> dict[str, Any]:
        """Return the filters of the store; raises Invalid for a word that is none."""
        for name, given, known in (
            ("state", self.state, tuple(State)),
            ("channel", self.channel, tuple(Channel)),
            ("receipt", self.receipt, tuple(ReceiptKind)),
            ("variant", self.variant, LETTERS),
        ):
            if any(one not in known for one in given):
                raise Invalid.field(name, f"is none of {', '.join(known)}")
        found = {
            "states": list(self.state), "channels": list(self.channel),
            "reasons": [one.replace("\x00", "") for one in self.reason],
            "receipts": list(self.receipt),
            "variants": [LETTERS.index(one) for one in self.variant],
        }  # fmt: skip
        return {name: values for name, values in found.items() if values}


async def ledger(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return the balance, its receipts, and what is behind: by channel, variant and reason."""
    actor.require("campaigns:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        counted = await store.count(conn, row.id)
        receipts = await store.count_receipts(conn, row.id)
    states: Counter[str] = Counter()
    channels: defaultdict[str, Counter[str]] = defaultdict(Counter)
    variants: defaultdict[str, Counter[str]] = defaultdict(Counter)
    reasons: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in counted:
        states[one.state] += one.n
        channels[one.channel][one.state] += one.n
        if name := letter(one.variant):
            variants[name][one.state] += one.n
        if one.reason:
            reasons[one.state][one.reason] += one.n
    figures = balance(states)
    return {
        **figures,
        "balanced": balanced(figures),
        "receipts": {kind.value: receipts.get(kind, 0) for kind in ReceiptKind},
        "channels": {name: balance(found) for name, found in sorted(channels.items())},
        "variants": {name: balance(found) for name, found in sorted(variants.items())},
        "reasons": {state: dict(found.most_common()) for state, found in sorted(reasons.items())},
        "as_of": stamp(datetime.now(UTC)),
    }


async def find(
    app: App,
    actor: Actor,
    id_text: str,
    filters: DeliveryFilters,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Return a page of a campaign's deliveries, newest first; addresses are masked."""
    actor.require("campaigns:read")
    conditions = filters.conditions()
    before = decode_cursor(cursor)
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        conditions["campaign"] = row.id
        if before is not None:
            conditions["before"] = before
        rows = await store.find(conn, conditions, most=limit + 1)
    return Page([view(one) for one in rows[:limit]], next_cursor([r.id for r in rows], limit))


async def stream(
    app: App, actor: Actor, id_text: str, filters: DeliveryFilters
) -> AsyncIterator[str]:
    """Return all of a list as CSV, page by page; addresses in full for who may read profiles."""
    actor.require("campaigns:read")
    conditions = filters.conditions()
    async with app.db.leader() as conn:
        conditions["campaign"] = (await find_row(conn, actor, id_text)).id
    return _pages(app, conditions, in_full=actor.may("profiles:read"))


async def settle_unknown(
    app: App, actor: Actor, id_text: str, request: SettleUnknown
) -> dict[str, Any]:
    """Settle deliveries of which nobody knew, one by one or all; returns the ledger."""
    actor.require("campaigns:write")
    ids = None if request.deliveries is None else _ids(request.deliveries)

    async def work(conn: AsyncConnection) -> None:
        row = await find_row(conn, actor, id_text, lock=True)
        settled = await store.settle_unknown(conn, row.id, ids, sent=request.sent)
        if ids is not None and settled < len(set(ids)):
            raise Conflict(
                f"{len(set(ids)) - settled} of them are no unknown deliveries of this campaign (any"
                " more); nothing was changed."
            )
        detail = {"deliveries": settled, "sent": request.sent}
        await audit_row(conn, actor, "campaign.unknown_settled", "cmp", row, detail)

    await app.db.retrying(work)
    return await ledger(app, actor, id_text)


def view(row: Any, *, in_full: bool = False) -> dict[str, Any]:
    """Return a delivery of a campaign."""
    return {
        "id": encode("dlv", row.id),
        "notification": encode("ntf", row.notification_id),
        "profile": encode("prf", row.profile_id) if row.profile_id else None,
        "channel": row.channel,
        "address": row.address if in_full else mask(row.address),
        "state": row.state,
        "reason": row.reason,
        "attempts": row.attempts,
        "vendor": row.vendor,
        "account": row.account,
        "created_at": stamp(row.created_at),
        "due_at": stamp(row.due_at),
        "attempted_at": stamp(row.attempted_at),
        "settled_at": stamp(row.settled_at),
        "opened_at": stamp(row.opened_at),
        "clicked_at": stamp(row.clicked_at),
        "unsubscribed_at": stamp(row.unsubscribed_at),
        "variant": letter(row.variant),
    }


async def _pages(
    app: App, conditions: dict[str, Any], *, in_full: bool
) -> AsyncIterator[str]:  # fmt: skip
    yield ",".join(_COLUMNS) + "\r\n"
    while True:
        async with app.db.leader() as conn:
            rows = await store.find(conn, conditions, most=_PAGE)
        if rows:
            written = io.StringIO()
            lines = (view(row, in_full=in_full) for row in rows)
            csv.writer(written).writerows([line[name] for name in _COLUMNS] for line in lines)
            yield written.getvalue()
        if len(rows) < _PAGE:
            return
        conditions = {**conditions, "before": rows[-1].id}


def _ids(given: Sequence[str]) -> list[Any]:
    try:
        return [decode("dlv", one) for one in given]
    except InvalidId as error:
        raise Invalid.field("deliveries", str(error)) from None
