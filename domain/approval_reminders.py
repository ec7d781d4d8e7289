"""When approvers are reminded of what waits for them, and when it waits no longer; pure.

Reminders are moments that follow from when approval was asked for: then, after each interval, and
once before the deadline. However many have passed unheard, one reminder makes up for all of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.approvals import Policy

REMIND_EVERY: Final = timedelta(hours=24)
"""Where no policy says how often."""
LAST_CALL: Final = timedelta(hours=2)
"""How long before the deadline approvers are reminded once more; half the time if that is less."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Since when approval is asked for, how often approvers hear of it, and until when it waits."""

    asked_at: datetime
    every: timedelta | None = REMIND_EVERY
    deadline: datetime | None = None

    @property
    def last_call(self) -> datetime | None:
        """When approvers are reminded for the last time."""
        if self.deadline is None:
            return None
        return self.deadline - min(LAST_CALL, (self.deadline - self.asked_at) / 2)

    def is_over(self, now: datetime) -> bool:
        """Whether the deadline has passed."""
        return self.deadline is not None and self.deadline <= now

    def is_due(self, now: datetime, reminded_at: datetime | None) -> bool:
        """Whether approvers are to be reminded now, who were last reminded at a moment."""
        if self.is_over(now):
            return False
        latest = max((one for one in self._around(now) if one <= now), default=None)
        return latest is not None and (reminded_at is None or latest > reminded_at)

    def next(self, now: datetime) -> datetime | None:
        """Return the next moment after now at which there is something to do; None: never."""
        if self.is_over(now):
            return None
        moments = [*self._around(now), *([self.deadline] if self.deadline else [])]
        return min((one for one in moments if one > now), default=None)

    def _around(self, now: datetime) -> Iterable[datetime]:
        """Yield the first moment, the last call, and the regular ones just before and after now."""
        yield self.asked_at
        if self.last_call is not None:
            yield self.last_call
        if self.every is not None and now >= self.asked_at:
            past = (now - self.asked_at) // self.every
            yield self.asked_at + past * self.every
            yield self.asked_at + (past + 1) * self.every


def asking(policies: Sequence[Policy], asked_at: datetime, approve_by: datetime | None) -> Asking:
    """Return what the policies that bind a submission make of it: the shortest interval and the
    earliest deadline count, `approve_by` of the submission among them.
    """
    every = [one.remind_every for one in policies if one.remind_every is not None]
    deadlines = [asked_at + one.deadline for one in policies if one.deadline is not None]
    return Asking(
        asked_at,
        every=min(every, default=None) if policies else REMIND_EVERY,
        deadline=min([*deadlines, *([approve_by] if approve_by else [])], default=None),
    )
