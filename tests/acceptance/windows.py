"""The windows in which a process is killed, and what must be true afterwards, class by class."""

from dataclasses import dataclass
from typing import Final

AT_LEAST_ONCE: Final = ("otp", "transactional")
CLASSES: Final = (*AT_LEAST_ONCE, "bulk", "marketing")


@dataclass(frozen=True)
class Expected:
    """The state and how many mails the server may have received."""

    state: str
    mails: tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """A failpoint, the process it lies in, and the end of each class."""

    failpoint: str
    process: str
    resent: Expected
    once: Expected
    otp: Expected | None = None
    leased: bool = False  # what is in the window waits for the end of its sender's lease

    def expected(self, category: str) -> Expected:
        """Return what is right for a class."""
        if category == "otp" and self.otp is not None:
            return self.otp
        return self.resent if category in AT_LEAST_ONCE else self.once


SENT: Final = Expected("sent", (1,))

WINDOWS: Final = (
    # Accepted, not started: the sweeper starts it; an otp is useful now or never.
    Window("accepted", "api", SENT, SENT, otp=Expected("failed", (0,))),
    # Leased, not marked: nothing left the process, so everybody gets it once.
    Window("leased", "worker", SENT, SENT, leased=True),
    # Marked, nothing left yet: nobody can know that, so the policy of the class decides.
    Window("marked", "worker", SENT, Expected("unknown", (0,)), leased=True),
    # The vendor took it, nothing recorded: the same row, the other truth.
    Window("sent", "worker", Expected("sent", (2,)), Expected("unknown", (1,)), leased=True),
    # Settled, but Temporal was not told.
    Window("settled", "worker", SENT, SENT),
    # Events written, not sealed.
    Window("unsealed", "upkeep", SENT, SENT),
)

IN_CAMPAIGNS: Final = ("shard_written", "sent")
"""The failpoints at which a worker is killed that carries a campaign."""
IN_ESCALATIONS: Final = ("escalated",)
"""Those at which one is killed that begins a step."""
