"""Digests in the ledger: joined when deliveries are planned, gathered by whoever finds one due.

A digest's row is the lock between the two: who joins holds it until the delivery is written, who
gathers closes it first and then looks who is in it. So a delivery is in the digest that closes, or
in the one after it, and never in both.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import new_id

_CLOSE_OVERDUE = text("""
    UPDATE digests g SET closed_at = clock_timestamp()
    FROM (SELECT id FROM digests WHERE identity = ANY(CAST(:identities AS text[]))
            AND closed_at IS NULL AND due_at <= clock_timestamp() ORDER BY identity FOR UPDATE) o
    WHERE g.id = o.id
""")

_JOIN = text("""
    INSERT INTO digests AS g (id, module_id, identity, source, key, opened_by, due_at, workflow_id)
    SELECT id, module_id, identity, source, key, opened_by, due_at, workflow_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, module_id uuid, identity text,
        source text, key text, opened_by uuid, due_at timestamptz, workflow_id text)
    ORDER BY identity
    ON CONFLICT (identity) WHERE closed_at IS NULL DO UPDATE SET workflow_id = CASE
        WHEN EXISTS (SELECT FROM deliveries d WHERE d.digest_id = g.id
            AND d.state IN ('accepted', 'scheduled', 'held', 'sending')) THEN g.workflow_id
        ELSE excluded.workflow_id END
    RETURNING g.id, g.identity, g.due_at, g.workflow_id
""")

_MOVE = text("""
    UPDATE notifications n SET workflow_id = r.workflow_id,
        expires_at = greatest(n.expires_at, r.expires_at)
    FROM unnest(CAST(:ids AS uuid[]), CAST(:workflows AS text[]),
        CAST(:expiries AS timestamptz[])) AS r(id, workflow_id, expires_at)
    WHERE n.id = r.id
""")

_MEMBERS = text("""
    SELECT DISTINCT n.id FROM digests g
        JOIN deliveries d ON d.digest_id = g.id
        JOIN notifications n ON n.id = d.notification_id
    WHERE g.workflow_id = :workflow AND n.workflow_id = :workflow AND n.finished_at IS NULL
""")

_CLOSE = text("""
    WITH due AS (
        SELECT g.id FROM digests g WHERE g.due_at <= clock_timestamp() AND g.id IN (
            SELECT d.digest_id FROM deliveries d JOIN notifications n ON n.id = d.notification_id
            WHERE d.notification_id = ANY(CAST(:ids AS uuid[])) AND d.digest_id IS NOT NULL
                AND d.state IN ('accepted', 'scheduled', 'held')
                AND d.due_at <= clock_timestamp() AND n.workflow_id = :workflow)
        ORDER BY g.id FOR UPDATE
    )
    UPDATE digests g SET closed_at = coalesce(g.closed_at, clock_timestamp())
    FROM due WHERE g.id = due.id
    RETURNING g.id
""")

_GATHER = text("""
    WITH together AS (
        SELECT d.id, d.notification_id, d.digest_id FROM deliveries d
        WHERE d.digest_id = ANY(CAST(:digests AS uuid[]))
            AND d.state IN ('accepted', 'scheduled', 'held')
            AND (d.lease_until IS NULL OR d.lease_until < clock_timestamp())
        ORDER BY d.id FOR UPDATE
    ), due AS (
        UPDATE deliveries d SET due_at = least(d.due_at, clock_timestamp())
        FROM together t WHERE d.id = t.id
    ), carried AS (
        UPDATE digests g SET workflow_id = :workflow
        WHERE g.id IN (SELECT digest_id FROM together)
    ), mine AS (
        SELECT n.id FROM notifications n
        WHERE n.id IN (SELECT notification_id FROM together) ORDER BY n.id FOR UPDATE
    )
    UPDATE notifications n SET workflow_id = :workflow,
        version = n.version + CASE WHEN n.workflow_id = :workflow THEN 0 ELSE 1 END
    FROM mine WHERE n.id = mine.id
    RETURNING n.id
