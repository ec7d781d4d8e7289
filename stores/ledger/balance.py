"""Counts the ledger: deliveries by class and state, and receipts by kind."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import floor_id

_COUNT = text("""
    SELECT class AS class_, state, count(*) AS n FROM (
        SELECT d.class, d.state FROM deliveries d
        WHERE d.notification_id >= :since AND d.notification_id < :until AND d.id >= :since
            AND (CAST(:module AS uuid) IS NULL OR d.module_id = :module)
        UNION ALL
        SELECT n.class, n.state FROM notifications n
        WHERE n.id >= :since AND n.id < :until AND n.planned_at IS NULL AND n.finished_at IS NULL
            AND (CAST(:module AS uuid) IS NULL OR n.module_id = :module)
    ) counted GROUP BY class, state
""")

_RECEIPTS = text("""
    SELECT r.kind, count(DISTINCT r.delivery_id) AS n
    FROM receipts r JOIN deliveries d ON d.id = r.delivery_id
    WHERE d.notification_id >= :since AND d.notification_id < :until AND d.id >= :since
        AND (CAST(:module AS uuid) IS NULL OR d.module_id = :module)
        AND coalesce(r.raw->'machine', 'false'::jsonb) <> 'true'::jsonb
    GROUP BY r.kind
""")


async def count(
    conn: AsyncConnection, *, since: datetime, until: datetime, module_id: UUID | None
) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """Return ({class: {state: deliveries}}, {receipt kind: deliveries}) by time of acceptance.

    A notification that is not planned yet counts as one delivery that waits. Openings and clicks
    by programs are not counted.
    """
    where: dict[str, Any] = {
        "since": floor_id(since), "until": floor_id(until), "module": module_id,
    }  # fmt: skip
    classes: dict[str, dict[str, int]] = {}
    for row in (await conn.execute(_COUNT, where)).all():
        classes.setdefault(row.class_, {})[row.state] = row.n
    kinds = {row.kind: row.n for row in (await conn.execute(_RECEIPTS, where)).all()}
    return classes, kinds
