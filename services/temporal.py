"""The way to Temporal: start and wake workflows, without ever being needed to accept work."""

import asyncio
import time
from datetime import timedelta

import structlog
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client
from temporalio.common import Priority as TaskPriority
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from domain import campaign
from domain.ids import decode
from domain.orders import LANES, CampaignOrder, Order
from domain.vocabulary import Priority
from workflows import attributes

log = structlog.get_logger()

_RPC = timedelta(seconds=5)
_PAUSE_SECONDS = 2.0


class TemporalDown(Exception):
    """Temporal does not answer."""


class Temporal:
    """A lazily connected client of one namespace; after a failure it is left alone for 2 s."""

    def __init__(self, target: str, namespace: str) -> None:
        self.target = target
        self.namespace = namespace
        self._client: Client | None = None
        self._lock = asyncio.Lock()
        self._down_until = 0.0

    async def client(self) -> Client:
        """Return the connected client; raises TemporalDown."""
        if self._client is not None:
            return self._client
        self._refuse_while_down()
        async with self._lock:
            if self._client is None:
                try:
                    self._client = await asyncio.wait_for(
                        Client.connect(
                            self.target,
                            namespace=self.namespace,
                            grpc_compression=GrpcCompression.NONE,
                        ),
                        5,
                    )
                except (RuntimeError, TimeoutError) as error:
                    raise self._now_down(error) from None
            return self._client

    async def start(self, order: Order, *, summary: str, facts: attributes.Facts) -> None:
        """Start the workflow of an order; one that runs or ran already is left alone."""
        await self._start("NotificationWorkflow", order, order.workflow_id, summary, facts)

    async def start_campaign(
        self, order: CampaignOrder, *, summary: str, facts: attributes.Facts
    ) -> None:
        """Start the workflow of a campaign's run; one that runs or ran already is left alone."""
        id = campaign.workflow_id(decode("cmp", order.campaign_id), order.run, order.recovery)
        await self._start("CampaignWorkflow", order, id, summary, facts)

    async def _start(
        self,
        kind: str,
        order: Order | CampaignOrder,
        workflow_id: str,
        summary: str,
        facts: attributes.Facts,
    ) -> None:
        client = await self.client()
        self._refuse_while_down()
        try:
            await client.start_workflow(
                kind,
                order,
                id=workflow_id,
                task_queue=LANES[Priority(order.priority)],
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                priority=TaskPriority(fairness_key=facts.module[:64]),
                search_attributes=TypedSearchAttributes(
                    [
                        SearchAttributePair(attributes.MODULE, facts.module),
                        SearchAttributePair(attributes.CATEGORY, facts.category),
                        SearchAttributePair(attributes.PRIORITY, order.priority),
                        SearchAttributePair(attributes.STATE, "accepted"),
                        SearchAttributePair(attributes.CHANNEL, list(facts.channels)),
                    ]
                ),
                static_summary=summary,
                rpc_timeout=_RPC,
            )
        except WorkflowAlreadyStartedError:
            log.info("workflow.already_started", workflow=workflow_id)
        except RPCError as error:
            raise self.failed(error) from None

    async def wake(self, workflow_id: str) -> bool:
        """Tell a workflow to look at its rows again; False when it has ended, or never was."""
        client = await self.client()
        self._refuse_while_down()
        try:
            handle = client.get_workflow_handle(workflow_id)
            await handle.signal("wake", rpc_timeout=_RPC)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise self.failed(error) from None
        return True

    async def healthy(self) -> bool:
        """Whether Temporal answers now."""
        try:
            client = await self.client()
            return await client.service_client.check_health(timeout=timedelta(seconds=2))
        except (TemporalDown, RPCError):
            return False

    def _refuse_while_down(self) -> None:
        if time.monotonic() < self._down_until:
            raise TemporalDown("Temporal did not answer a moment ago")

    def failed(self, error: RPCError) -> TemporalDown:
        """Note that a call failed, so that Temporal is left alone a while; return what to raise."""
        return self._now_down(error)

    def _now_down(self, error: Exception) -> TemporalDown:
        self._down_until = time.monotonic() + _PAUSE_SECONDS
        log.warning("temporal.unavailable", error=str(error)[:200])
        return TemporalDown(str(error))


async def register_attributes(client: Client) -> None:
    """Register our search attributes, without which no workflow can start; repeatable."""
    kinds = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in attributes.ALL}
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=kinds)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            log.warning("temporal.attributes_not_registered", error=str(error)[:200])
