"""What a module's allowed hours make of a message that its recipient's rules let go."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from domain.decision import Decision, Effect
from domain.decision import Rule as Told
from domain.rules import Rule, RuleKind
from domain.rules_hours import hold_until
from domain.vocabulary import State

ALLOWED_HOURS: Final = "allowed_hours"
"""How a decision names them; the delivery's reason is the name of the rule itself."""


def within_hours(
    decision: Decision,
    rules: Sequence[Rule],
    at: datetime,
    zone: str | None,
    *,
    expires_at: datetime,
) -> Decision:
    """Return a decision as allowed hours leave it: what may go is held until they open.

    They are asked about the moment at which it would go. What expires before they open is held
    until it expires, and expired then. `zone` is the recipient's, None where it is not known.
    """
    hours = [one for one in rules if one.kind is RuleKind.HOURS]
    if not hours or not decision.sends:
        return decision
    hold = hold_until(hours, decision.due_at or at, zone, latest=expires_at)
    if hold is None and decision.state is State.HELD:
        return decision
    if hold is None:
        names = ", ".join(one.name for one in hours)
        open_ = Told(ALLOWED_HOURS, Effect.ALLOWS, f"open: {names}")
        return replace(decision, rules=(*decision.rules, open_))
    until, name = hold
    why = f"{name} opens at {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if until >= expires_at:
        why = f"{name} does not open before it expires"
    return replace(
        decision,
        state=State.HELD,
        reason=name,
        due_at=min(until, expires_at),
        rules=(*decision.rules, Told(ALLOWED_HOURS, Effect.HOLDS, why)),
    )
