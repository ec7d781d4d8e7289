"""The waves of campaigns: who is moved to the canary, and what became of it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign_canary import Counts
from domain.campaign_waves import Wave

_RANK: Final = "hashtextextended(CAST(d.notification_id AS text), 0)"
"""Where a recipient stands in the draw; all deliveries to one stand together."""
_DRAWN: Final = (
    "d.campaign_id = :campaign AND d.state = 'accepted' AND d.shard >= :from AND d.shard < :end"
)

_RECIPIENTS = text("""
    SELECT d.shard < 0 AS tested, count(DISTINCT d.notification_id) AS n FROM deliveries d
    WHERE d.campaign_id = :campaign AND d.state = 'accepted' GROUP BY 1
""")

_LAST = text(f"""
    SELECT rank FROM (SELECT DISTINCT {_RANK} AS rank FROM deliveries d WHERE {_DRAWN}) ranks
    ORDER BY rank OFFSET :before LIMIT 1
""")  # noqa: S608

# Ranks are spread evenly from the least number of 64 bits on, and so are the shards over them.
_MOVE = text(f"""
    WITH chosen AS (
        SELECT d.id, least(CAST(:shards AS int), width_bucket(
                CAST({_RANK} AS double precision), -9223372036854775808,
                CAST(:last AS bigint)::double precision + 1, CAST(:shards AS int))) AS place
        FROM deliveries d WHERE {_DRAWN} AND {_RANK} <= CAST(:last AS bigint)
        ORDER BY d.id LIMIT :most FOR UPDATE OF d
    )
    UPDATE deliveries d SET shard = CAST(:first AS int) + c.place - 1
    FROM chosen c WHERE d.id = c.id
""")  # noqa: S608

_NOTE = text("""
    UPDATE campaigns SET canary = CAST(:canary AS jsonb)
    WHERE id = :id AND run = :run AND state = 'sending' AND canary->>'state' = :before
""")

_UNTRIED = text("""
    SELECT EXISTS (SELECT 1 FROM deliveries d WHERE d.campaign_id = :campaign
        AND d.state IN ('accepted', 'scheduled', 'held') AND d.attempts = 0 AND d.shard < :end)
""")

_REST = text("""
    SELECT EXISTS (SELECT 1 FROM deliveries d WHERE d.campaign_id = :campaign
        AND d.state IN ('accepted', 'scheduled', 'held', 'sending') AND d.shard >= :end)
""")

_COUNTS = text("""
    SELECT count(*) FILTER (WHERE d.state IN ('sent', 'delivered', 'read', 'unknown')) AS sent,
        count(*) FILTER (WHERE d.state = 'failed') AS failed,
        count(*) FILTER (WHERE d.state IN ('accepted', 'scheduled', 'held', 'sending')) AS waiting,
        count(*) FILTER (WHERE d.state IN ('accepted', 'scheduled', 'held') AND d.attempts = 0)
            AS untried,
        count(*) FILTER (WHERE EXISTS (SELECT 1 FROM receipts r
            WHERE r.delivery_id = d.id AND r.kind = 'bounced')) AS bounced,
        count(*) FILTER (WHERE EXISTS (SELECT 1 FROM receipts r
            WHERE r.delivery_id = d.id AND r.kind = 'complained')) AS complained
    FROM deliveries d WHERE d.campaign_id = :campaign AND d.shard < :end
""")


async def count_recipients(conn: AsyncConnection, campaign_id: UUID) -> dict[Wave, int]:
    """Return how many recipients wait, by the waves that they are in before the canary is drawn."""
    result = await conn.execute(_RECIPIENTS, {"campaign": campaign_id})
    return {Wave.TEST if row.tested else Wave.REST: row.n for row in result}


async def find_last(
    conn: AsyncConnection, campaign_id: UUID, number: int, *, wave: Wave
) -> int | None:
    """Return the rank of the last of so many recipients that are drawn from a wave."""
    if not number:
        return None
    asked = {"campaign": campaign_id, "before": number - 1, **_range(wave)}
    rank: int | None = (await conn.execute(_LAST, asked)).scalar_one_or_none()
    return rank


async def move(
    conn: AsyncConnection,
    campaign_id: UUID,
    *,
    last: int,
    wave: Wave,
    shards: int,
    most: int,
) -> int:
    """Move some deliveries of a wave, to recipients up to the rank `last`, to the canary, of so
    many shards; return how many: 0 when all are there.
    """
    moved = await conn.execute(
        _MOVE,
        {
            "campaign": campaign_id, "last": last, "shards": shards, "most": most,
            "first": Wave.CANARY.first_shard, **_range(wave),
        },
    )  # fmt: skip
    return moved.rowcount


def _range(wave: Wave) -> dict[str, int]:
    return {"from": wave.first_shard, "end": wave.end}


async def note_canary(
    conn: AsyncConnection, id: UUID, run: int, canary: Mapping[str, Any], *, before: str
) -> bool:
    """Keep how a canary stands; False when it was in another state than `before`."""
    asked = {"id": id, "run": run, "canary": dict(canary), "before": before}
    return bool((await conn.execute(_NOTE, asked)).rowcount)


async def has_more(conn: AsyncConnection, campaign_id: UUID, wave: Wave) -> bool:
    """Return whether anything waits in the waves after this one."""
    result = await conn.execute(_REST, {"campaign": campaign_id, "end": wave.end})
    return bool(result.scalar_one())


async def has_untried(conn: AsyncConnection, campaign_id: UUID, wave: Wave) -> bool:
    """Return whether anything, up to a wave, had no turn yet."""
    result = await conn.execute(_UNTRIED, {"campaign": campaign_id, "end": wave.end})
    return bool(result.scalar_one())


async def count_canary(conn: AsyncConnection, campaign_id: UUID) -> Counts:
    """Return what became of the canary so far."""
    asked = {"campaign": campaign_id, "end": Wave.CANARY.end}
    return Counts(**(await conn.execute(_COUNTS, asked)).one()._mapping)
