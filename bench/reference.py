"""The reference's worker, a process of its own, set up as Tocsin's lanes are."""

import asyncio
import signal
import sys

import uvloop
from temporalio.client import Client
from temporalio.service import GrpcCompression
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from bench.noop import QUEUE, Reference, nothing


async def connect(address: str) -> Client:
    """Connect the way Tocsin's processes do."""
    return await Client.connect(address, grpc_compression=GrpcCompression.NONE)


async def serve(address: str) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Worker(
        await connect(address),
        task_queue=QUEUE,
        workflows=[Reference],
        activities=[nothing],
        workflow_runner=SandboxedWorkflowRunner(
            restrictions=SandboxRestrictions.default.with_passthrough_modules("bench")
        ),
        workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(maximum=5),
        activity_task_poller_behavior=PollerBehaviorSimpleMaximum(maximum=5),
    ):
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(serve(sys.argv[1]))
