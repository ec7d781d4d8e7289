"""Starts and wakes the workflows of promised notifications."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import structlog

from domain.ids import encode, new_id
from domain.orders import Order
from services.acceptance import Accepted
from services.access import Actor
from services.app import App
from services.temporal import TemporalDown
from workflows.attributes import Facts

log = structlog.get_logger()

MOST_TOGETHER = 500
"""Neighbours of one batch share a workflow, up to this many."""


async def start(app: App, actor: Actor, accepted: Accepted) -> None:
    """Start the workflow of one notification; raises TemporalDown."""
    await _start(app, actor, [accepted])


async def start_all(app: App, actor: Actor, promised: Sequence[Accepted]) -> None:
    """Start the workflows of a batch; what cannot be started now is left to the sweeper."""
    groups: defaultdict[str, list[Accepted]] = defaultdict(list)
    for one in promised:
        groups[one.row["workflow_id"]].append(one)
    try:
        await asyncio.gather(*(_start(app, actor, group) for group in groups.values()))
    except TemporalDown:
        log.info("batch.start_left_to_sweeper", notifications=len(promised))


def group(promised: Sequence[Accepted]) -> None:
    """Let neighbours of a batch (one lane, one due minute) share a workflow id in their rows."""
    groups: defaultdict[tuple[str, datetime | None, bool], list[Accepted]] = defaultdict(list)
    for one in promised:
        if one.row["escalation"] is not None:
            continue  # it waits by itself, and reads wake it: a history of its own stays short
        minute = one.due_at.replace(second=0, microsecond=0) if one.due_at else None
        groups[(one.row["priority"], minute, one.row["class"] == "otp")].append(one)
    for neighbours in groups.values():
        for first in range(0, len(neighbours), MOST_TOGETHER):
            shared = neighbours[first : first + MOST_TOGETHER]
            if len(shared) > 1:
                workflow_id = encode("batch", new_id())
                for one in shared:
                    one.row["workflow_id"] = workflow_id


async def wake(app: App, workflow_id: str) -> None:
    """Wake a workflow whose row changed; if Temporal is away, its timer or the sweeper will."""
    try:
        await app.temporal.wake(workflow_id)
    except TemporalDown:
        log.info("workflow.wake_left_to_timer", workflow=workflow_id)


async def _start(app: App, actor: Actor, members: Sequence[Accepted]) -> None:
    rows = [one.row for one in members]
    due = [one.due_at for one in members if one.due_at is not None]
    order = Order(
        workflow_id=rows[0]["workflow_id"],
        notification_ids=[encode("ntf", one.id) for one in members],
        priority=rows[0]["priority"],
        due_at=min(due) if len(due) == len(members) else None,
    )
    categories = sorted({row["category"] for row in rows})
    channels = sorted({channel for row in rows for channel in row["channels"]})
    await app.temporal.start(
        order,
        summary=f"{len(members)} x {', '.join(categories)} by {', '.join(channels)}"[:200],
        facts=Facts(actor.module_key, categories[0] if len(categories) == 1 else "mixed",
                    tuple(channels)),
    )  # fmt: skip
