"""Finds campaigns whose workflow does not look when it should, wakes it, or starts another one."""

from typing import Any, Final

import structlog
from sqlalchemy import Row

from domain import campaign
from domain.ids import encode
from services import campaign_runs
from services.app import App
from services.temporal import TemporalDown
from stores import campaign_work

log = structlog.get_logger()

MOST: Final = 200
_SILENT_GRACES: Final = 20
"""After that many times the grace without a sign of life a workflow is given up, even if Temporal
has it still: it may be stuck.
"""


async def sweep(app: App) -> int:
    """Wake or recover the campaigns that are overdue; return how many got a new workflow.

    A wake costs nothing where the workflow only waits for a busy worker. One that Temporal does
    not know any more, or that stays silent, is left behind: its row names another one from then on.
    """
    grace = app.settings.sweep_grace_seconds
    async with app.db.leader() as conn:
        stale = await campaign_work.find_stale(
            conn, grace=grace, silent=grace * _SILENT_GRACES, most=MOST
        )
    if not stale or not await app.temporal.healthy():
        return 0
    try:
        return sum([await _mend(app, row) for row in stale])
    except TemporalDown:
        return 0


async def _mend(app: App, row: Row[Any]) -> bool:
    grace = app.settings.sweep_grace_seconds
    heard = await app.temporal.wake(campaign.workflow_id(row.id, row.run, row.recoveries))
    if heard and not row.silent:
        async with app.db.leader() as conn:
            await campaign_work.put_off(conn, row)
        return False
    async with app.db.leader() as conn:
        taken = await campaign_work.take_over(conn, row, grace=grace)
    if taken is None:
        return False
    await campaign_runs.start_or_raise(app, taken)
    log.info("campaign.recovered", campaign=encode("cmp", row.id), recoveries=taken.recoveries)
    return True
