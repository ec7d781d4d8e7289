"""Decides whether a message may go to a recipient now: the same rules when sending and explaining.

Rules in their order; the first that forbids ends it:

0. `address`: a channel on which the recipient has no address is not used.
1. `inactive`: whom the identity provider deactivated is told nothing, whatever the message is.
2. `suppression`: an address that must not be used is not used, whatever the message is.
3. `mandatory`: one-time passwords and mandatory categories pass all rules below.
4. `unsubscribed`: the recipient wants nothing on this channel.
5. `preference`: the recipient switched the category off on this channel.
6. `quiet_hours`: it is held until they end; one that expires before that is expired.
7. `frequency_cap`: it would be one too many.

Where an address is several profiles', the strictest of their decisions holds. What they let go is
then held until the allowed hours of its module (domain/allowed_hours.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.caps import Counted
from domain.category import Category
from domain.preferences import Preferences
from domain.quiet_hours import quiet_until, zone_of
from domain.vocabulary import CategoryClass, Channel, State

FREQUENCY_CAP: Final = "frequency_cap"
NO_ADDRESS: Final = "no_address"
INACTIVE: Final = "inactive"
SUPPRESSION: Final = "suppression"


class Effect(StrEnum):
    """What a rule makes of a message."""

    ALLOWS = "allows"
    EXEMPTS = "exempts"
    HOLDS = "holds"
    EXPIRES = "expires"
    SUPPRESSES = "suppresses"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that had a say: what it made of the message, and why."""

    rule: str
    effect: Effect
    detail: str

    def body(self) -> dict[str, str]:
        """Return it as the API shows it and the ledger keeps it."""
        return {"rule": self.rule, "effect": self.effect.value, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a message: `state` accepted is sent at once, held until `due_at`."""

    state: State
    reason: str
    rules: tuple[Rule, ...]
    due_at: datetime | None = None
    seen: tuple[tuple[UUID, int], ...] = ()
    """The profiles whose preferences decided, each with their version; empty where that is kept
    from changing.
    """

    @property
    def sends(self) -> bool:
        """Whether it goes out, now or when it is no longer held."""
        return self.state in (State.ACCEPTED, State.HELD)

    @property
    def is_about_address(self) -> bool:
        """Whether another address might be used instead."""
        return any(one.rule == SUPPRESSION for one in self.rules)

    def record(self) -> list[dict[str, Any]] | None:
        """Return the rules as the delivery's row keeps them; None where there was none."""
        return [rule.body() for rule in self.rules] or None


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be decided: a message of a category, to an address on a channel, at a moment."""

    category: Category
    channel: Channel
    at: datetime
    suppressed: str = ""
    """Why the address must not be used."""
    timezone: str | None = None
    expires_at: datetime | None = None
    active: bool = True
    """False for a recipient who was deactivated."""


ALLOWED = Decision(State.ACCEPTED, "", ())
"""The decision where no rule has anything to say."""


def no_address(channel: Channel) -> Decision:
    """Return the decision for a recipient whom the channel cannot reach."""
    why = f"the recipient has no usable address on {channel}"
    return _ended(State.SUPPRESSED, NO_ADDRESS, "address", why)


def instead_of(passed: Sequence[Decision], decision: Decision) -> Decision:
    """Return the decision about an address that is used because those before it cannot be."""
    if not passed:
        return decision
    reasons = ", ".join(one.reason for one in passed)
    why = f"another address of the recipient: those before it are suppressed ({reasons})"
    return replace(decision, rules=(Rule("address", Effect.ALLOWS, why), *decision.rules))


def is_protected(category: Category) -> bool:
    """Whether its recipients cannot refuse, delay or cap a category."""
    return category.mandatory or category.class_ is CategoryClass.OTP


def decide(
    preferences: Preferences, asked: Question, counted: Sequence[Counted] | None = None
) -> Decision:
    """Return the decision; without `counted` the caps are left to be asked later."""
    if not asked.active:
        why = "the recipient is deactivated"
        return _ended(State.SUPPRESSED, INACTIVE, INACTIVE, why)
    if asked.suppressed:
        why = f"the address is suppressed: {asked.suppressed}"
        return _ended(State.SUPPRESSED, asked.suppressed, SUPPRESSION, why)
    if is_protected(asked.category):
        why = f"{asked.category.key} cannot be refused, delayed or capped"
        return Decision(State.ACCEPTED, "", (Rule("mandatory", Effect.EXEMPTS, why),))
    refused = _refusal(preferences, asked)
    if refused is not None:
        return refused
    rules = _allowing(preferences, asked)
    quiet = _quiet(preferences, asked)
    if quiet is not None:
        return Decision(quiet.state, quiet.reason, (*rules, *quiet.rules), quiet.due_at)
    rules += _open_hours(preferences, asked)
    for one in counted or ():
        if one.is_full and one.cap.covers(asked.category.key):
            full = _ended(State.SUPPRESSED, FREQUENCY_CAP, FREQUENCY_CAP, _used(one))
            return Decision(full.state, full.reason, (*rules, *full.rules))
    rules += tuple(
        Rule(FREQUENCY_CAP, Effect.ALLOWS, _used(one))
        for one in counted or ()
        if one.cap.covers(asked.category.key)
    )
    return Decision(State.ACCEPTED, "", rules)


def strictest(decisions: Sequence[Decision]) -> Decision:
    """Return the decision that forbids most: of those that hold, the one that holds longest."""
    return max(
        decisions,
        key=lambda one: (_STRICTNESS.index(one.state), one.due_at.timestamp() if one.due_at else 0),
    )


_STRICTNESS: Final = (State.ACCEPTED, State.HELD, State.EXPIRED, State.SUPPRESSED)


def _refusal(preferences: Preferences, asked: Question) -> Decision | None:
    if asked.channel in preferences.unsubscribed:
        why = f"unsubscribed from {asked.channel}"
        return _ended(State.SUPPRESSED, "unsubscribed", "unsubscribed", why)
    if preferences.refuses(asked.category.key, asked.channel):
        why = f"{asked.category.key} is switched off on {asked.channel}"
        return _ended(State.SUPPRESSED, "preference", "preference", why)
    return None


def _allowing(preferences: Preferences, asked: Question) -> tuple[Rule, ...]:
    if preferences.categories.get(asked.category.key, {}).get(asked.channel):
        why = f"{asked.category.key} is switched on on {asked.channel}"
        return (Rule("preference", Effect.ALLOWS, why),)
    return ()


def _quiet(preferences: Preferences, asked: Question) -> Decision | None:
    quiet = preferences.quiet_hours
    if quiet is None:
        return None
    until = quiet_until(quiet, asked.at, zone_of(asked.timezone))
    if until is None:
        return None
    why = _clock(preferences, asked)
    if asked.expires_at is not None and until >= asked.expires_at:
        why += "; it expires before they end"
        return Decision(State.EXPIRED, "quiet_hours", (Rule("quiet_hours", Effect.EXPIRES, why),))
    rule = Rule("quiet_hours", Effect.HOLDS, why)
    return Decision(State.HELD, "quiet_hours", (rule,), until)


def _open_hours(preferences: Preferences, asked: Question) -> tuple[Rule, ...]:
    if preferences.quiet_hours is None:
        return ()
    return (Rule("quiet_hours", Effect.ALLOWS, _clock(preferences, asked)),)


def _clock(preferences: Preferences, asked: Question) -> str:
    zone = zone_of(asked.timezone)
    return f"quiet at {preferences.quiet_hours}; it is {asked.at.astimezone(zone):%H:%M} in {zone}"


def _used(one: Counted) -> str:
    return f"{one.cap}; {one.sent} so far"


def _ended(state: State, reason: str, rule: str, why: str) -> Decision:
    return Decision(state, reason, (Rule(rule, Effect.SUPPRESSES, why),))
