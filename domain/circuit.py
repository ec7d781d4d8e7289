"""When an account is left alone: after too many failures among its latest outcomes."""

from collections import deque
from typing import Final

from domain.outcome import Outcome
from domain.vocabulary import OutcomeKind, Scope

LATEST: Final = 20
"""Outcomes that are looked at, per process."""
LEAST_BAD: Final = 5
BAD_SHARE: Final = 0.5
WAIT_SECONDS: Final = 10.0
MOST_DOUBLINGS: Final = 5
"""An open circuit is probed after 10 s, then 20 s, … at most 320 s."""
PROBES_TO_CLOSE: Final = 3
SLOW_WINDOW_SECONDS: Final = 600.0
LEAST_SLOW: Final = 20
"""Messages of the last ten minutes whose receipts are looked at, where an account has that rule."""
AT_ONCE: Final = frozenset({"auth_failed", "suspended", "no_credit", "forbidden"})
"""What ails an account and another message cannot change: one of them opens the circuit."""


def bad(outcome: Outcome) -> bool:
    """Whether an outcome speaks against the account, not against the message or the recipient.

    Throttling does not: it is answered by a slower pace. A message that was accepted does, where
    the account is in such a state that its vendor holds the message back.
    """
    match outcome.kind:
        case OutcomeKind.TRANSIENT | OutcomeKind.REJECTED | OutcomeKind.ACCEPTED:
            return outcome.scope is Scope.ACCOUNT
        case OutcomeKind.UNKNOWN:
            return True
        case _:
            return False


class Record:
    """The latest outcomes of one account in one process."""

    def __init__(self) -> None:
        self._latest: deque[bool] = deque(maxlen=LATEST)

    def add(self, outcome: Outcome) -> str:
        """Take an outcome in; return why the circuit must be opened, or nothing."""
        self._latest.append(bad(outcome))
        lasting = outcome.kind in (OutcomeKind.REJECTED, OutcomeKind.ACCEPTED)
        if lasting and outcome.reason in AT_ONCE:
            return outcome.reason
        failures = sum(self._latest)
        if failures >= LEAST_BAD and failures >= BAD_SHARE * len(self._latest):
            return f"{failures} of the last {len(self._latest)} failed: {outcome.reason}"
        return ""

    def forget(self) -> None:
        """Begin anew, when the circuit has changed."""
        self._latest.clear()


def next_step(outcome: Outcome) -> bool:
    """Whether another account may be tried at once: this one surely did not send.

    A passing trouble of the recipient's (a full mailbox) is the same with everybody.
    """
    if outcome.kind in (OutcomeKind.TRANSIENT, OutcomeKind.THROTTLED, OutcomeKind.REJECTED):
        return outcome.scope is Scope.ACCOUNT
    return False
