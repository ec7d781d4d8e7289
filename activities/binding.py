"""What binds deliveries that may go: where a trial of their module redirects them, and the hours in
which they are allowed.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from domain.delivery import Planned
from domain.rules import binding
from domain.rules_hours import hold_until
from domain.vocabulary import State
from stores.rules import Standing


def bound(
    planned: list[Planned],
    standings: Mapping[UUID, Standing],
    zones: Mapping[UUID, str | None],
    now: datetime,
) -> list[Planned]:
    """Return deliveries as their modules' trial redirects them and their hours hold them.

    `zones` has the recipients' time zones by notification.
    """
    return [
        _held(_redirected(one, standings), standings, zones[one.notification.id], now)
        if one.state in (State.ACCEPTED, State.HELD)
        else one
        for one in planned
    ]


def _redirected(one: Planned, standings: Mapping[UUID, Standing]) -> Planned:
    trial = standings[one.notification.module_id].trial
    if trial is None:
        return one
    return replace(one, address=trial.route(one.channel, one.address) or one.address)


def _held(
    one: Planned, standings: Mapping[UUID, Standing], zone: str | None, now: datetime
) -> Planned:
    asked = one.notification
    rules = binding(standings[asked.module_id].rules, asked.category, asked.class_)
    hold = hold_until(rules, one.due_at or now, zone, latest=asked.expires_at)
    if hold is None:
        return one
    until, rule = hold
    if one.collecting:
        return replace(one, due_at=until)
    # What expires before is looked at when it does, to be told as expired at once.
    due_at = min(until, asked.expires_at)
    return replace(one, state=State.HELD, reason=rule, due_at=due_at)
