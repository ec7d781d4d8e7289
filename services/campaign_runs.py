"""Starts and wakes the workflows of campaigns; the row is the promise, whether or not they answer.

What is not started or waked here, because Temporal does not answer, the sweeper does later.
"""

from typing import Any

from sqlalchemy import Row

from domain import campaign
from domain.ids import encode
from domain.orders import CampaignOrder
from services.app import App
from services.temporal import TemporalDown
from workflows.attributes import Facts


async def start(app: App, row: Row[Any]) -> None:
    """Start the workflow of the present run, after a submission or a sending again."""
    try:
        await start_or_raise(app, row)
    except TemporalDown:
        return


async def wake(app: App, row: Row[Any]) -> None:
    """Let the workflow look at the row, after any change."""
    try:
        await app.temporal.wake(campaign.workflow_id(row.id, row.run, row.recoveries))
    except TemporalDown:
        return


async def start_or_raise(app: App, row: Row[Any]) -> None:
    """Start the workflow of the present run and recovery; raises TemporalDown."""
    frozen = row.frozen
    order = CampaignOrder(encode("cmp", row.id), row.run, frozen["priority"], row.recoveries)
    facts = Facts(row.module_key, frozen["category"], tuple(frozen["channels"]))
    name = row.name if row.recoveries == 0 else f"recovery of {row.name}"
    await app.temporal.start_campaign(order, summary=name[:200], facts=facts)
