"""kill -9 in a campaign: it balances, and all get it once but for those listed as unknown."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from activities.delivery import CHUNK
from fakes.smtp import FakeSmtp
from services.app import close_app, open_app
from tests.acceptance.windows import IN_CAMPAIGNS
from tests.fixtures.api import KEY, a_client, settings_for
from tests.fixtures.campaigns import a_campaign, listed
from tests.fixtures.deployment import Deployment
from tests.fixtures.servers import TestTemporal, until

RECIPIENTS = 120


@pytest.mark.timeout(500)
@pytest.mark.parametrize("failpoint", IN_CAMPAIGNS)
async def test_a_killed_worker_costs_no_balance(
    failpoint: str, database: Any, temporal_server: TestTemporal, tmp_path: Path
) -> None:
    async with FakeSmtp() as smtp, AsyncExitStack() as stack:
        system = Deployment(database, temporal_server.address, "default", tmp_path, smtp)
        fired = tmp_path / "fired"
        system.extra = {"TOCSIN_FAILPOINT": failpoint, "TOCSIN_FAILPOINT_LOG": str(fired)}
        await system.prepare()
        stack.push_async_callback(system.close)
        await system.start("worker", "worker", "--lanes", "high,medium,low,control")
        await until(lambda: system.said("worker", "worker.serving"), 200)
        app = open_app(settings_for(database, temporal_address=system.temporal))
        stack.push_async_callback(close_app, app)
        async with a_client(app, KEY) as client:
            campaign = await a_campaign(app, client, listed(RECIPIENTS))
        await campaign.approved(seconds=200)
        balance = await campaign.settled("completed", seconds=200)
        killed_at = (await asyncio.to_thread(fired.stat)).st_mtime
        await until(lambda: _started_again(system))
        deliveries = await campaign.deliveries()
        marked = {one.address for one in deliveries if one.attempted_at.timestamp() < killed_at}
        if failpoint == "sent":  # the first chunk was at the vendor, however large chunks are now
            assert 1 <= len(marked) <= CHUNK
        else:
            assert marked == set()
        assert balance.get("sent", 0) + balance.get("unknown", 0) == RECIPIENTS
        assert {one.address for one in deliveries if one.state == "unknown"} == marked
        assert {one.attempts for one in deliveries} == {1}
        got = Counter(one.recipients[0] for one in smtp.messages)
        assert got == Counter(f"r{n}@example.com" for n in range(RECIPIENTS))


async def _started_again(system: Deployment) -> bool:
    return system.starts["worker"] >= 2
