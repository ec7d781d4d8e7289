"""The life of a campaign: its states, and which may follow which."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final
from uuid import UUID

from domain.ids import encode


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
    EXPIRED = "expired"
    ABORTED = "aborted"


class Step(StrEnum):
    """What takes a campaign from one state to the next."""

    EDIT = "edit"
    SUBMIT = "submit"
    RESOLVED = "resolved"
    UNRESOLVED = "unresolved"
    APPROVE = "approve"
    REJECT = "reject"
    EXPIRE = "expire"
    DOUBT = "doubt"
    OPEN = "open"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    CLOSE = "close"
    RESEND = "resend"


_S = CampaignState
STEPS: Final[Mapping[Step, tuple[frozenset[CampaignState], CampaignState]]] = {
    Step.EDIT: (
        frozenset({_S.DRAFT, _S.REJECTED, _S.EXPIRED, _S.AWAITING_APPROVAL}), _S.DRAFT,
    ),
    Step.SUBMIT: (frozenset({_S.DRAFT, _S.REJECTED, _S.EXPIRED}), _S.RESOLVING),
    Step.RESOLVED: (frozenset({_S.RESOLVING}), _S.AWAITING_APPROVAL),
    Step.UNRESOLVED: (frozenset({_S.RESOLVING}), _S.DRAFT),
    Step.APPROVE: (frozenset({_S.AWAITING_APPROVAL}), _S.APPROVED),
    Step.REJECT: (frozenset({_S.AWAITING_APPROVAL}), _S.REJECTED),
    Step.EXPIRE: (frozenset({_S.AWAITING_APPROVAL}), _S.EXPIRED),
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
    Step.CLOSE: (frozenset({_S.SENDING, _S.PAUSED}), _S.COMPLETED),
    Step.RESEND: (frozenset({_S.COMPLETED, _S.ABORTED}), _S.AWAITING_APPROVAL),
}  # fmt: skip
"""From which states a step may be taken, and where it leads (see `allowed`, `leads_to`).

`expire` ends a submission that nobody approved in time. `close` ends a paused one too, when its
window is over. `doubt` takes an approval back that no longer counts when the window opens; `resume`
leads to approved, from where the open window leads on to sending at once.
"""

FINAL: Final = frozenset({_S.COMPLETED, _S.ABORTED})
"""States in which nothing waits any more."""
ON_THE_WAY: Final = frozenset(
    {_S.RESOLVING, _S.AWAITING_APPROVAL, _S.APPROVED, _S.SENDING, _S.PAUSED}
)
"""States from which a campaign goes on without its author."""


BEFORE_SENDING: Final = frozenset({Step.EDIT, Step.SUBMIT})
"""Steps that write other deliveries: never after the first one was sent."""


def allowed(step: Step, state: CampaignState, *, started: bool) -> bool:
    """Whether a step may be taken from a state by a campaign that has sent before, or has not."""
    return state in STEPS[step][0] and not (started and step in BEFORE_SENDING)


def leads_to(step: Step, *, started: bool) -> CampaignState:
    """Return the state after a step. One that has sent before cannot be rejected, or expire, as a
    whole: what is left of it is aborted.
    """
    turned_down = step in (Step.REJECT, Step.EXPIRE)
    return CampaignState.ABORTED if started and turned_down else STEPS[step][1]


def workflow_id(campaign_id: UUID, run: int, recoveries: int = 0) -> str:
    """Return the id of the workflow that carries a run; each recovery has one of its own."""
    name = f"{encode('cmp', campaign_id)}-{run}"
    return f"{name}-r{recoveries}" if recoveries else name
