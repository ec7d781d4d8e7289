"""In which order the recipients of a campaign get it: its canary, its test, then all others.

A wave is a range of shards, so that what may be sent by now is told by one number.
"""

from enum import IntEnum
from typing import Final

SHARDS_OF_WAVE: Final = 1_000_000


class Wave(IntEnum):
    """Recipients that are sent to before the next ones."""

    CANARY = -2
    TEST = -1
    REST = 0

    @property
    def first_shard(self) -> int:
        """The shard in which the wave begins."""
        return self * SHARDS_OF_WAVE

    @property
    def end(self) -> int:
        """The first shard that neither this wave nor one before it has."""
        return self.first_shard + SHARDS_OF_WAVE
