"""What a module's one-time codes of the day cost, by the costs of the accounts that sent them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_DAY = "date_trunc('day', clock_timestamp(), 'UTC')"

_TRIED = """
    SELECT o.id AS otp_id, d.account_id
    FROM {otps} o CROSS JOIN unnest(o.notification_ids) AS sent(id)
        JOIN deliveries d ON d.notification_id = sent.id
    WHERE d.attempts > 0
    UNION ALL
    SELECT o.id, t.account_id
    FROM {otps} o CROSS JOIN unnest(o.notification_ids) AS sent(id)
        JOIN deliveries d ON d.notification_id = sent.id
        JOIN attempts t ON t.delivery_id = d.id
"""

_FIX = text(f"""
    WITH over AS (
        SELECT id, notification_ids FROM otps
        WHERE module_id = :module AND created_at >= {_DAY} AND cost IS NULL
            AND expires_at < clock_timestamp()
        ORDER BY id FOR UPDATE SKIP LOCKED
    ), tried AS ({_TRIED.format(otps="over")})
    UPDATE otps o SET cost = coalesce((
        SELECT sum(a.cost) FROM tried t JOIN accounts a ON a.id = t.account_id
        WHERE t.otp_id = o.id), 0)
    FROM over WHERE o.id = over.id
""")  # noqa: S608 - only constants are put together

_SPENT = text(f"""
    WITH fixed AS (
        SELECT coalesce(sum(cost), 0) AS cost FROM otps
        WHERE module_id = :module AND created_at >= {_DAY} AND cost IS NOT NULL
    ), live AS (
        SELECT id, notification_ids FROM otps
        WHERE module_id = :module AND created_at >= {_DAY} AND cost IS NULL
    ), tried AS ({_TRIED.format(otps="live")}), coming AS (
        SELECT n.channels
        FROM live o CROSS JOIN unnest(o.notification_ids) AS sent(id)
            JOIN notifications n ON n.id = sent.id
        WHERE n.finished_at IS NULL AND NOT EXISTS (SELECT 1 FROM deliveries d
            WHERE d.notification_id = n.id AND d.attempts > 0)
        UNION ALL SELECT CAST(:channels AS text[])
    )
    SELECT fixed.cost
        + coalesce((SELECT sum(a.cost) FROM tried t JOIN accounts a ON a.id = t.account_id), 0)
        + coalesce((SELECT sum((SELECT max(a.cost) FROM accounts a
            WHERE a.enabled AND a.channel = ANY(c.channels))) FROM coming c), 0) AS cost,
        extract(epoch FROM {_DAY} + interval '1 day' - clock_timestamp())::float8 AS wait
    FROM fixed
""")  # noqa: S608 - only constants are put together


async def count_with(
    conn: AsyncConnection, module_id: UUID, channels: Sequence[str]
) -> tuple[float, float]:
    """Return (what the day's codes cost with one more on these channels, seconds of the day left).

    What was not tried yet counts as much as the dearest account that may send it. The costs of
    codes that have expired are final, and are written down.
    """
    await conn.execute(_FIX, {"module": module_id})
    row = (await conn.execute(_SPENT, {"module": module_id, "channels": list(channels)})).one()
    return float(row.cost), row.wait
