"""The life of a campaign: its states, and which may follow which."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class CampaignState(StrEnum):
    """Where a campaign stands."""

    DRAFT = "draft"
    RESOLVING = "resolving"
    AWAITING_APPROVAL = "awaiting_approval"
    APPROVED = "approved"
    SENDING = "sending"
    PAUSED = "paused"
    COMPLETED = "completed"
    REJECTED = "rejected"
    ABORTED = "aborted"


class Step(StrEnum):
    """What takes a campaign from one state to the next."""

    EDIT = "edit"
    SUBMIT = "submit"
    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    APPROVE = "approve"
    REJECT = "reject"
    DOUBT = "doubt"
    OPEN = "open"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    CLOSE = "close"
    RESEND = "resend"


_S = CampaignState
STEPS: Final[Mapping[Step, tuple[frozenset[CampaignState], CampaignState]]] = {
    Step.EDIT: (frozenset({_S.DRAFT, _S.REJECTED, _S.AWAITING_APPROVAL}), _S.DRAFT),
    Step.SUBMIT: (frozenset({_S.DRAFT, _S.REJECTED}), _S.RESOLVING),
    Step.RESOLVED: (frozenset({_S.RESOLVING}), _S.AWAITING_APPROVAL),
    Step.UNRESOLVED: (frozenset({_S.RESOLVING}), _S.DRAFT),
    Step.APPROVE: (frozenset({_S.AWAITING_APPROVAL}), _S.APPROVED),
    Step.REJECT: (frozenset({_S.AWAITING_APPROVAL}), _S.REJECTED),
    Step.DOUBT: (frozenset({_S.APPROVED}), _S.AWAITING_APPROVAL),
    Step.OPEN: (frozenset({_S.APPROVED}), _S.SENDING),
    Step.PAUSE: (frozenset({_S.APPROVED, _S.SENDING}), _S.PAUSED),
    Step.RESUME: (frozenset({_S.PAUSED}), _S.APPROVED),
    Step.ABORT: (
        frozenset({
            _S.RESOLVING, _S.AWAITING_APPROVAL, _S.APPROVED, _S.SENDING, _S.PAUSED,
        }),
        _S.ABORTED,
    ),
    Step.CLOSE: (frozenset({_S.SENDING}), _S.COMPLETED),
    Step.RESEND: (frozenset({_S.COMPLETED, _S.ABORTED}), _S.AWAITING_APPROVAL),
}  # fmt: skip
"""From which states a step may be taken, and where it leads.

`doubt` takes an approval back that no longer counts when the window opens; `resume` leads to
approved, from where the open window leads on to sending at once.
"""

FINAL: Final = frozenset({_S.COMPLETED, _S.ABORTED})
"""States in which nothing waits any more."""


def allowed(step: Step, state: CampaignState) -> bool:
    """Whether a step may be taken from a state."""
    return state in STEPS[step][0]
