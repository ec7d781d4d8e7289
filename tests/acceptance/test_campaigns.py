"""Campaigns through real Temporal, PostgreSQL and SMTP: approved, sent once, stopped at once."""

from collections import Counter

from domain.campaign import Step
from tests.fixtures.campaigns import a_campaign, listed
from tests.fixtures.system import System


async def test_an_approved_one_reaches_each_once(system: System) -> None:
    campaign = await a_campaign(system.app, system.client, listed(300))
    await campaign.submit()
    row = await campaign.until("awaiting_approval")
    assert (row.members, row.shards, len(row.hash)) == (300, 1, 64)
    assert row.frozen["counts"] == {"asked": 300, "suppressed": {}, "channels": {"email": 300}}
    assert system.smtp.messages == []
    await campaign.take(Step.APPROVE)
    assert await campaign.settled("completed") == {"sent": 300}
    got = Counter(one.recipients[0] for one in system.smtp.messages)
    assert got == Counter({f"r{n}@example.com": 1 for n in range(300)})
    assert b"Hello N7" in b"".join(one.content for one in system.smtp.messages)
