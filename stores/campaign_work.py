"""Campaigns at work: what their workflows and the sweeper read and write of the rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign_pace import Pace

_BEAT = text("""
    UPDATE campaigns SET beaten_at = clock_timestamp()
    WHERE id = :id AND run = :run
        AND (beaten_at IS NULL OR beaten_at < clock_timestamp() - interval '1 second')
""")

_COME_BACK = text("""
    UPDATE campaigns SET beaten_at = clock_timestamp(),
        due_at = CASE WHEN version = :version THEN CAST(:due AS timestamptz) ELSE due_at END
    WHERE id = :id AND run = :run
""")

_HOLD_STILL = text("""
    SELECT 1 FROM campaigns WHERE id = :id AND run = :run AND state = :state FOR SHARE
""")

_BEGIN_RESOLVING = text("""
    UPDATE campaigns SET resolver = :token
    WHERE id = :id AND run = :run AND recoveries = :recoveries AND state = 'resolving'
    RETURNING id
""")

_HOLD_RESOLVING = text("""
    SELECT 1 FROM campaigns WHERE id = :id AND resolver = :token AND state = 'resolving' FOR SHARE
""")

_FREEZE = text("UPDATE campaigns SET snapshot_id = :snapshot WHERE id = :id")

_EXPIRE = text("""
    UPDATE campaigns SET expires_at = clock_timestamp() + make_interval(secs => :seconds)
    WHERE id = :id AND run = :run AND expires_at IS NULL AND state = 'sending'
""")

_FORGET = text("""
    UPDATE campaigns SET shards = 0, due_at = NULL
    WHERE id = :id AND run = :run AND state = 'draft'
""")

_OPEN = text("""
    SELECT state, per_second, ramp, ramp_seconds, expires_at, version FROM campaigns
    WHERE id = :id AND run = :run
""")

# A quarter of a second's are kept at the most, or one: no pace is exceeded for longer than that.
# A ramp goes on only while somebody asks for leave, which all do twice a second that may send.
_TAKE = text("""
    WITH refilled AS (
        SELECT id, coalesce(extract(epoch FROM clock_timestamp() - paced_at), 0) AS passed, least(
                greatest(CAST(:rate AS double precision) / 4, 1),
                coalesce(pace_left + CAST(:rate AS double precision)
                    * extract(epoch FROM clock_timestamp() - paced_at), 1)
            ) AS have
        FROM campaigns
        WHERE id = :id AND run = :run AND state = 'sending' AND version = :version
        FOR UPDATE
    ), granted AS (
        SELECT id, passed, have, floor(least(CAST(:wanted AS double precision), have)) AS tokens
        FROM refilled
    )
    UPDATE campaigns c SET pace_left = g.have - g.tokens, paced_at = clock_timestamp(),
        ramp_seconds = c.ramp_seconds + least(g.passed, 2), beaten_at = clock_timestamp()
    FROM granted g WHERE c.id = g.id
    RETURNING CAST(g.tokens AS int) AS granted, c.pace_left
""")

_STALE = text("""
    SELECT c.*, m.key AS module_key,
        c.beaten_at IS NULL OR c.beaten_at < clock_timestamp()
            - make_interval(secs => :silent) AS silent
    FROM campaigns c JOIN modules m ON m.id = c.module_id
    WHERE c.due_at < clock_timestamp() - make_interval(secs => :grace)
        AND (c.beaten_at IS NULL
            OR c.beaten_at < clock_timestamp() - make_interval(secs => :grace))
    ORDER BY c.due_at LIMIT :most
""")

_PUT_OFF = text("""
    UPDATE campaigns SET due_at = clock_timestamp()
    WHERE id = :id AND run = :run AND due_at IS NOT NULL
""")

_TAKE_OVER = text("""
    UPDATE campaigns SET recoveries = recoveries + 1,
        due_at = clock_timestamp() + make_interval(secs => :grace * power(2, least(recoveries, 6)))
    WHERE id = :id AND run = :run AND recoveries = :recoveries AND due_at IS NOT NULL
    RETURNING *, (SELECT key FROM modules m WHERE m.id = module_id) AS module_key
