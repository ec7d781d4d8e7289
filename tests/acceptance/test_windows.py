"""kill -9 in every window, for every class: nothing is lost, nothing is sent that must not be."""

import asyncio
import contextlib
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from fakes.smtp import FakeSmtp
from services.app import close_app, open_app
from tests.acceptance.windows import CLASSES, WINDOWS, Window
from tests.fixtures.api import KEY, a_client, settings_for
from tests.fixtures.deployment import Deployment
from tests.fixtures.servers import TestTemporal, until

UPKEEP = "unsealed"
"""The window that lies in upkeep and not on a message's way."""


async def _ask(client: httpx.AsyncClient, category: str) -> None:
    body = {
        "recipient": {"email": f"{category}@example.com"},
        "content": {"email": {"subject": "Hi", "text": "Hello"}},
        "category": category,
    }
    # The API may be the process that dies before it can answer.
    with contextlib.suppress(httpx.TransportError):
        await client.post("/v1/notifications", json=body)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.failpoint)
async def test_every_window_is_survived(
    window: Window, database: Any, temporal_server: TestTemporal, tmp_path: Path
) -> None:
    async with FakeSmtp() as smtp:
        system = Deployment(database, temporal_server.address, "default", tmp_path, smtp)
        fired = tmp_path / "fired"
        # One kill meets one message of each class, all in the window.
        met = window.failpoint if window.failpoint == UPKEEP else f"{window.failpoint}@4"
        system.extra = {
            "TOCSIN_FAILPOINT": met,
            "TOCSIN_FAILPOINT_LOG": str(fired),
            "TOCSIN_OTP_START_SECONDS": "3" if window.failpoint == "accepted" else "120",
            "TOCSIN_LEASE_SECONDS": "12" if window.leased else "60",
            "TOCSIN_SWEEP_GRACE_SECONDS": "4",
        }
        await system.prepare()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(system.close)
            await _send_one_of_each_class(window, system, stack)
            await until(lambda: asyncio.to_thread(fired.exists), 60)
            await system.settled(90)
            await until(lambda: _sealed(system), 30)
            rows = await system.query("SELECT class, state, reason, attempts FROM deliveries")
            events = await system.query(
                "SELECT e->>'from', e->>'to', each FROM outbox_batches,"
                " jsonb_array_elements(events) e, jsonb_array_elements(e->'each') each"
                " WHERE e->>'type' = 'deliveries'"
            )
        _check(window, system, rows)
        assert events
        assert len({str(event) for event in events}) == len(events), "an event was told twice"


async def _send_one_of_each_class(
    window: Window, system: Deployment, stack: AsyncExitStack
) -> None:
    control = "" if window.failpoint == UPKEEP else ",control"
    await system.start("worker", "worker", "--lanes", f"high,medium,low{control}")
    await until(lambda: system.said("worker", "worker.serving"))
    async with await _client(window, system, stack) as client:
        await asyncio.gather(*(_ask(client, category) for category in CLASSES))
    if window.failpoint == UPKEEP:
        await system.settled(90)
        await system.start("upkeep", "worker", "--lanes", "control")


def _check(window: Window, system: Deployment, rows: list[Any]) -> None:
    mails = Counter(message.recipients[0].split("@")[0] for message in system.smtp.messages)
    ends = {
        row["class"]: (row["state"], mails[row["class"]], row["attempts"], row["reason"])
        for row in rows
    }
    print(f"{window.failpoint:<9} killed {window.process}, starts {system.starts}; {ends}")
    assert system.starts[window.process] >= 2, "the fault never fired"
    assert sorted(row["class"] for row in rows) == sorted(CLASSES)
    for category, (state, received, _, _) in ends.items():
        wanted = window.expected(category)
        assert (category, state) == (category, wanted.state)
        assert received in wanted.mails, category


async def _client(window: Window, system: Deployment, stack: AsyncExitStack) -> httpx.AsyncClient:
    """Return a client of a process of its own where that is to die, else of this process."""
    if window.process == "api":
        await system.start("api", "api")
        await until(system.api_ready, 60)
        return system.client()
    app = open_app(
        settings_for(
            system.database,
            temporal_address=system.temporal,
            temporal_namespace=system.namespace,
            otp_start_seconds=120,
        )
    )
    stack.push_async_callback(close_app, app)
    return a_client(app, KEY)


async def _sealed(system: Deployment) -> bool:
    return not await system.query("SELECT 1 FROM outbox LIMIT 1")
