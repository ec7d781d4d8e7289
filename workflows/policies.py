"""Timeouts and retries of the activities, by name."""

from datetime import timedelta
from typing import Final

from temporalio.common import RetryPolicy

PREPARE_TIMEOUT: Final = timedelta(seconds=30)
PREPARE_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(milliseconds=500), maximum_interval=timedelta(seconds=30)
)

DELIVER_TIMEOUT: Final = timedelta(minutes=5)
DELIVER_HEARTBEAT: Final = timedelta(seconds=8)
DELIVER_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
)
"""Temporal's retry is for crashes, timeouts and an unreachable database; never for vendors."""

SHORTEST_HOLD: Final = timedelta(milliseconds=200)
"""A hold is never shorter, so that clocks that disagree cannot make a workflow spin."""

LOOK_TIMEOUT: Final = timedelta(seconds=60)
RESOLVE_TIMEOUT: Final = timedelta(hours=6)
"""A dead one is noticed by its heartbeat; this bounds one that only seems to live."""
RESOLVE_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30)
)
SHARD_TIMEOUT: Final = timedelta(hours=24)
"""At a slow pace the deliveries of one shard take that long; then it begins again."""
SHARDS_AT_ONCE: Final = 4
"""Shards of one campaign that are delivered at the same time."""
FIRE_TIMEOUT: Final = timedelta(minutes=1)
FIRE_RETRY: Final = RetryPolicy(
    initial_interval=timedelta(seconds=1),
    maximum_interval=timedelta(seconds=10),
    maximum_attempts=5,
)
"""For an unreachable database; after that the sweep of the control lane fires what is due."""
