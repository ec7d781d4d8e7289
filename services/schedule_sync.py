"""Keeps Temporal's schedules in line with the rows, whatever happened to either."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from domain.ids import InvalidId, decode, encode
from services import temporal_schedules
from services.app import App
from services.schedule_timing import timing_of
from services.temporal import TemporalDown
from services.temporal_schedules import spec_of
from stores import schedules as store

log = structlog.get_logger()

MOST_SYNCED: Final = 50
_PREFIX: Final = "sch"


async def follow(app: App, id: UUID) -> None:
    """Tell Temporal of a changed schedule at once; if it is away, the sweep will."""
    try:
        await sync(app, id)
    except TemporalDown:
        log.info("schedule.left_to_sweep", schedule=encode(_PREFIX, id))


async def sync(app: App, id: UUID | None = None) -> int:
    """Tell Temporal of schedules that it has not heard of as they are; return of how many.

    What one process tells is told before another begins, so that the newest is what stays.
    Raises TemporalDown.
    """
    async with app.db.leader() as conn:
        rows = await store.find_unsynced(conn, most=MOST_SYNCED, id=id)
    return sum([await _sync(app, row.id) for row in rows])


async def compare(app: App) -> int:
    """Look for what Temporal lost, kept or changed by itself; return how many will be mended.

    What Temporal has is read first, so that every schedule in it has a row already.
    """
    there = await temporal_schedules.find(app.temporal, f"{_PREFIX}_")
    async with app.db.leader() as conn:
        kept = await store.pausings(conn)
        ours = {encode(_PREFIX, id): paused for id, paused in kept.items()}
        wrong = [name for name, paused in ours.items() if there.get(name) is not paused]
        if wrong:
            await store.forget_sync(conn, [decode(_PREFIX, name) for name in wrong])
    foreign = [name for name in there if name not in ours and _is_id(name)]
    for name in foreign:
        await temporal_schedules.remove(app.temporal, name)
    if wrong or foreign:
        log.info("schedules.differ", missing_or_changed=len(wrong), without_row=len(foreign))
    return len(wrong) + len(foreign)


async def _sync(app: App, id: UUID) -> int:
    async with app.db.leader() as conn:
        if not await store.lock_sync(conn, id):
            return 0
        rows = await store.find_unsynced(conn, most=1, id=id)
        for row in rows:
            until = await _tell(app, row)
            await store.synced(conn, id, version=row.version, until=until)
        return len(rows)


async def _tell(app: App, row: Any) -> datetime | None:
    name = encode(_PREFIX, row.id)
    if row.deleted_at is not None:
        await temporal_schedules.remove(app.temporal, name)
        return None
    told = spec_of(timing_of(row.definition, row.anchor_at), row.settled_at)
    await temporal_schedules.put(
        app.temporal, name, told.spec, paused=row.paused_at is not None, note=row.note,
        summary=f"schedule {row.name} of {row.module_key}",
    )  # fmt: skip
    return told.until


def _is_id(name: str) -> bool:
    try:
        decode(_PREFIX, name)
    except InvalidId:
        return False
    return True
