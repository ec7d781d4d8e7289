"""Remembers how far the queues are: between two leases a queue that moves has none for a moment."""

import time
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID


class Fronts:
    """The front of each module's queue on each lane, as the sweeps of a process saw it."""

    def __init__(self) -> None:
        self._seen: dict[tuple[UUID, str], tuple[datetime, float]] = {}

    def seen(
        self, found: Mapping[tuple[UUID, str], datetime], seconds: float
    ) -> dict[tuple[UUID, str], datetime]:
        """Note what was found now, and return it with what was found in the last `seconds`."""
        now = time.monotonic()
        self._seen |= {queue: (front, now) for queue, front in found.items()}
        self._seen = {
            queue: (front, at) for queue, (front, at) in self._seen.items() if at >= now - seconds
        }
        return {queue: front for queue, (front, _) in self._seen.items()}
