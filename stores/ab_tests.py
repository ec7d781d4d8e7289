"""A/B tests of campaigns: what is counted of their variants, and events that count."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ab_tests import Count, Measure

_ENGAGED: Final = """EXISTS (SELECT 1 FROM engagements e
    WHERE e.delivery_id = d.id AND e.kind = '{kind}' AND NOT e.machine)"""
_HITS: Final[Mapping[Measure, str]] = {
    Measure.DELIVERED: "d.state IN ('delivered', 'read')",
    Measure.OPENED: _ENGAGED.replace("{kind}", "opened"),
    Measure.CLICKED: _ENGAGED.replace("{kind}", "clicked"),
    Measure.EVENT: """EXISTS (SELECT 1 FROM campaign_events e
        WHERE e.campaign_id = d.campaign_id AND e.notification_id = d.notification_id)""",
}
"""What each measure counts of a delivery `d`."""

_SENT: Final = "d.state IN ('sent', 'delivered', 'read')"

_NOTE = text("""
    UPDATE campaigns SET ab_test = CAST(:test AS jsonb)
    WHERE id = :id AND run = :run AND ab_test->>'state' = :before
""")

_CHOOSE = text("""
    UPDATE campaigns SET ab_test = CAST(:test AS jsonb), version = version + 1,
        due_at = CASE WHEN due_at IS NULL THEN NULL ELSE clock_timestamp() END
    WHERE id = :id AND run = :run
""")

_RECORD = text("""
    INSERT INTO campaign_events (campaign_id, notification_id)
    SELECT DISTINCT d.campaign_id, d.notification_id
    FROM campaigns c JOIN deliveries d ON d.campaign_id = c.id
    WHERE c.module_id = :module AND c.frozen->'ab_test'->>'event_type' = :type
        AND c.ab_test->>'state' IN ('testing', 'waiting')
        AND (CAST(:campaign AS uuid) IS NULL OR c.id = :campaign)
        AND d.variant IS NOT NULL AND d.attempts > 0
        AND (d.notification_id = CAST(:notification AS uuid)
            OR d.profile_id = CAST(:profile AS uuid)
            OR d.profile_id = (SELECT p.id FROM profiles p WHERE p.module_id = :module
                AND p.external_id = CAST(:external_id AS text))
            OR lower(d.address) = lower(CAST(:address AS text)))
    ORDER BY 1, 2 ON CONFLICT DO NOTHING
""")


async def count(
    conn: AsyncConnection, campaign_id: UUID, measure: Measure, variants: int, *, end: int
) -> list[Count]:
    """Return, for each variant, to how many recipients of the shards before `end` it was sent, and
    how many of them did what is measured. What programs do is not counted.
    """
    result = await conn.execute(
        text(f"""
            SELECT d.variant, count(DISTINCT d.notification_id) FILTER (WHERE {_SENT}) AS sent,
                count(DISTINCT d.notification_id) FILTER (WHERE {_SENT} AND {_HITS[measure]})
                    AS hits
            FROM deliveries d
            WHERE d.campaign_id = :campaign AND d.variant IS NOT NULL AND d.shard < :end
            GROUP BY d.variant
        """),  # noqa: S608 - only constants are put together
        {"campaign": campaign_id, "end": end},
    )
    found = {row.variant: Count(row.sent, row.hits) for row in result}
    return [found.get(number, Count()) for number in range(variants)]


async def note(
    conn: AsyncConnection, id: UUID, run: int, test: Mapping[str, Any], *, before: str
) -> bool:
    """Keep how a test stands; False when it is in another state than `before`."""
    asked = {"id": id, "run": run, "test": dict(test), "before": before}
    return bool((await conn.execute(_NOTE, asked)).rowcount)


async def choose(conn: AsyncConnection, id: UUID, run: int, test: Mapping[str, Any]) -> None:
    """Keep a test that somebody decided, under a lock of its row; its workflow has to look."""
    await conn.execute(_CHOOSE, {"id": id, "run": run, "test": dict(test)})


async def record(conn: AsyncConnection, module_id: UUID, event_type: str, **who: Any) -> int:
    """Keep that a recipient did what a test measures; return how many tests count it.

    `who` has campaign, notification and profile (ids), external_id and address, each or None.
    """
    found = await conn.execute(_RECORD, {"module": module_id, "type": event_type, **who})
    return found.rowcount
