"""The recipients of campaigns, read as notifications are: folded from their deliveries."""

# ruff: noqa: S608 - only constants are put together

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from stores.ledger.fold import FINAL_CASE
from stores.notifications import COLUMNS, FILTERS

_WAITS: Final = "d.state IN ('accepted', 'scheduled', 'held', 'sending')"
# Who has no variant of a test yet is shown with the winner, or as long as there is none the first.
_VARIANT: Final = """(c.frozen->'ab_test'->'variants'->CAST(
    coalesce(min(d.variant), CAST(c.ab_test->>'winner' AS int), 0) AS int))"""
_SAYS: Final = f"coalesce({_VARIANT}, c.frozen)"
_FOLDED: Final = f"""
    SELECT d.notification_id AS id, c.module_id, c.id AS campaign_id, d.profile_id,
        CASE WHEN bool_or({_WAITS}) THEN CASE
                WHEN bool_or(d.attempts > 0) THEN 'sending'
                WHEN bool_or(d.state = 'held') THEN 'held' ELSE 'accepted' END
            {FINAL_CASE} END AS state,
        c.frozen->>'priority' AS priority, c.frozen->>'category' AS category,
        c.frozen->>'class' AS class,
        ARRAY(SELECT jsonb_array_elements_text(c.frozen->'channels')) AS channels,
        c.frozen->>'channel_policy' AS channel_policy,
        CAST({_SAYS}->>'template_id' AS uuid) AS template_id,
        {_SAYS}->>'template_key' AS template_key,
        CAST({_SAYS}->>'template_version' AS int) AS template_version,
        CAST(NULL AS uuid) AS resend_of,
        coalesce(min(d.member::text)::jsonb, '{{}}') - 'data' AS recipient,
        array_remove(array_agg(lower(d.address)), '') AS recipient_keys,
        NULLIF(c.frozen->'content', 'null'::jsonb) AS content,
        coalesce({_VARIANT}->'data', '{{}}') || coalesce(c.frozen->'data', '{{}}')
            || coalesce(min(d.member::text)::jsonb->'data', '{{}}') AS data,
        coalesce(c.definition->'metadata', '{{}}') AS metadata,
        min(d.created_at) AS created_at, CAST(NULL AS timestamptz) AS send_at,
        least(min(d.expires_at), c.expires_at) AS expires_at,
        CAST(NULL AS timestamptz) AS start_deadline, min(d.due_at) AS due_at,
        '' AS workflow_id, min(d.created_at) AS planned_at,
        CASE WHEN NOT bool_or({_WAITS}) THEN max(d.settled_at) END AS finished_at,
        CAST(NULL AS uuid) AS otp_id, coalesce((c.frozen->>'ordered')::boolean, true) AS ordered,
        CAST(NULL AS timestamptz) AS erased_at, CAST(NULL AS jsonb) AS digest,
        true AS expiry_asked, CAST('{{}}' AS text[]) AS uncollected,
        CAST(sum(d.version) AS int) AS version
    FROM deliveries d JOIN campaigns c ON c.id = d.campaign_id
    WHERE {{which}}
    GROUP BY d.notification_id, d.profile_id, c.id
"""
_ONE: Final = _FOLDED.replace("{which}", "d.notification_id = :id AND d.campaign_id IS NOT NULL")
_OF_CAMPAIGNS: Final = _FOLDED.replace("{which}", "d.campaign_id = ANY(CAST(:campaigns AS uuid[]))")


async def get(conn: AsyncConnection, id: UUID, module_id: UUID | None) -> Row[Any] | None:
    """Return a campaign's recipient with the columns of a notification; None as there."""
    result = await conn.execute(
        text(f"""
            SELECT {COLUMNS} FROM ({_ONE}) n JOIN modules m ON m.id = n.module_id
            WHERE (CAST(:module AS uuid) IS NULL OR n.module_id = :module)
        """),
        {"id": id, "module": module_id},
    )
    return result.one_or_none()


async def find(
    conn: AsyncConnection, filters: Mapping[str, Any], *, most: int
) -> Sequence[Row[Any]]:
    """Return the recipients of campaigns (of which `campaigns` has the ids) that pass all filters,
    newest first.
    """
    conditions = "".join(f" AND ({FILTERS[name]})" for name in filters)
    statement = text(
        f"SELECT {COLUMNS} FROM ({_OF_CAMPAIGNS}) n JOIN modules m ON m.id = n.module_id"
        f" WHERE true{conditions} ORDER BY n.id DESC LIMIT :most"
    )
    return (await conn.execute(statement, {**filters, "most": most})).all()
