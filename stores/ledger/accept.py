"""The promise: the insert of accepted notifications, one statement for 1..N."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from stores.ledger import events

_COPY = text("""
    INSERT INTO notifications (
        id, module_id, state, priority, category, class, channels, channel_policy, template_id,
        template_key, template_version, profile_id, campaign_id, resend_of, recipient,
        recipient_keys, content, data, metadata, created_at, expires_at, start_deadline, due_at,
        workflow_id, otp_id, ordered
    )
    SELECT
        r.id, n.module_id, 'accepted', n.priority, n.category, n.class, r.channels,
        n.channel_policy, n.template_id, n.template_key, n.template_version, n.profile_id,
        n.campaign_id, n.id, n.recipient, n.recipient_keys, n.content, n.data, n.metadata,
        r.created_at, n.expires_at, r.start_deadline, r.due_at, r.workflow_id, n.otp_id, n.ordered
    FROM jsonb_populate_record(NULL::notifications, CAST(:row AS jsonb)) r
        JOIN notifications n ON n.id = :source
    RETURNING id, module_id, category, class AS class_, priority, state, version
""")

_INSERT = text("""
    INSERT INTO notifications (
        id, module_id, state, priority, category, class, channels, channel_policy, template_id,
        template_key, template_version, profile_id, campaign_id, resend_of, recipient,
        recipient_keys, content, data, metadata, created_at, send_at, expires_at, start_deadline,
        due_at, workflow_id, otp_id, ordered, digest, uncollected, expiry_asked,
        escalation, step
    )
    SELECT
        id, module_id, state, priority, category, class, channels, channel_policy, template_id,
        template_key, template_version, profile_id, campaign_id, resend_of, recipient,
        recipient_keys, NULLIF(content, 'null'::jsonb), data, metadata, created_at, send_at,
        expires_at, start_deadline, due_at, workflow_id, otp_id, coalesce(ordered, true),
        NULLIF(digest, 'null'::jsonb), coalesce(uncollected, '{}'), coalesce(expiry_asked, true),
        NULLIF(escalation, 'null'::jsonb), step
    FROM jsonb_populate_recordset(NULL::notifications, CAST(:rows AS jsonb))
    RETURNING id, module_id, category, class AS class_, priority, state, version
""")


async def insert(conn: AsyncConnection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert accepted notifications, given as dicts of columns, and their events."""
    result = await conn.execute(_INSERT, {"rows": list(rows)})
    await events.append(conn, [events.notification_event("accepted", row) for row in result.all()])


async def copy(conn: AsyncConnection, source: UUID, row: dict[str, Any]) -> bool:
    """Ask again for what `source` asked for, until the same expiry; False when it is gone.

    `row` has id, channels, created_at, due_at, start_deadline, workflow_id of the new one.
    """
    found = (await conn.execute(_COPY, {"row": row, "source": source})).one_or_none()
    if found is None:
        return False
    await events.append(conn, [events.notification_event("accepted", found)])
    return True
