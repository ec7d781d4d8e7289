"""The story of a campaign: resolve, approve, wait for its window, deliver, close."""

import asyncio
from datetime import datetime

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.campaign_delivery import CampaignDelivery
    from activities.campaign_resolving import CampaignResolving
    from activities.campaigns import Campaigns
    from domain.orders import CampaignOrder, Outlook, ShardOrder, ShardPass, Stage
    from workflows import attributes, policies


@workflow.defn
class CampaignWorkflow:
    """Carries a run of a campaign from its submission to its end.

    The row decides everything: who approves, pauses, edits or aborts changes it, and then wakes
    the workflow, which looks again. A wake alone approves nothing. The workflow knows only the
    campaign's id and numbers, so it begins anew wherever its history grows long.
    """

    def __init__(self) -> None:
        self._woken = False

    @workflow.run
    async def run(self, order: CampaignOrder) -> str:
        """Return the state in which the run left the campaign."""
        outlook = await self._look(order)
        while outlook.stage != Stage.CLOSE:
            if outlook.stage == Stage.RESOLVE:
                await self._resolve(order)
            elif outlook.stage == Stage.DELIVER:
                await self._deliver(order, outlook.shards)
            else:
                await self._hold(outlook)
            self._renew(order)
            outlook = await self._look(order)
        return await self._close(order)

    @workflow.signal
    def wake(self) -> None:
        """Look at the row again: it was changed."""
        self._woken = True

    async def _look(self, order: CampaignOrder) -> Outlook:
        self._woken = False
        outlook = await workflow.execute_activity_method(
            Campaigns.look,
            order,
            start_to_close_timeout=policies.LOOK_TIMEOUT,
            retry_policy=policies.DELIVER_RETRY,
            summary="look how it stands",
        )
        self._tell(outlook)
        return outlook

    async def _resolve(self, order: CampaignOrder) -> None:
        """Freeze the audience and write its deliveries; the campaign awaits approval then."""
        await workflow.execute_activity_method(
            CampaignResolving.resolve,
            order,
            start_to_close_timeout=policies.RESOLVE_TIMEOUT,
            heartbeat_timeout=policies.DELIVER_HEARTBEAT,
            retry_policy=policies.RESOLVE_RETRY,
            summary="resolve the audience",
        )

    async def _hold(self, outlook: Outlook) -> None:
        """Wait durably for approval, for the window or for retries; a wake ends it early."""
        rest = None
        if outlook.due_at is not None:
            rest = max(outlook.due_at - workflow.now(), policies.SHORTEST_HOLD)
        try:
            await workflow.wait_condition(
                lambda: self._woken, timeout=rest, timeout_summary=outlook.why[:200]
            )
        except TimeoutError:
            return

    async def _deliver(self, order: CampaignOrder, shards: list[int]) -> None:
        """Deliver shards, a few at a time; no new one begins after one that was stopped."""
        left = list(reversed(shards))
        running: list[asyncio.Task[ShardPass]] = []
        stopped, leased = False, 0
        while running or (left and not stopped):
            while left and len(running) < policies.SHARDS_AT_ONCE and not stopped:
                running.append(asyncio.create_task(self._shard(order, left.pop())))
            done, running = await workflow.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                leased += one.result().leased
                stopped = stopped or one.result().stopped or self._woken
        if not leased and not stopped:
            await workflow.sleep(policies.SHORTEST_HOLD, summary="others are at it")

    async def _shard(self, order: CampaignOrder, shard: int) -> ShardPass:
        return await workflow.execute_activity_method(
            CampaignDelivery.deliver,
            ShardOrder(order.campaign_id, order.run, shard, order.priority),
            start_to_close_timeout=policies.SHARD_TIMEOUT,
            heartbeat_timeout=policies.DELIVER_HEARTBEAT,
            retry_policy=policies.DELIVER_RETRY,
            summary=f"shard {shard}",
        )

    async def _close(self, order: CampaignOrder) -> str:
        """End what still waits; what is being sent is waited for."""
        while True:
            outlook = await workflow.execute_activity_method(
                Campaigns.close,
                order,
                start_to_close_timeout=policies.RESOLVE_TIMEOUT,
                heartbeat_timeout=policies.DELIVER_HEARTBEAT,
                retry_policy=policies.DELIVER_RETRY,
                summary="close what is left",
            )
            self._tell(outlook)
            if outlook.stage == Stage.CLOSE:
                return outlook.state
            await self._hold(outlook)
            self._renew(order)

    def _renew(self, order: CampaignOrder) -> None:
        """Begin a new history when this one is long; it begins with a look, so nothing is lost."""
        if workflow.info().is_continue_as_new_suggested():
            workflow.continue_as_new(order)

    def _tell(self, outlook: Outlook) -> None:
        workflow.upsert_search_attributes([attributes.STATE.value_set(outlook.state)])
        until = _until(outlook.due_at) if outlook.stage == Stage.WAIT else ""
        workflow.set_current_details(f"{outlook.state}{until}: {outlook.why or outlook.stage}")


def _until(due_at: datetime | None) -> str:
    return f" until {due_at:%Y-%m-%d %H:%M:%S} UTC" if due_at else ""
