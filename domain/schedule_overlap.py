"""What to do with times that have come while what an earlier one began is unfinished."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from domain.contract.schedule import Overlap

MOST_WAITING: Final = 1_000


@dataclass(frozen=True, slots=True)
class Decision:
    """The times to fire now, those that wait their turn, and those that are dropped."""

    fire: list[datetime]
    wait: list[datetime]
    drop: list[datetime]
    cancel: bool = False
    """Whether what is unfinished is cancelled first."""


def decide(overlap: Overlap, due: Sequence[datetime], *, busy: bool, waiting: int) -> Decision:
    """Judge times in their order; `busy` is whether anything is unfinished, `waiting` how many
    times wait already.
    """
    times = list(due)
    if overlap is Overlap.ALLOW_ALL:
        return Decision(times, [], [])
    if overlap is Overlap.CANCEL_OTHER:
        return Decision(times[-1:], [], times[:-1], cancel=bool(times))
    first = 0 if busy or waiting else 1
    room = {Overlap.SKIP: 0, Overlap.BUFFER_ONE: 1}.get(overlap, MOST_WAITING) - waiting
    rest = times[first:]
    kept = max(0, room)
    return Decision(times[:first], rest[:kept], rest[kept:])
