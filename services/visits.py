"""What was seen at tracked links and pixels, until it is written down.

Whoever follows a link is led on at once, whether or not the ledger can be written: what was seen
waits here, in memory, and is written together with its neighbours. What does not fit while the
ledger is away, or is still here when the process ends without it, is lost, and the log says so.
"""

from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import structlog

from domain.engagement import EngagementKind
from domain.machine_visits import Visit
from domain.tracking_links import Click, Opening

log = structlog.get_logger()

MOST: Final = 50_000
TOGETHER: Final = 1_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One request for a pixel or a link. Of who asked, nothing is kept."""

    what: Opening | Click
    at: datetime
    user_agent: str
    is_head: bool
    says_prefetch: bool

    @property
    def kind(self) -> EngagementKind:
        """What it would be of a person."""
        is_click = isinstance(self.what, Click)
        return EngagementKind.CLICKED if is_click else EngagementKind.OPENED

    def visit(self, sent_at: datetime | None) -> Visit:
        """Return it as it is judged, of a mail that left at a moment."""
        since = (self.at - sent_at).total_seconds() if sent_at else None
        return Visit(self.kind, self.user_agent, self.is_head, self.says_prefetch, since)


class Visits:
    """The requests of this process that wait to be written, oldest first."""

    def __init__(self) -> None:
        self._waiting: deque[Seen] = deque()
        self._lost = 0

    def note(
        self, what: Opening | Click, *, user_agent: str, is_head: bool, says_prefetch: bool
    ) -> None:
        """Keep a request; while too many wait, it is lost instead."""
        if len(self._waiting) >= MOST:
            self._lost += 1
            return
        agent = user_agent[:500]
        self._waiting.append(Seen(what, datetime.now(UTC), agent, is_head, says_prefetch))

    def take(self) -> list[Seen]:
        """Return the oldest requests, which are then to be written or given back."""
        return [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]

    def give_back(self, seen: list[Seen]) -> None:
        """Let requests wait on that could not be written."""
        self._waiting.extendleft(reversed(seen))

    def report(self, why: str) -> None:
        """Say why requests wait, how many do, and how many were lost since this was said last."""
        log.warning("tracking.waiting", why=why, waiting=len(self._waiting), lost=self._lost)
        self._lost = 0

    def __len__(self) -> int:
        return len(self._waiting)
