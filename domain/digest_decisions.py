"""Decides whether a message waits for a digest, and until when."""

from dataclasses import replace
from datetime import datetime, timedelta

from domain.decision import Decision, Effect, Question, Rule
from domain.delivery import Unplanned
from domain.digests import DIGEST, Collecting, Daily, Source, Window, is_urgent, next_daily
from domain.preferences import Preferences
from domain.quiet_hours import quiet_until, zone_of
from domain.vocabulary import Channel, State


def wanted(one: Unplanned, channel: Channel, preferences: Preferences) -> Daily | Window | None:
    """Return what a message is collected into: what its recipient chose, else what was asked for;
    None for what is urgent, and on a channel on which it cannot be one of several.
    """
    if is_urgent(one.priority) or channel in one.uncollected:
        return None
    return preferences.digest.get(one.category) or one.window


def collect(
    decision: Decision,
    digest: Daily | Window,
    preferences: Preferences,
    asked: Question,
    *,
    again: bool = False,
) -> Decision:
    """Return the decision about a message that is collected, if it goes out at all.

    A digest that is due in quiet hours leaves when they end. With `again` the message waited for a
    digest on another channel, in vain: it goes with those that were with it, now.
    """
    if not decision.sends:
        return decision
    due_at = asked.at if again else _due(digest, preferences, asked)
    rule = Rule(DIGEST, Effect.HOLDS, _told(digest, asked))
    kept = tuple(one for one in decision.rules if one.effect is not Effect.HOLDS)
    return replace(
        decision, state=State.HELD, reason=DIGEST, due_at=due_at, rules=(*kept, rule),
        collecting=_collecting(digest, asked),
    )  # fmt: skip


def _due(digest: Daily | Window, preferences: Preferences, asked: Question) -> datetime:
    zone = zone_of(asked.timezone)
    if isinstance(digest, Daily):
        due_at = next_daily(digest, asked.at, zone)
    else:
        due_at = asked.at + timedelta(seconds=digest.seconds)
    quiet = preferences.quiet_hours
    return (quiet and quiet_until(quiet, due_at, zone)) or due_at


def _collecting(digest: Daily | Window, asked: Question) -> Collecting:
    if isinstance(digest, Daily):
        return Collecting(Source.PREFERENCE, asked.category.key)
    return Collecting(Source.REQUEST, digest.key)


def _told(digest: Daily | Window, asked: Question) -> str:
    if isinstance(digest, Daily):
        return f"{asked.category.key} is collected {digest} in {zone_of(asked.timezone)}"
    return f"collected: {digest}"
