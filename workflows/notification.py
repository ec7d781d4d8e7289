"""The story of a notification: prepare, hold until it is due, deliver, done."""

from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.delivery import Delivery
    from domain.orders import Order, Progress
    from workflows import attributes, policies


@workflow.defn
class NotificationWorkflow:
    """Carries one notification, or several neighbours, to the end of their deliveries.

    The rows decide everything; the workflow only knows when to look at them again. A change or
    a cancel is written to the row first and then wakes the workflow.
    """

    def __init__(self) -> None:
        self._woken = False

    @workflow.run
    async def run(self, order: Order) -> dict[str, int]:
        """Return how many deliveries ended in which state."""
        if order.due_at is None:
            progress = await self._deliver(order)
        else:
            progress = await self._prepare(order)
        while progress.next_due is not None:
            await self._hold(progress.next_due, progress.why)
            progress = await self._deliver(order)
        return self._done(progress)

    @workflow.signal
    def wake(self) -> None:
        """Look at the rows again: one was changed or cancelled."""
        self._woken = True

    async def _prepare(self, order: Order) -> Progress:
        return await workflow.execute_activity_method(
            Delivery.prepare,
            order,
            start_to_close_timeout=policies.PREPARE_TIMEOUT,
            retry_policy=policies.PREPARE_RETRY,
            summary="look when it is due",
        )

    async def _deliver(self, order: Order) -> Progress:
        self._woken = False
        return await workflow.execute_activity_method(
            Delivery.deliver,
            order,
            start_to_close_timeout=policies.DELIVER_TIMEOUT,
            heartbeat_timeout=policies.DELIVER_HEARTBEAT,
            retry_policy=policies.DELIVER_RETRY,
            summary=f"{len(order.notification_ids)} on the {order.priority} lane",
        )

    async def _hold(self, until: datetime, why: str) -> None:
        """Sleep durably until a moment; a wake ends the sleep early."""
        self._tell("held", f"held until {until:%Y-%m-%d %H:%M:%S} UTC: {why}")
        rest = max(until - workflow.now(), policies.SHORTEST_HOLD)
        try:
            await workflow.wait_condition(
                lambda: self._woken, timeout=rest, timeout_summary=why[:200]
            )
        except TimeoutError:
            return

    def _done(self, progress: Progress) -> dict[str, int]:
        self._tell(max(progress.states, key=progress.states.__getitem__, default="moved"), "done")
        return progress.states

    def _tell(self, state: str, details: str) -> None:
        workflow.upsert_search_attributes([attributes.STATE.value_set(state)])
        workflow.set_current_details(details)
