"""Whether the high lane has work that is due and not finished."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

# What waits longer is held up by a vendor or by an outage; nobody need wait for that.
_URGENT = text("""
    SELECT EXISTS (
        SELECT 1 FROM notifications
        WHERE finished_at IS NULL AND priority = 'high'
            AND due_at BETWEEN clock_timestamp() - interval '2 seconds' AND clock_timestamp()
    )
""")


async def anything_urgent(conn: AsyncConnection) -> bool:
    """Return whether a notification of high priority became due in the last 2 s and is
    unfinished.
    """
    return bool((await conn.execute(_URGENT)).scalar_one())
