"""Reads notifications with everything that belongs to them, and lists them by filters."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

COLUMNS = """
    n.id, n.module_id, m.key AS module_key, n.state, n.priority, n.category, n.class AS class_,
    n.channels, n.channel_policy, n.template_id, n.template_key, n.template_version,
    n.profile_id, n.campaign_id, n.resend_of, n.recipient, n.content, n.data, n.metadata,
    n.created_at, n.send_at, n.expires_at, n.start_deadline, n.due_at, n.workflow_id,
    n.planned_at, n.finished_at, n.otp_id, n.ordered, n.erased_at, n.digest, n.expiry_asked,
    n.uncollected, n.version
"""

_GET = text(f"""
    SELECT {COLUMNS} FROM notifications n JOIN modules m ON m.id = n.module_id
    WHERE n.id = :id AND (CAST(:module AS uuid) IS NULL OR n.module_id = :module)
""")  # noqa: S608 - only constants are put together

_DELIVERIES = text("""
    SELECT d.id, d.notification_id, d.channel, d.address, d.state, d.reason, d.created_at,
        d.due_at, d.attempts, d.attempt_id, d.vendor, d.vendor_id, a.name AS account,
        d.attempted_at, d.settled_at, d.outcome, d.route, d.decision, d.digest_id, d.carried_by,
        d.version
    FROM deliveries d LEFT JOIN accounts a ON a.id = d.account_id
    WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) AND d.id >= :first
    ORDER BY d.id
""")

_ATTEMPTS = text("""
    SELECT t.id, t.delivery_id, t.number, t.vendor, t.vendor_id, a.name AS account,
        t.attempted_at, t.settled_at, t.outcome, t.route
    FROM attempts t LEFT JOIN accounts a ON a.id = t.account_id
    WHERE t.delivery_id = ANY(CAST(:ids AS uuid[])) ORDER BY t.number
""")

_RECEIPTS = text("""
    SELECT delivery_id, kind, at, raw FROM receipts
    WHERE delivery_id = ANY(CAST(:ids AS uuid[])) ORDER BY at
""")

_DELETE = text("""
    WITH gone AS (
        DELETE FROM notifications
        WHERE id = :id AND module_id = :module AND finished_at IS NOT NULL RETURNING id
    ), deliveries_gone AS (
        DELETE FROM deliveries WHERE notification_id IN (SELECT id FROM gone) RETURNING id
    ), attempts_gone AS (
        DELETE FROM attempts WHERE delivery_id IN (SELECT id FROM deliveries_gone)
    ), receipts_gone AS (
        DELETE FROM receipts WHERE delivery_id IN (SELECT id FROM deliveries_gone)
    ), engagements_gone AS (
        DELETE FROM engagements WHERE delivery_id IN (SELECT id FROM deliveries_gone)
    ), replies_gone AS (
        DELETE FROM replies WHERE notification_id IN (SELECT id FROM gone)
    ), sandbox_gone AS (
        DELETE FROM sandbox_messages WHERE notification_id IN (SELECT id FROM gone)
    )
    SELECT id FROM gone
""")

FILTERS: Mapping[str, str] = {
    "module_id": "n.module_id = :module_id",
    "modules": "m.key = ANY(CAST(:modules AS text[])) OR n.module_id::text = ANY(:modules)",
    "states": "n.state = ANY(CAST(:states AS text[]))",
    "priorities": "n.priority = ANY(CAST(:priorities AS text[]))",
    "categories": "n.category = ANY(CAST(:categories AS text[]))",
    "channels": """
        (n.planned_at IS NULL AND n.channels && CAST(:channels AS text[])) OR EXISTS (
            SELECT 1 FROM deliveries d
            WHERE d.notification_id = n.id AND d.channel = ANY(CAST(:channels AS text[])))""",
    "reasons": """
        EXISTS (SELECT 1 FROM deliveries d
            WHERE d.notification_id = n.id AND d.reason = ANY(CAST(:reasons AS text[])))""",
    "recipients": "n.recipient_keys && CAST(:recipients AS text[])",
    "groups": """
        EXISTS (SELECT 1 FROM profile_groups pg JOIN groups g ON g.id = pg.group_id
            WHERE pg.profile_id = n.profile_id AND g.module_id = n.module_id
                AND (g.name = ANY(CAST(:groups AS text[]))
                    OR g.id::text = ANY(CAST(:groups AS text[]))))""",
    "digests": """
        EXISTS (SELECT 1 FROM deliveries d
            WHERE d.notification_id = n.id AND d.digest_id = ANY(CAST(:digests AS uuid[])))""",
    "campaigns": "n.campaign_id = ANY(CAST(:campaigns AS uuid[]))",
    "templates": """
        n.template_key = ANY(CAST(:templates AS text[]))
        OR n.template_key || '@' || n.template_version = ANY(CAST(:templates AS text[]))""",
    "since": "n.id >= :since",
    "until": "n.id < :until",
    "before": "n.id < :before",
    "q": """
        n.template_key ILIKE :q OR n.metadata::text ILIKE :q OR n.content::text ILIKE :q
        OR EXISTS (SELECT 1 FROM unnest(n.recipient_keys) k WHERE k ILIKE :q)""",
}
"""The conditions that a list may be narrowed by, each with its bind."""


async def get(conn: AsyncConnection, id: UUID, module_id: UUID | None) -> Row[Any] | None:
    """Return a notification; None when there is none or it is another module's."""
    return (await conn.execute(_GET, {"id": id, "module": module_id})).one_or_none()


async def find(
    conn: AsyncConnection, filters: Mapping[str, Any], *, most: int
) -> Sequence[Row[Any]]:
    """Return notifications that pass all filters (keys of FILTERS), newest first."""
    conditions = "".join(f" AND ({FILTERS[name]})" for name in filters)
    statement = text(
        f"SELECT {COLUMNS} FROM notifications n JOIN modules m ON m.id = n.module_id"  # noqa: S608
        f" WHERE true{conditions} ORDER BY n.id DESC LIMIT :most"
    )
    return (await conn.execute(statement, {**filters, "most": most})).all()


async def find_deliveries(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the deliveries of notifications, oldest first."""
    if not ids:
        return []
    return (await conn.execute(_DELIVERIES, {"ids": list(ids), "first": min(ids)})).all()


async def find_attempts(conn: AsyncConnection, deliveries: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the earlier attempts of deliveries; the latest stands in the delivery itself."""
    return (await conn.execute(_ATTEMPTS, {"ids": list(deliveries)})).all()


async def find_receipts(conn: AsyncConnection, deliveries: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return the receipts of deliveries, by the vendors' times."""
    return (await conn.execute(_RECEIPTS, {"ids": list(deliveries)})).all()


async def delete(conn: AsyncConnection, id: UUID, module_id: UUID) -> bool:
    """Remove a finished notification and all that is its; False when it is not finished."""
    found = await conn.execute(_DELETE, {"id": id, "module": module_id})
    return found.one_or_none() is not None
