"""The Temporal server of the embedded system and the tests, tuned for prompt dispatch."""

import asyncio
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from temporalio.client import Client

BINARY: Final = Path(sysconfig.get_path("scripts")) / "temporal"

SEARCH_ATTRIBUTES: Final = {
    "TocsinModule": "Keyword",
    "TocsinCategory": "Keyword",
    "TocsinPriority": "Keyword",
    "TocsinState": "Keyword",
    "TocsinChannel": "KeywordList",
}

DYNAMIC_CONFIG: Final = {
    # The defaults make each dispatch up to 50 ms and each timer up to 1 s late.
    "history.transferProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxPollRPS": "2000",
    "history.timerProcessorMaxTimeShift": '"20ms"',
    # Without it fairness keys are ignored.
    "matching.enableFairness": "true",
    # One machine carries all: the ceilings per host are far below what it can do.
    "frontend.rps": "20000",
    "frontend.namespaceRPS": "20000",
    "frontend.namespaceCount": "4000",
    "matching.rps": "20000",
    "history.rps": "20000",
    # What PostgreSQL's columns hold, so that what works here works in production.
    "limit.maxIDLength": "255",
    # Small queues want exact order, and no task waiting in another partition.
    "matching.numTaskqueueReadPartitions": "1",
    "matching.numTaskqueueWritePartitions": "1",
}


def command(
    *, port: int, ui_port: int | None, data: Path | None, namespaces: Sequence[str] = ()
) -> list[str]:
    """Return the command of a server; without a data file it forgets at its end."""
    parts = [
        str(BINARY), "server", "start-dev", "--ip", "127.0.0.1", "--port", str(port),
        "--log-level", "error", "--log-format", "json",
    ]  # fmt: skip
    parts += ["--headless"] if ui_port is None else ["--ui-port", str(ui_port)]
    parts += [] if data is None else ["--db-filename", str(data)]
    for namespace in namespaces:
        parts += ["--namespace", namespace]
    for name, kind in SEARCH_ATTRIBUTES.items():
        parts += ["--search-attribute", f"{name}={kind}"]
    for key, value in DYNAMIC_CONFIG.items():
        parts += ["--dynamic-config-value", f"{key}={value}"]
    return parts


async def ready(port: int) -> bool:
    """Whether the server answers and has our namespace."""
    try:
        client = await asyncio.wait_for(Client.connect(f"127.0.0.1:{port}"), 3)
        async for _ in client.list_workflows("WorkflowId = 'none'"):
            break
    except (RuntimeError, TimeoutError):
        return False
    return True
