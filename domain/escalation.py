"""Escalations: the steps by which a notification goes on until somebody has taken notice of it.

A step begins some seconds after the one before, or at once when that reached nobody. As soon as
what the waiting step stops on has happened, the escalation stops and no further step begins; an
acknowledgement stops every step. Expiry and cancelling stop it, too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from domain.ids import decode
from domain.vocabulary import Channel

MOST_STEPS: Final = 10
LONGEST_WAIT: Final = 86_400
LONGEST_TOTAL: Final = 7 * 86_400
"""Seconds from the first step to the last one."""
NOBODY_ON_DUTY: Final = "nobody_on_duty"
"""The reason of a step whose rota has nobody for it."""
WAITING: Final = "escalation"
"""Why a workflow waits for a step."""


class StopOn(StrEnum):
    """What makes a waiting step needless; each one also by what stands below it."""

    DELIVERED = "delivered"
    READ = "read"
    ACKNOWLEDGED = "acknowledged"


class StepState(StrEnum):
    """Where a step of an escalation stands."""

    DONE = "done"
    WAITING = "waiting"
    LATER = "later"
    NOT_SENT = "not_sent"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: whom it goes to and how. Neither `profile_id` nor `rota_id`: to the notification's
    own recipient. The first one has no wait.
    """

    channels: tuple[Channel, ...]
    wait: timedelta
    stop_on: StopOn
    profile_id: UUID | None = None
    rota_id: UUID | None = None

    @property
    def is_own(self) -> bool:
        """Whether it goes to the notification's own recipient."""
        return self.profile_id is None and self.rota_id is None


def read(document: Mapping[str, Any] | None) -> tuple[Step, ...]:
    """Return the steps of a stored escalation; none where a notification has no escalation."""
    return tuple(_step(one) for one in (document or {"steps": ()})["steps"])


def total(steps: Sequence[Step]) -> timedelta:
    """Return how long after the first step the last one begins, if no step reaches nobody."""
    return sum((one.wait for one in steps), timedelta())


def _step(stored: Mapping[str, Any]) -> Step:
    return Step(
        channels=tuple(Channel(one) for one in stored["channels"]),
        wait=timedelta(seconds=stored["wait_seconds"]),
        stop_on=StopOn(stored["stop_on"]),
        profile_id=decode("prf", stored["recipient"]) if stored.get("recipient") else None,
        rota_id=decode("rot", stored["rota"]) if stored.get("rota") else None,
    )
