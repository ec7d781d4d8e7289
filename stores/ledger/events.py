"""Appends what changed to the outbox, in the transaction that changed it."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import encode

DELIVERIES: Final = "deliveries"
_SHARED: Final = ("channel", "category", "class", "priority", "vendor", "reason", "from", "to")

_APPEND = text("INSERT INTO outbox (events) VALUES (CAST(:events AS jsonb))")


async def append(conn: AsyncConnection, events: Iterable[dict[str, Any]]) -> None:
    """Write one outbox row that holds all events of a chunk."""
    listed = list(events)
    if listed:
        await conn.execute(_APPEND, {"events": listed})


def delivery_events(rows: Iterable[Row[Any]], **instead: Any) -> list[dict[str, Any]]:
    """Return the events of deliveries' changes of state, as the outbox holds them: what a chunk
    has in common once, with the ids and versions of each; `expand` has them one by one.

    `instead` stands for the columns of the rows: `state` of those that are no more.
    """
    shared: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        key = (
            row.campaign_id, row.module_id, row.channel, row.category, row.class_, row.priority,
            row.vendor, row.reason, row.before, row.state,
        )  # fmt: skip
        each = (row.id.hex, row.notification_id.hex, row.version)
        shared.setdefault(key, []).append(each)
    at = datetime.now(UTC).isoformat()
    return [
        {
            "type": DELIVERIES, "at": at, "campaign": campaign.hex if campaign else None,
            "module": module.hex, "channel": channel, "category": category, "class": class_,
            "priority": priority, "vendor": vendor, "reason": reason, "from": before,
            "to": instead.get("state", state), "each": each,
        }
        for (
            campaign, module, channel, category, class_, priority, vendor, reason, before, state
        ), each in shared.items()
    ]  # fmt: skip


def expand(event: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an event of the outbox as consumers are told it: from, to and the row's version for
    each delivery that changed.
    """
    if event.get("type") != DELIVERIES:
        return [event]
    campaign = {"campaign": encode("cmp", UUID(event["campaign"]))} if event["campaign"] else {}
    module = encode("mod", UUID(event["module"]))
    return [
        {
            "type": "delivery",
            "at": event["at"],
            "delivery": encode("dlv", UUID(delivery)),
            "notification": encode("ntf", UUID(notification)),
            **campaign,
            "module": module,
            **{name: event[name] for name in _SHARED},
            "version": version,
        }
        for delivery, notification, version in event["each"]
    ]


def notification_event(event: str, row: Any) -> dict[str, Any]:
    """Return the event of a notification as a whole: accepted, changed, cancelled."""
    return {
        "type": "notification",
        "at": datetime.now(UTC).isoformat(),
        "event": event,
        "notification": encode("ntf", row.id),
        "module": encode("mod", row.module_id),
        "category": row.category,
        "class": row.class_,
        "priority": row.priority,
        "to": row.state,
        "version": row.version,
    }


def receipt_event(row: Row[Any], receipt: Row[Any]) -> dict[str, Any]:
    """Return the event of a receipt of a delivery; `at` is when it was heard."""
    return {
        "type": "receipt",
        "at": datetime.now(UTC).isoformat(),
        "kind": receipt.kind,
        "delivery": encode("dlv", row.id),
        "notification": encode("ntf", row.notification_id),
        **_campaign(row),
        "module": encode("mod", row.module_id),
        "channel": row.channel,
        "category": row.category,
        "class": row.class_,
        "priority": row.priority,
        "vendor": row.vendor,
        "reason": receipt.raw.get("reason") or "",
        "told_at": receipt.at.isoformat(),
    }


def engagement_event(row: Row[Any]) -> dict[str, Any]:
    """Return the event of what a recipient did with a delivery; `at` is when it was heard."""
    link = {"link": row.link} if row.link else {}
    return {
        "type": "notification",
        "at": datetime.now(UTC).isoformat(),
        "event": row.kind,
        "notification": encode("ntf", row.notification_id),
        "delivery": encode("dlv", row.id),
        **_campaign(row),
        "module": encode("mod", row.module_id),
        "channel": row.channel,
        "category": row.category,
        "class": row.class_,
        "priority": row.priority,
        **link,
        "told_at": row.occurred_at.isoformat(),
    }


def reply_event(reply: Mapping[str, Any]) -> dict[str, Any]:
    """Return the event of a reply, given as the columns of its row: ids only, never its text."""
    named = {"notification": "ntf", "delivery": "dlv", "module": "mod"}
    return {
        "type": "reply",
        "at": datetime.now(UTC).isoformat(),
        "reply": encode("rpl", reply["id"]),
        **{
            name: encode(prefix, reply[f"{name}_id"]) if reply[f"{name}_id"] else None
            for name, prefix in named.items()
        },
        "account": encode("acc", reply["account_id"]),
        "channel": reply["channel"],
        "keyword": reply["keyword"],
    }


def _campaign(row: Any) -> dict[str, str]:
    """Return what names the campaign of a delivery that has one; `notification` is then an id of
    the recipient in it.
    """
    return {"campaign": encode("cmp", row.campaign_id)} if row.campaign_id else {}


CHANGED = (
    "d.id, d.notification_id, d.campaign_id, d.module_id, d.channel, d.category,"
    " d.class AS class_, d.priority, d.vendor, d.reason, d.state, d.version"
)
"""Columns that delivery_events needs, beside `before`."""
GONE = CHANGED.replace("d.version", "d.version + 1 AS version")
"""The same for rows that are deleted: the next version is that they are no more."""
