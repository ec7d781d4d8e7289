"""Decides whether a message may go to a recipient now: the same rules when sending and explaining.

Rules in their order; the first that forbids ends it:

0. `address`: a channel on which the recipient has no address is not used.
1. `suppression`: an address that must not be used is not used, whatever the message is.
2. `mandatory`: one-time passwords and mandatory categories pass all rules below.
3. `unsubscribed`: the recipient wants nothing on this channel.
4. `preference`: the recipient switched the category off on this channel.
5. `quiet_hours`: it is held until they end; one that expires before that is expired.
6. `digest`: it is collected into one message (domain/digest_decisions.py), which is judged anew
   when it leaves.
7. `frequency_cap`: it would be one too many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from domain.caps import Counted
from domain.category import Category
from domain.digests import Collecting
from domain.preferences import Preferences
from domain.quiet_hours import quiet_until, zone_of
from domain.vocabulary import CategoryClass, Channel, State

FREQUENCY_CAP: Final = "frequency_cap"
NO_ADDRESS: Final = "no_address"


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
    collecting: Collecting | None = None
    """The digest that it waits for."""

    @property
    def sends(self) -> bool:
        """Whether it goes out, now or when it is no longer held."""
        return self.state in (State.ACCEPTED, State.HELD)

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


ALLOWED = Decision(State.ACCEPTED, "", ())
"""The decision where no rule has anything to say."""


def no_address(channel: Channel) -> Decision:
    """Return the decision for a recipient whom the channel cannot reach."""
    why = f"the recipient has no usable address on {channel}"
    return _ended(State.SUPPRESSED, NO_ADDRESS, "address", why)


def is_protected(category: Category) -> bool:
    """Whether its recipients cannot refuse, delay or cap a category."""
    return category.mandatory or category.class_ is CategoryClass.OTP


def decide(
    preferences: Preferences, asked: Question, counted: Sequence[Counted] | None = None
) -> Decision:
    """Return the decision; without `counted` the caps are left to be asked later."""
    if asked.suppressed:
        why = f"the address is suppressed: {asked.suppressed}"
        return _ended(State.SUPPRESSED, asked.suppressed, "suppression", why)
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