""")

_FIND = text("""
    SELECT g.id, g.source, g.key, g.due_at, g.closed_at,
        (SELECT count(*) FROM deliveries d WHERE d.digest_id = g.id
            AND d.state NOT IN ('cancelled', 'expired')) AS collected
    FROM digests g WHERE g.id = ANY(CAST(:ids AS uuid[]))
""")

_FORGET = text("""
    UPDATE digests SET identity = '', closed_at = coalesce(closed_at, clock_timestamp())
    WHERE id IN (SELECT digest_id FROM deliveries
        WHERE notification_id = ANY(CAST(:ids AS uuid[])) AND digest_id IS NOT NULL)
""")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A digest that deliveries go into; it is opened, due at a moment, where none is open."""

    module_id: UUID
    identity: str
    source: str
    key: str
    opened_by: UUID
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Joined:
    """The digest that took a delivery."""

    id: UUID
    due_at: datetime
    workflow_id: str


async def join(
    conn: AsyncConnection, wanted: Iterable[Wanted], workflow_id: str
) -> dict[str, Joined]:
    """Return, by identity, the open digests, opened where there are none, and lock them.

    The first that wants one says when it is due, and its workflow carries the digest; the next
    one's does if nothing waits in it any more. One whose time has come takes nothing more.
    """
    first: dict[str, Wanted] = {}
    for one in wanted:
        first.setdefault(one.identity, one)
    if not first:
        return {}
    await conn.execute(_CLOSE_OVERDUE, {"identities": list(first)})
    rows = [
        {
            "id": new_id(), "module_id": one.module_id, "identity": one.identity,
            "source": one.source, "key": one.key, "opened_by": one.opened_by,
            "due_at": one.due_at, "workflow_id": workflow_id,
        }
        for one in first.values()
    ]  # fmt: skip
    found = await conn.execute(_JOIN, {"rows": rows})
    return {row.identity: Joined(row.id, row.due_at, row.workflow_id) for row in found}


async def move(conn: AsyncConnection, moved: Sequence[tuple[UUID, str, datetime]]) -> None:
    """Hand notifications to the workflows of their digests, and let them live until these leave;
    `moved` has (notification, workflow id, expiry), each once.
    """
    ordered = sorted(moved)
    await conn.execute(
        _MOVE,
        {
            "ids": [id for id, _, _ in ordered],
            "workflows": [workflow for _, workflow, _ in ordered],
            "expiries": [expiry for _, _, expiry in ordered],
        },
    )


async def members(conn: AsyncConnection, workflow_id: str) -> list[UUID]:
    """Return the unfinished notifications that came to a workflow by a digest."""
    return list((await conn.execute(_MEMBERS, {"workflow": workflow_id})).scalars().all())


async def gather(conn: AsyncConnection, ids: Sequence[UUID], workflow_id: str) -> list[UUID]:
    """Close the digests of a workflow's notifications whose time has come, and take everything that
    waits in them, whichever workflow had it; return the notifications. To be leased in the same
    transaction.
    """
    closed = await conn.execute(_CLOSE, {"ids": list(ids), "workflow": workflow_id})
    digests = sorted(closed.scalars().all())
    if not digests:
        return []
    taken = await conn.execute(_GATHER, {"digests": digests, "workflow": workflow_id})
    return list(taken.scalars().all())


async def find(conn: AsyncConnection, ids: Iterable[UUID | None]) -> dict[UUID, Row[Any]]:
    """Return digests by id: {id, source, key, due_at, closed_at, collected}; what was cancelled or
    expired is not counted as collected.
    """
    wanted = sorted({one for one in ids if one is not None})
    if not wanted:
        return {}
    return {row.id: row for row in await conn.execute(_FIND, {"ids": wanted})}


async def forget(conn: AsyncConnection, notification_ids: Sequence[UUID]) -> None:
    """Take out of digests what tells for whom they were."""
    await conn.execute(_FORGET, {"ids": list(notification_ids)})
