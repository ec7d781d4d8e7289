"""Explains what would become of a message to a recipient, by the rules that decide for real."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.rules import Rules, look_up
from domain.caps import Counted
from domain.decision import Decision, no_address
from domain.delivery import Unplanned
from domain.errors import Invalid
from domain.ids import encode, new_id
from domain.planning import choose, in_order
from domain.recipient import Recipient
from domain.retry import LIFETIMES
from domain.vocabulary import Channel, ChannelPolicy, State
from services.access import Actor
from services.app import App
from services.profiles import find_row
from services.times import stamp
from stores import categories, preferences, profiles


async def explain(
    app: App,
    actor: Actor,
    profile: str,
    *,
    category: str = "transactional",
    channel: Channel | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """Return whether a message would be sent, by what, when, and every rule that decided.

    {would_send, state, reason, channel, address, when, rules, channels: the same for each that
    was looked at}. Without a channel it is the recipient's first allowed. A message at another
    time than now is judged by the preferences, suppressions and messages of now. Raises NotFound,
    Invalid for a category that there is not.
    """
    actor.require("profiles:read")
    moment = at or datetime.now(UTC)
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, profile)
        asked = await _asked(conn, row, category, channel, moment)
        recipient = (await profiles.load_recipients(conn, [row.id]))[row.id]
        rules = await look_up(conn, [asked], {asked.id: recipient}, moment)
        counted = await _count(conn, rules, asked)
    looked_at = [
        _shown(one, address, decision, moment)
        for one in in_order(asked, rules.preferences(asked))
        for address, decision in _decisions(rules, asked, recipient, one, counted)
    ]
    best = min(looked_at, key=lambda one: _BETTER.index(one["state"]))
    return {
        "profile": encode("prf", row.id),
        "category": category,
        "at": stamp(moment),
        "timezone": row.timezone or "UTC",
        **best,
        "channels": looked_at,
    }


_BETTER = (State.ACCEPTED, State.HELD, State.EXPIRED, State.SUPPRESSED)


async def _asked(
    conn: AsyncConnection, row: Any, category: str, channel: Channel | None, at: datetime
) -> Unplanned:
    """Return a notification that nobody asked for, as the planner would be given it."""
    known = await categories.load_all(conn)
    if category not in known:
        raise Invalid.field("category", f"is none of {', '.join(sorted(known))}")
    class_ = known[category].class_
    return Unplanned(
        id=new_id(),
        module_id=row.module_id,
        category=category,
        class_=class_,
        priority=known[category].priority,
        channels=(channel,) if channel else tuple(Channel),
        channel_policy=ChannelPolicy.PREFERRED,
        profile_id=row.id,
        recipient={},
        used={},
        expires_at=at + LIFETIMES[class_],
        ordered=False,
    )


def _decisions(
    rules: Rules,
    asked: Unplanned,
    recipient: Recipient,
    channel: Channel,
    counted: Sequence[Counted],
) -> list[tuple[str | None, Decision]]:
    def decide(channel: Channel, address: str) -> Decision:
        decided = rules.decide(asked, channel, address, counted)
        return rules.in_hours(asked, decided, recipient.timezone)

    found = [
        choose(channel, several, decide) for several in recipient.choices(channel, asked.class_)
    ]
    return [one for one in found if one is not None] or [(None, no_address(channel))]


async def _count(conn: AsyncConnection, rules: Rules, asked: Unplanned) -> list[Counted]:
    caps = rules.preferences(asked).caps_on(asked.category)
    if asked.profile_id is None:
        return []
    return await preferences.count(conn, [(asked.profile_id, cap) for cap in caps], rules.at)


def _shown(
    channel: Channel, address: str | None, decision: Decision, at: datetime
) -> dict[str, Any]:
    return {
        "would_send": decision.sends,
        "state": decision.state,
        "reason": decision.reason,
        "channel": channel,
        "address": address,
        "when": stamp(decision.due_at or at) if decision.sends else None,
        "rules": decision.record() or [],
    }