""")

_ARCHIVED = text("""
    SELECT asked.id FROM unnest(CAST(:ids AS uuid[])) AS asked(id)
    LEFT JOIN templates t ON t.id = asked.id
    WHERE t.id IS NULL OR t.archived_at IS NOT NULL LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether a campaign sends now, how many it may send, and after how many seconds more."""

    is_open: bool
    granted: int = 0
    wait: float = 0.0
    per_second: float | None = None
    expires_at: datetime | None = None


async def beat(conn: AsyncConnection, id: UUID, run: int) -> None:
    """Note that a run is being worked on."""
    await conn.execute(_BEAT, {"id": id, "run": run})


async def come_back(conn: AsyncConnection, row: Row[Any], due_at: datetime | None) -> None:
    """Note when the workflow of a row will look again (None: when it is waked); a change that was
    made since the row was read is left to be looked at.
    """
    await conn.execute(
        _COME_BACK, {"id": row.id, "run": row.run, "version": row.version, "due": due_at}
    )


async def hold_still(conn: AsyncConnection, id: UUID, run: int, state: str) -> bool:
    """Keep a campaign in a state until the transaction ends; False when it is in another one."""
    found = await conn.execute(_HOLD_STILL, {"id": id, "run": run, "state": state})
    return found.one_or_none() is not None


async def begin_resolving(conn: AsyncConnection, row: Row[Any], token: UUID) -> bool:
    """Take the resolving of a row over from whoever is at it; False when that is not to be done."""
    found = await conn.execute(
        _BEGIN_RESOLVING,
        {"id": row.id, "run": row.run, "recoveries": row.recoveries, "token": token},
    )
    return found.one_or_none() is not None


async def hold_resolving(conn: AsyncConnection, id: UUID, token: UUID) -> bool:
    """Keep others from a campaign that is resolved with this token until the transaction ends;
    False when it is resolved no more, or by another.
    """
    found = await conn.execute(_HOLD_RESOLVING, {"id": id, "token": token})
    return found.one_or_none() is not None


async def freeze(conn: AsyncConnection, id: UUID, snapshot_id: UUID) -> None:
    """Note the snapshot of the audience."""
    await conn.execute(_FREEZE, {"id": id, "snapshot": snapshot_id})


async def expire_in(conn: AsyncConnection, id: UUID, run: int, seconds: float) -> None:
    """Let a campaign without an end expire that much after now; the first call counts."""
    await conn.execute(_EXPIRE, {"id": id, "run": run, "seconds": seconds})


async def forget(conn: AsyncConnection, id: UUID, run: int) -> None:
    """Note that a draft has no deliveries any more."""
    await conn.execute(_FORGET, {"id": id, "run": run})


async def pass_gate(conn: AsyncConnection, id: UUID, run: int, wanted: int) -> Gate:
    """Take leave to send up to `wanted` messages now, of the pace that all processes share."""
    row = (await conn.execute(_OPEN, {"id": id, "run": run})).one_or_none()
    if row is None or row.state != "sending":
        return Gate(is_open=False)
    pace = Pace.of(row.per_second, row.ramp)
    if pace is None:
        return Gate(True, wanted, expires_at=row.expires_at)
    rate = pace.rate_at(row.ramp_seconds)
    asked = {"id": id, "run": run, "version": row.version, "rate": rate, "wanted": wanted}
    taken = (await conn.execute(_TAKE, asked)).one_or_none()
    if taken is None:
        return await pass_gate(conn, id, run, wanted)  # changed between the two
    wait = max(1 - taken.pace_left, 0) / rate
    return Gate(True, taken.granted, wait, rate, row.expires_at)


async def find_stale(
    conn: AsyncConnection, *, grace: float, silent: float, most: int
) -> Sequence[Row[Any]]:
    """Return campaigns whose workflows should have looked `grace` seconds ago and did not;
    `silent` in a row says that nothing was heard for that many seconds.
    """
    result = await conn.execute(_STALE, {"grace": grace, "silent": silent, "most": most})
    return result.all()


async def put_off(conn: AsyncConnection, row: Row[Any]) -> None:
    """Give the workflow of a row, which was waked, the usual time to look."""
    await conn.execute(_PUT_OFF, {"id": row.id, "run": row.run})


async def take_over(conn: AsyncConnection, row: Row[Any], *, grace: float) -> Row[Any] | None:
    """Give a run a new workflow instead of the lost one; None when another process did so."""
    result = await conn.execute(
        _TAKE_OVER,
        {"id": row.id, "run": row.run, "recoveries": row.recoveries, "grace": grace},
    )
    return result.one_or_none()


async def find_archived(conn: AsyncConnection, template_ids: Sequence[UUID]) -> UUID | None:
    """Return one of these templates that is archived or gone; None when all are there."""
    found = await conn.execute(_ARCHIVED, {"ids": list(template_ids)})
    id: UUID | None = found.scalar_one_or_none()
    return id
