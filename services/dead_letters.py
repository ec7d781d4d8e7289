"""Dead letters: what failed, expired or is in doubt, and trying it once more."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.dead_letters import RedriveRequest
from domain.ids import decode, encode, floor_id, new_id
from domain.masking import mask
from domain.orders import Order
from domain.vocabulary import CategoryClass, Channel, State
from services.access import Actor
from services.app import App
from services.auditing import audit_subject
from services.notification_filters import known
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.temporal import TemporalDown
from services.times import stamp
from stores import dead_letters as store
from workflows.attributes import Facts

log = structlog.get_logger()

DEAD: Final = (State.FAILED, State.EXPIRED, State.UNKNOWN)
MOST: Final = 1_000
_TOGETHER: Final = 500


@dataclass(frozen=True, slots=True)
class DeadLetterFilters:
    """Each list means OR within itself; all filters together mean AND."""

    state: Sequence[str] = ()
    reason: Sequence[str] = ()
    channel: Sequence[str] = ()
    category: Sequence[str] = ()
    account: Sequence[str] = ()
    created_after: datetime | None = None
    created_before: datetime | None = None
    limit: int = DEFAULT_LIMIT
    cursor: str | None = None

    def conditions(self, module_id: UUID | None) -> dict[str, Any]:
        """Return the store's conditions; raises Invalid for values that cannot exist."""
        found = {
            "module_id": module_id,
            "states": known("state", self.state, DEAD),
            "reasons": [one.replace("\x00", "") for one in self.reason],
            "channels": known("channel", self.channel, Channel),
            "categories": [one.replace("\x00", "") for one in self.category],
            "accounts": [one.replace("\x00", "") for one in self.account],
            "since": floor_id(self.created_after) if self.created_after else None,
            "until": floor_id(self.created_before) if self.created_before else None,
            "before": decode_cursor(self.cursor),
        }
        return {name: value for name, value in found.items() if value not in (None, [])}


async def find(app: App, actor: Actor, filters: DeadLetterFilters) -> Page:
    """Return dead letters, newest first."""
    actor.require("notifications:read")
    conditions = filters.conditions(_module(actor))
    async with app.db.leader() as conn:
        rows = await store.find(conn, conditions, most=filters.limit + 1)
    items = [_view(row) for row in rows[: filters.limit]]
    return Page(items, next_cursor([row.id for row in rows], filters.limit))


async def redrive(app: App, actor: Actor, request: RedriveRequest) -> dict[str, Any]:
    """Reopen dead letters and start workflows for them; tells what was left alone, and why."""
    actor.require("notifications:write")
    conditions = _chosen(request).conditions(_module(actor))
    if request.deliveries is not None:
        conditions["ids"] = [decode("dlv", one) for one in request.deliveries]
    orders: list[tuple[Order, Facts]] = []

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        orders.clear()
        rows = await store.find(conn, conditions, most=MOST + 1)
        more = len(rows) > MOST
        left = [_left(row, request) for row in rows[:MOST] if _why_not(row, request)]
        chosen = [row for row in rows[:MOST] if not _why_not(row, request)]
        orders.extend([await _reopen(conn, group) for group in _groups(chosen)])
        await audit_subject(
            conn,
            actor,
            "dead_letters.redriven",
            "deliveries",
            actor.module_id,
            {"redriven": len(chosen), "left": len(left)},
        )
        return {"redriven": len(chosen), "left": left, "more": more}

    done = await app.db.retrying(work)
    for order, facts in orders:
        try:
            await app.temporal.start(order, summary="tried once more", facts=facts)
        except TemporalDown:  # the sweeper finds them
            log.info("redrive.start_left_to_sweeper", workflow=order.workflow_id)
    return done


def _chosen(request: RedriveRequest) -> DeadLetterFilters:
    return DeadLetterFilters(
        state=request.state or (),
        reason=request.reason or (),
        channel=request.channel or (),
        category=request.category or (),
        account=request.account or (),
    )


async def _reopen(conn: AsyncConnection, rows: Sequence[Row[Any]]) -> tuple[Order, Facts]:
    workflow_id = encode("redrive", new_id())
    notifications = await store.reopen(conn, [row.id for row in rows], workflow_id)
    first = rows[0]
    ids = [encode("ntf", id) for id in sorted(notifications)]
    channels = tuple(sorted({row.channel for row in rows}))
    return (
        Order(workflow_id, ids, first.priority),
        Facts(first.module_key, first.category, channels),
    )


def _groups(rows: Sequence[Row[Any]]) -> list[list[Row[Any]]]:
    """Let neighbours of a module and lane share a workflow; one notification is in one group."""
    by_lane: defaultdict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda one: (one.notification_id, one.id)):
        by_lane[(row.module_key, row.priority)].append(row)
    groups: list[list[Row[Any]]] = []
    for listed in by_lane.values():
        groups.append([])
        for row in listed:
            full = len(groups[-1]) >= _TOGETHER
            if full and groups[-1][-1].notification_id != row.notification_id:
                groups.append([])
            groups[-1].append(row)
    return groups


def _why_not(row: Row[Any], request: RedriveRequest) -> str:
    if row.erased_at is not None:
        return "its recipient was erased"
    if row.campaign_id is not None:
        return "it is a campaign's; send again there what was missed"
    if row.class_ == CategoryClass.OTP:
        return "a one-time password is of no use later; ask for a new one"
    if row.maybe_sent and not request.include_unknown:
        return "it may have been sent; include_unknown sends it all the same"
    return ""


def _left(row: Row[Any], request: RedriveRequest) -> dict[str, str]:
    return {"id": encode("dlv", row.id), "why": _why_not(row, request)}


def _view(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": encode("dlv", row.id),
        "notification": encode("ntf", row.notification_id),
        "module": row.module_key,
        "category": row.category,
        "class": row.class_,
        "channel": row.channel,
        "address": mask(row.address),
        "state": row.state,
        "reason": row.reason,
        "maybe_sent": row.maybe_sent,
        "attempts": row.attempts,
        "vendor": row.vendor,
        "account": row.account,
        "vendor_code": row.vendor_code or "",
        "at": stamp(row.settled_at),
    }


def _module(actor: Actor) -> UUID | None:
    return None if actor.all_modules else actor.module_id
