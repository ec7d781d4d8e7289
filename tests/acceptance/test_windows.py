"""kill -9 in every window, for every class: nothing is lost, nothing is sent that must not be."""

import asyncio
import contextlib
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


async def _ask(client: httpx.AsyncClient, category: str) -> None:
    body = {
        "recipient": {"email": "sam@example.com"},
        "content": {"email": {"subject": "Hi", "text": "Hello"}},
        "category": category,
    }
    # The API may be the process that dies before it can answer.
    with contextlib.suppress(httpx.TransportError):
        await client.post("/v1/notifications", json=body)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("category", CLASSES)
@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.failpoint)
async def test_every_window_is_survived(
    window: Window, category: str, database: Any, temporal_server: TestTemporal, tmp_path: Path
) -> None:
    fired = tmp_path / "fired"
    async with AsyncExitStack() as stack:
        smtp = await stack.enter_async_context(FakeSmtp())
        extra = {"TOCSIN_FAILPOINT": window.failpoint, "TOCSIN_FAILPOINT_LOG": str(fired)}
        system = Deployment(database, temporal_server.address, tmp_path, smtp, extra=extra)
        if window.failpoint == "accepted":
            system.extra = {**extra, "TOCSIN_OTP_START_SECONDS": "3"}
        await system.prepare()
        stack.push_async_callback(system.close)
        await system.start("worker", "worker", "--lanes", "high,medium,low,control")
        async with await _client(window, system, stack) as client:
            await _ask(client, category)
        await until(lambda: _exists(fired), 60)
        await system.settled(90)
        await until(lambda: _sealed(system), 30)
        [row] = await system.query("SELECT state, attempts FROM deliveries")
        events = await system.query(
            "SELECT e FROM outbox_batches, jsonb_array_elements(events) e"
            " WHERE e->>'type' = 'delivery'"
        )
        wanted = window.expected(category)
        print(
            f"{window.failpoint:<9} {category:<14} killed {window.process}; "
            f"state {row['state']}, mails {len(smtp.messages)}, attempts {row['attempts']}, "
            f"starts {system.starts}"
        )
        assert system.starts[window.process] >= 2, "the fault never fired"
        assert row["state"] == wanted.state
        assert len(smtp.messages) in wanted.mails
        assert len({str(event) for event in events}) == len(events), "an event was told twice"


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
            otp_start_seconds=20,
        )
    )
    stack.push_async_callback(close_app, app)
    return a_client(app, KEY)


async def _exists(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


async def _sealed(system: Deployment) -> bool:
    return not await system.query("SELECT 1 FROM outbox LIMIT 1")
