"""The canary: a few recipients first, whose receipts say whether the others follow."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Any, Final

from domain.vocabulary import ReceiptKind

FAILED: Final = "failed"


class CanaryState(StrEnum):
    """How far a canary is. Of `stopped` the campaign is paused; `overridden` is one that was
    resumed all the same, `skipped` one that was the whole campaign.
    """

    SENDING = "sending"
    WAITING = "waiting"
    PASSED = "passed"
    STOPPED = "stopped"
    OVERRIDDEN = "overridden"
    SKIPPED = "skipped"


UNDECIDED: Final = (CanaryState.SENDING, CanaryState.WAITING)


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the canary's deliveries so far; each is in one of the first three."""

    sent: int = 0
    failed: int = 0
    waiting: int = 0
    untried: int = 0
    """Those of the waiting ones that had no turn yet."""
    bounced: int = 0
    complained: int = 0

    def document(self) -> dict[str, int]:
        """Return what pages and answers show."""
        return {
            "sent": self.sent, "failed": self.failed, "waiting": self.waiting,
            "bounced": self.bounced, "complained": self.complained,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Breach:
    """A bound that was passed: `count` of `base` deliveries, where the share `bound` is allowed."""

    name: str
    count: int
    base: int
    bound: float

    @property
    def share(self) -> float:
        """The share that was measured."""
        return self.count / self.base

    def told(self) -> str:
        """Return which bound was passed, and by how much."""
        return (
            f"{self.name}: {self.count} of {self.base} ({_percent(self.share)}), where"
            f" {_percent(self.bound)} are allowed: {_percent(self.share - self.bound)} too many"
        )


@dataclass(frozen=True, slots=True)
class Canary:
    """Which share goes first, of how many recipients at least, how long receipts are waited for
    when all of them had their turn, and which shares may bounce, fail and complain.
    """

    share: float
    at_least: int
    wait_seconds: float
    bounds: Mapping[str, float]

    @classmethod
    def of(cls, document: Mapping[str, Any] | None) -> "Canary | None":
        """Return what was asked for; None where that is none."""
        return cls(**document) if document else None

    def size(self, recipients: int) -> int:
        """Return how many of so many recipients are the canary."""
        return min(recipients, max(self.at_least, ceil(round(self.share * recipients, 6))))

    def breaches(self, counts: Counts, *, final: bool) -> list[Breach]:
        """Return the bounds that are passed. Before the end only those count that are passed
        whatever becomes of what still waits.
        """
        waiting = 0 if final else counts.waiting
        sent, tried = counts.sent + waiting, counts.sent + counts.failed + waiting
        found = {
            ReceiptKind.BOUNCED.value: (counts.bounced, sent),
            ReceiptKind.COMPLAINED.value: (counts.complained, sent),
            FAILED: (counts.failed, tried),
        }
        return [
            Breach(name, count, base, self.bounds[name])
            for name, (count, base) in found.items()
            if name in self.bounds and count > self.bounds[name] * base
        ]


def _percent(share: float) -> str:
    return f"{100 * share:.4g} %"
