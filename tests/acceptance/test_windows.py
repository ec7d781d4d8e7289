"""kill -9 in every window, for every class: nothing is lost, nothing is sent that must not be."""

import asyncio
import contextlib
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest

from fakes.smtp import FakeSmtp
from services.app import close_app, open_app
from tests.acceptance.windows import CLASSES, WINDOWS, Window
from tests.fixtures.api import KEY, a_client, settings_for
from tests.fixtures.deployment import Deployment
from tests.fixtures.servers import NAMESPACES, Servers, TestTemporal, a_database, until


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
@pytest.mark.parametrize("window", WINDOWS, ids=lambda window: window.failpoint)
async def test_every_window_is_survived(
    window: Window, postgres_servers: Servers, temporal_server: TestTemporal, tmp_path: Path
) -> None:
    async def one(category: str, namespace: str) -> None:
        folder = tmp_path / category
        folder.mkdir()
        async with a_database(postgres_servers) as database, FakeSmtp() as smtp:
            await _survive(
                window,
                category,
                Deployment(database, temporal_server.address, namespace, folder, smtp),
            )

    await asyncio.gather(*(one(*pair) for pair in zip(CLASSES, NAMESPACES, strict=True)))


async def _survive(window: Window, category: str, system: Deployment) -> None:
    fired = system.folder / "fired"
    system.extra = {
        "TOCSIN_FAILPOINT": window.failpoint,
        "TOCSIN_FAILPOINT_LOG": str(fired),
        "TOCSIN_OTP_START_SECONDS": "3" if window.failpoint == "accepted" else "120",
    }
    await system.prepare()
    async with AsyncExitStack() as stack:
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
    mails, wanted = len(system.smtp.messages), window.expected(category)
    print(
        f"{window.failpoint:<9} {category:<14} killed {window.process}; state {row['state']}, "
        f"mails {mails}, attempts {row['attempts']}, starts {system.starts}"
    )
    assert system.starts[window.process] >= 2, "the fault never fired"
    assert row["state"] == wanted.state
    assert mails in wanted.mails
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
            temporal_namespace=system.namespace,
            otp_start_seconds=120,
        )
    )
    stack.push_async_callback(close_app, app)
    return a_client(app, KEY)


async def _exists(path: Path) -> bool:
    return await asyncio.to_thread(path.exists)


async def _sealed(system: Deployment) -> bool:
    return not await system.query("SELECT 1 FROM outbox LIMIT 1")
