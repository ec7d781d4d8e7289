"""The last look at what recipients chose: in the transaction that marks their messages.

The same rules as when they were planned, once more: a recipient may have unsubscribed since, quiet
hours may have begun before a retry, and caps are counted here alone, under a lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.caps import Cap, Counted, granted
from domain.category import Category, category_as
from domain.decision import FREQUENCY_CAP, Decision, Question, decide, is_protected
from domain.delivery import Leased, Settlement
from domain.vocabulary import State
from stores import categories, preferences
from stores.preferences import Chosen


@dataclass(slots=True)
class _Caps:
    """What recipients had lately, and what this chunk adds to it; a digest counts as one."""

    at: datetime
    counted: dict[UUID, list[Counted]] = field(default_factory=dict)
    let_through: set[UUID] = field(default_factory=set)

    def of(self, leased: Leased) -> list[Counted] | None:
        """Return the counts for a delivery; None where its message counts already."""
        if leased.profile_id is None or _counts_as(leased) in self.let_through:
            return None
        return self.counted.get(leased.profile_id)

    def grant(self, leased: Leased) -> None:
        """Count a delivery that goes out."""
        counted = self.of(leased)
        if counted is not None and leased.profile_id is not None:
            self.counted[leased.profile_id] = granted(counted, leased.category)
            self.let_through.add(_counts_as(leased))


async def check(conn: AsyncConnection, chunk: Sequence[Leased]) -> dict[UUID, Decision]:
    """Return the decisions, by delivery, about those whose recipients chose anything.

    Profiles with caps stay locked until the transaction ends: mark what may go in the same one.
    """
    chosen = await preferences.load(conn, {one.profile_id for one in chunk})
    if not chosen:
        return {}
    known = await categories.load_all(conn)
    asked = [one for one in chunk if one.profile_id in chosen]
    caps = await _count(conn, asked, chosen, known)
    decisions: dict[UUID, Decision] = {}
    for one in sorted(asked, key=lambda leased: leased.id):
        if one.profile_id is None:
            continue
        choice = chosen[one.profile_id]
        question = Question(
            category=category_as(one.category, one.class_, known),
            channel=one.channel,
            at=caps.at,
            timezone=choice.timezone,
            expires_at=one.expires_at,
        )
        decision = decide(choice.preferences, question, caps.of(one))
        if decision.state is State.ACCEPTED and not is_protected(question.category):
            caps.grant(one)
        decisions[one.id] = decision
    return decisions


def stopped(
    chunk: Sequence[Leased], decisions: Mapping[UUID, Decision], marked: set[UUID]
) -> list[Settlement]:
    """Return how the deliveries of a chunk that may not go now are settled.

    Where another of the same recipient did not go either, though a cap had room for it, what the
    cap stopped is looked at again at once.
    """
    refused = [one for one in chunk if not may_go(decisions.get(one.id))]
    unused = {
        one.profile_id for one in chunk if one.id not in marked and may_go(decisions.get(one.id))
    }
    return [_stopped(one, decisions[one.id], one.profile_id in unused) for one in refused]


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
        decision=decision.record(),
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
        if one.profile_id is None or is_protected(category_as(one.category, one.class_, known)):
            continue
        for cap in chosen[one.profile_id].preferences.caps_on(one.category):
            capped.setdefault(one.profile_id, {})[cap] = None
    if not capped:
        return _Caps(datetime.now(UTC))
    caps = _Caps(await preferences.lock(conn, capped))
    pairs = [(profile, cap) for profile, listed in capped.items() for cap in listed]
    counts = await preferences.count(conn, pairs, caps.at)
    for (profile, _), counted in zip(pairs, counts, strict=True):
        caps.counted.setdefault(profile, []).append(counted)
    ids = {one.notification_id for one in asked if one.profile_id in capped}
    before = await preferences.find_counted(conn, ids)
    caps.let_through |= {_counts_as(one) for one in asked if one.notification_id in before}
    return caps


def _counts_as(leased: Leased) -> UUID:
    """Return as which notification it counts: all of a digest as the one that opened it."""
    return leased.counts_as or leased.notification_id
