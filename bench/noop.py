"""The least that Temporal can be asked to do: a workflow with one activity that does nothing."""

import time
from datetime import timedelta
from typing import Final

from temporalio import activity, workflow

QUEUE: Final = "bench-reference"


@activity.defn
async def nothing() -> float:
    """Return when it ran: seconds of the machine's monotonic clock, which all processes share."""
    return time.monotonic()


@workflow.defn
class Reference:
    """Runs the activity once."""

    @workflow.run
    async def run(self) -> float:
        """Return when the activity ran."""
        return await workflow.execute_activity(
            nothing, start_to_close_timeout=timedelta(seconds=30)
        )
