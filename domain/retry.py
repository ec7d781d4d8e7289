"""When a delivery is tried again, by the class of its category, and when it is given up."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.outcome import Outcome
from domain.vocabulary import RESENT_WHEN_UNKNOWN, CategoryClass, OutcomeKind, Scope, State

DELAYS: Final[dict[CategoryClass, tuple[float, ...]]] = {
    CategoryClass.OTP: (1, 2, 4, 8, 15, 30),
    CategoryClass.TRANSACTIONAL: (5, 15, 60, 300, 900, 3_600, 10_800, 21_600),
    CategoryClass.BULK: (60, 300, 900, 3_600, 7_200, 14_400, 28_800, 43_200),
    CategoryClass.MARKETING: (60, 300, 900, 3_600, 7_200, 14_400, 28_800, 43_200),
}
"""Seconds before retry 1, 2, …; after the last one the delivery is given up."""

LIFETIMES: Final[dict[CategoryClass, timedelta]] = {
    CategoryClass.OTP: timedelta(minutes=5),
    CategoryClass.TRANSACTIONAL: timedelta(hours=24),
    CategoryClass.BULK: timedelta(hours=72),
    CategoryClass.MARKETING: timedelta(hours=72),
}
"""How long after it is due a notification is worth sending, where it does not say itself."""

_JITTER: Final = 0.2


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of a delivery: its state, why, and when it is due again if it waits."""

    state: State
    reason: str
    due_at: datetime | None = None


def judge(
    outcome: Outcome,
    *,
    class_: CategoryClass,
    attempts: int,
    maybe_sent: bool,
    now: datetime,
    expires_at: datetime,
    scale: float = 1.0,
    jitter: float = 0.5,
) -> Verdict:
    """Return what an attempt's outcome makes of its delivery.

    `attempts` counts the rounds of tries, this one too, from 1; `maybe_sent` says that an earlier
    one may have arrived, so that giving up means `unknown`, never `failed`. `jitter` in 0..1
    spreads the delay by ±20 %; `scale` multiplies it.
    """
    if outcome.kind is OutcomeKind.ACCEPTED:
        return Verdict(State.SENT, "")
    if outcome.kind is OutcomeKind.UNKNOWN and class_ not in RESENT_WHEN_UNKNOWN:
        return Verdict(State.UNKNOWN, outcome.reason)
    doubtful = maybe_sent or outcome.maybe_sent
    final = outcome.kind is OutcomeKind.REJECTED and outcome.scope is not Scope.ACCOUNT
    delays = DELAYS[class_]
    if final or attempts > len(delays):
        return Verdict(State.UNKNOWN if doubtful else State.FAILED, outcome.reason)
    spread = 1 + _JITTER * (2 * jitter - 1)
    wait = max(delays[attempts - 1] * spread * scale, outcome.retry_after or 0)
    due_at = now + timedelta(seconds=wait)
    if due_at >= expires_at:
        return Verdict(State.UNKNOWN if doubtful else State.EXPIRED, outcome.reason)
    return Verdict(State.HELD, outcome.reason, due_at)


def describe(channel: str, reason: str, *, class_: CategoryClass, attempts: int) -> str:
    """Return the words for a hold, as the Temporal UI shows them on the timer."""
    if attempts == 0:
        return f"{channel}: {reason}" if reason else f"{channel}: due later"
    return f"{channel}: {reason}, retry {attempts} of {len(DELAYS[class_])}"
