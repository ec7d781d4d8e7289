"""What recipients did with messages, as the API tells it: by message, recipient and campaign."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.engagement import EngagementKind
from domain.ids import encode
from domain.vocabulary import Channel
from services.access import Actor
from services.app import App
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.profiles import find_row
from services.times import stamp
from stores import campaign_deliveries
from stores.ledger import engagements as store

_SEEN: Final = (EngagementKind.OPENED, EngagementKind.CLICKED)
"""What happens several times, and what programs do as well."""


def view(row: Row[Any]) -> dict[str, Any]:
    """Return one engagement of a delivery."""
    return {
        "kind": row.kind,
        "at": stamp(row.occurred_at),
        "last_at": stamp(row.last_at),
        "times": row.times,
        "link": row.link or None,
        "url": row.url or None,
        "machine": row.machine,
        "reason": row.reason,
    }


async def find_of_profile(
    app: App, actor: Actor, id_text: str, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return the deliveries to a profile with which anything was done, newest first, each with
    what that was; raises NotFound.
    """
    actor.require("profiles:read")
    async with app.db.leader() as conn:
        profile = await find_row(conn, actor, id_text)
        rows = await store.find_engaged(
            conn, profile.id, before=decode_cursor(cursor), most=limit + 1
        )
        shown = rows[:limit]
        done = await store.of_deliveries(conn, [row.id for row in shown])
    items = [{**_delivery(row), "engagements": views(done[row.id])} for row in shown]
    return Page(items, next_cursor([row.id for row in rows], limit))


def views(rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Return the engagements of a delivery, oldest first; the trap is none."""
    return [view(row) for row in rows if row.link >= 0]


async def of_campaign(conn: AsyncConnection, row: Row[Any]) -> dict[str, Any]:
    """Return what the recipients of a campaign did: people by kind, rates of the mails that were
    sent, how often in all, and what programs did, apart. Mails are counted once anything was seen.
    """
    counted = (await store.count(conn, [row.id])).get(row.id, [])
    sent = None
    if counted:
        sent = await campaign_deliveries.count_sent(conn, row.id, Channel.EMAIL)
    people = {one.kind: one for one in counted if not one.machine}
    machines = {one.kind: one for one in counted if one.machine}
    return {
        **{kind.value: _people(people, kind) for kind in EngagementKind},
        "sent": sent,
        "rates": {kind.value: _rate(_people(people, kind), sent) for kind in EngagementKind},
        "times": {kind.value: people[kind].times if kind in people else 0 for kind in _SEEN},
        "machine": {kind.value: _people(machines, kind) for kind in _SEEN},
    }


def _people(counted: dict[EngagementKind, store.Counted], kind: EngagementKind) -> int:
    return counted[kind].people if kind in counted else 0


def _rate(people: int, sent: int | None) -> float | None:
    return round(people / sent, 4) if sent else None


def _delivery(row: Row[Any]) -> dict[str, Any]:
    return {
        "delivery": encode("dlv", row.id),
        "notification": encode("ntf", row.notification_id),
        "campaign": encode("cmp", row.campaign_id) if row.campaign_id else None,
        "channel": row.channel,
        "category": row.category,
        "created_at": stamp(row.created_at),
    }
