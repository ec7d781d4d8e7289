"""The story of one time of a schedule: whatever is due is fired."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.firing import Firing
    from workflows import policies


@workflow.defn
class ScheduleWorkflow:
    """Started by Temporal's schedule of the same id; the row says what is due, and what is done."""

    @workflow.run
    async def run(self, schedule_id: str) -> int:
        """Return how often the schedule fired."""
        return await workflow.execute_activity_method(
            Firing.fire,
            schedule_id,
            start_to_close_timeout=policies.FIRE_TIMEOUT,
            retry_policy=policies.FIRE_RETRY,
            summary="fire what is due",
        )
