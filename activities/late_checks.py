"""The last look at what recipients chose: in the transaction that marks their messages.

The same rules as when they were planned, once more: a recipient may have unsubscribed since, quiet
hours may have begun before a retry, allowed hours may have ended, and caps are counted here alone,
under a lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.allowed_hours import within_hours
from domain.caps import Cap, Counted, granted
from domain.category import Category, category_as
from domain.decision import (
    ALLOWED,
    FREQUENCY_CAP,
    Decision,
    Question,
    decide,
    is_protected,
    strictest,
)
from domain.delivery import Leased, Settlement
from domain.rules import Rule, RuleKind
from domain.vocabulary import State
from stores import categories, preferences
from stores.ledger import relook
from stores.preferences import Chosen


@dataclass(slots=True)
class _Caps:
    """What recipients had lately, and what this chunk adds to it."""

    at: datetime
    counted: dict[UUID, list[Counted]] = field(default_factory=dict)
    let_through: set[UUID] = field(default_factory=set)

    def of(self, leased: Leased, profile: UUID) -> list[Counted] | None:
        """Return a profile's counts for a delivery; None where its notification counts already."""
        if leased.notification_id in self.let_through:
            return None
        return self.counted.get(profile)

    def grant(self, leased: Leased) -> None:
        """Count a delivery that goes out, once for each whose preferences it heeds."""
        if leased.notification_id in self.let_through:
            return
        for profile in leased.choosers:
            if profile in self.counted:
                self.counted[profile] = granted(self.counted[profile], leased.category)
                self.let_through.add(leased.notification_id)


async def check(
    conn: AsyncConnection,
    chunk: Sequence[Leased],
    bound: Mapping[UUID, Sequence[Rule]] | None = None,
) -> dict[UUID, Decision]:
    """Return the decisions, by delivery, about those whose recipients chose anything or whose
    module allows hours; `bound` has the business rules by delivery.

    Profiles with caps stay locked until the transaction ends: mark what may go in the same one.
    """
    chosen = await preferences.load(conn, {id for one in chunk for id in one.choosers})
    hours = {
        id
        for id, rules in (bound or {}).items()
        if any(one.kind is RuleKind.HOURS for one in rules)
    }
    asked = [one for one in chunk if one.id in hours or chosen.keys() & set(one.choosers)]
    if not asked:
        return {}
    known = await categories.load_all(conn) if chosen else {}
    caps = await _count(conn, asked, chosen, known)
    decisions: dict[UUID, Decision] = {}
    for one in sorted(asked, key=lambda leased: leased.id):
        decision = within_hours(
            _decide(one, chosen, known, caps), (bound or {}).get(one.id, ()), caps.at, one.timezone,
            expires_at=one.expires_at,
        )  # fmt: skip
        if decision.state is State.ACCEPTED and not _is_protected(one, known):
            caps.grant(one)
        decisions[one.id] = decision
    return decisions


def _decide(
    one: Leased, chosen: Mapping[UUID, Chosen], known: Mapping[str, Category], caps: _Caps
) -> Decision:
    """Return what the recipient decides, for each of the profiles whose preferences it heeds."""
    question = Question(
        category=category_as(one.category, one.class_, known),
        channel=one.channel,
        at=caps.at,
        expires_at=one.expires_at,
    )
    found = [
        decide(
            chosen[id].preferences,
            replace(question, timezone=chosen[id].timezone, active=chosen[id].active),
            caps.of(one, id),
        )
        for id in one.choosers
        if id in chosen
    ]  # fmt: skip
    seen = tuple((id, chosen[id].version) for id in one.choosers if id in chosen)
    return replace(strictest(found), seen=seen) if found else ALLOWED


def _is_protected(one: Leased, known: Mapping[str, Category]) -> bool:
    return is_protected(category_as(one.category, one.class_, known))


def stopped(
    chunk: Sequence[Leased], decisions: Mapping[UUID, Decision], marked: set[UUID]
) -> list[Settlement]:
    """Return how the deliveries of a chunk that may not go now are settled.

    Where another of the same recipient did not go either, though a cap had room for it, what the
    cap stopped is looked at again at once.
    """
    refused = [one for one in chunk if not may_go(decisions.get(one.id))]
    unused = {
        id
        for one in chunk
        if one.id not in marked and may_go(decisions.get(one.id))
        for id in one.choosers
    }
    return [_stopped(one, decisions[one.id], bool(unused & set(one.choosers))) for one in refused]


async def look_again(conn: AsyncConnection, settlements: Sequence[Settlement]) -> list[Settlement]:
    """Return settlements with those due at once that are held by preferences which are no longer
    so; the others stay as they are until the transaction ends.
    """
    changed = await relook.find_changed(conn, [pair for one in settlements for pair in one.seen])
    now = datetime.now(UTC)
    return [
        replace(one, due_at=now) if changed & {id for id, _ in one.seen} else one
        for one in settlements
    ]


def may_go(decision: Decision | None) -> bool:
    """Whether a delivery may be marked now."""
    return decision is None or decision.state is State.ACCEPTED


def _stopped(leased: Leased, decision: Decision, again: bool) -> Settlement:
    state, due_at = decision.state, decision.due_at
    if again and decision.reason == FREQUENCY_CAP:
        state, due_at = State.HELD, datetime.now(UTC)
    if leased.maybe_sent and state is not State.HELD:
        state = State.UNKNOWN
    return Settlement(
        leased.id, None, state, decision.reason, due_at, leased.maybe_sent,
        decision=decision.record(), seen=decision.seen if state is State.HELD else (),
    )  # fmt: skip


async def _count(
    conn: AsyncConnection,
    asked: Sequence[Leased],
    chosen: Mapping[UUID, Chosen],
    known: Mapping[str, Category],
) -> _Caps:
    """Lock the profiles that have caps on what is asked, and count what they had."""
    capped: dict[UUID, dict[Cap, None]] = {}
    for one in asked:
        if _is_protected(one, known):
            continue
        for id in set(one.choosers) & chosen.keys():
            for cap in chosen[id].preferences.caps_on(one.category):
                capped.setdefault(id, {})[cap] = None
    if not capped:
        return _Caps(datetime.now(UTC))
    caps = _Caps(await preferences.lock(conn, capped))
    pairs = [(profile, cap) for profile, listed in capped.items() for cap in listed]
    counts = await preferences.count(conn, pairs, caps.at)
    for (profile, _), counted in zip(pairs, counts, strict=True):
        caps.counted.setdefault(profile, []).append(counted)
    ids = {one.notification_id for one in asked if capped.keys() & set(one.choosers)}
    caps.let_through |= await preferences.find_counted(conn, ids)
    return caps
