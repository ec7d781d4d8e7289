"""The promise: the insert of accepted notifications, one statement for 1..N."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from stores.ledger import events

_INSERT = text("""
    INSERT INTO notifications (
        id, module_id, state, priority, category, class, channels, channel_policy, template_id,
        template_key, template_version, profile_id, campaign_id, resend_of, recipient,
        recipient_keys, content, data, metadata, created_at, send_at, expires_at, start_deadline,
        due_at, workflow_id
    )
    SELECT
        id, module_id, state, priority, category, class, channels, channel_policy, template_id,
        template_key, template_version, profile_id, campaign_id, resend_of, recipient,
        recipient_keys, NULLIF(content, 'null'::jsonb), data, metadata, created_at, send_at,
        expires_at, start_deadline, due_at, workflow_id
    FROM jsonb_populate_recordset(NULL::notifications, CAST(:rows AS jsonb))
    RETURNING id, module_id, category, class AS class_, priority, state, version
""")


async def insert(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert accepted notifications, given as dicts of columns, and their events."""
    result = await conn.execute(_INSERT, {"rows": list(rows)})
    await events.append(conn, [events.notification_event("accepted", row) for row in result.all()])
