"""Escalations in the ledger: which step begins next, when, and what stops it.

A notification's row holds its steps, how many of them have begun, and when the next one does; that
is null once none will. A step begins in the transaction that writes its deliveries.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.vocabulary import State
from stores.ledger import events
from stores.ledger.cancelling import cancel_waiting

_RETURNED: Final = """
    n.id, n.module_id, n.category, n.class AS class_, n.priority, n.state, n.version
"""

_MET = text("""
    SELECT w.id, CASE WHEN w.acknowledged THEN 'acknowledged' ELSE w.heard END AS reason FROM (
        SELECT n.id, n.acknowledged_at IS NOT NULL AS acknowledged,
            n.escalation->'steps'->n.step->>'stop_on' AS stop_on,
            (SELECT CASE WHEN bool_or(d.state = 'read') THEN 'read'
                    WHEN bool_or(d.state = 'delivered') THEN 'delivered' END
                FROM deliveries d WHERE d.notification_id = n.id) AS heard
        FROM notifications n
        WHERE n.id = ANY(CAST(:ids AS uuid[])) AND n.step_due_at IS NOT NULL
    ) w
    WHERE w.acknowledged OR (w.stop_on = 'read' AND w.heard = 'read')
        OR (w.stop_on = 'delivered' AND w.heard IS NOT NULL)
    ORDER BY w.id
""")

_STOP = text(f"""
    WITH mine AS (
        SELECT id FROM notifications
        WHERE id = ANY(CAST(:ids AS uuid[])) AND step_due_at IS NOT NULL AND finished_at IS NULL
        ORDER BY id FOR UPDATE
    )
    UPDATE notifications n SET step_due_at = NULL, stopped_at = clock_timestamp(),
        stop_reason = :reason, version = n.version + 1
    FROM mine WHERE n.id = mine.id
    RETURNING {_RETURNED}
""")  # noqa: S608 - only constants are put together

_ESCALATING = text("""
    SELECT id FROM notifications
    WHERE id = ANY(CAST(:ids AS uuid[])) AND step_due_at IS NOT NULL
    ORDER BY id
""")

_OVERDUE = text("""
    SELECT id FROM notifications
    WHERE id = ANY(CAST(:ids AS uuid[])) AND step_due_at IS NOT NULL
        AND expires_at <= clock_timestamp()
    ORDER BY id
""")

_BEGIN = text("""
    UPDATE notifications n SET step = r.step,
        step_due_at = CASE WHEN r.due_at IS NOT NULL THEN least(r.due_at, n.expires_at) END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, step smallint, due_at timestamptz)
    WHERE n.id = r.id
""")

_HASTEN = text("""
    UPDATE notifications n SET step_due_at = clock_timestamp()
    WHERE n.id = ANY(CAST(:ids AS uuid[])) AND n.step_due_at > clock_timestamp()
        AND NOT EXISTS (
            SELECT 1 FROM deliveries d WHERE d.notification_id = n.id AND d.step = n.step
                AND d.state NOT IN ('suppressed', 'failed', 'expired', 'cancelled'))
""")

_ACKNOWLEDGE = text(f"""
    UPDATE notifications n SET acknowledged_at = clock_timestamp(), acknowledged_by = :by,
        version = n.version + 1
    WHERE n.id = :id AND n.acknowledged_at IS NULL
    RETURNING {_RETURNED}
""")  # noqa: S608

_STOPPED_NOW = text("""
    SELECT DISTINCT workflow_id FROM notifications
    WHERE id = ANY(CAST(:ids AS uuid[])) AND stopped_at >= transaction_timestamp()
    ORDER BY workflow_id
""")


@dataclass(frozen=True, slots=True)
class Begun:
    """A step that begins: its number from 1, and when the one after it is due, if there is one."""

    notification_id: UUID
    step: int
    next_due: datetime | None


async def begin(conn: AsyncConnection, begun: Sequence[Begun]) -> None:
    """Note that steps begin, in the transaction that writes their deliveries."""
    rows = [{"id": one.notification_id, "step": one.step, "due_at": one.next_due} for one in begun]
    if rows:
        await conn.execute(_BEGIN, {"rows": rows})


async def hasten(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Let the next step begin at once where the present one reached nobody."""
    await conn.execute(_HASTEN, {"ids": sorted(ids)})


async def stop_met(conn: AsyncConnection, ids: Sequence[UUID]) -> list[UUID]:
    """Stop where what the waiting step stops on has happened; return what stopped, to be folded.

    What still waits of the present step is cancelled with the same reason.
    """
    met: defaultdict[str, list[UUID]] = defaultdict(list)
    for row in await conn.execute(_MET, {"ids": list(ids)}):
        met[row.reason].append(row.id)
    return sorted({id for reason, these in met.items() for id in await stop(conn, these, reason)})


async def stop_overdue(conn: AsyncConnection, ids: Sequence[UUID]) -> list[UUID]:
    """Stop what has expired; return what stopped, to be folded."""
    expired = list((await conn.execute(_OVERDUE, {"ids": list(ids)})).scalars())
    return await _end(conn, expired, State.EXPIRED) if expired else []


async def stop(conn: AsyncConnection, ids: Sequence[UUID], reason: str) -> list[UUID]:
    """Stop the escalations in which a step waits; return what stopped, to be folded.

    Deliveries that wait are cancelled first: those who settle lock deliveries before notifications.
    """
    waiting = list((await conn.execute(_ESCALATING, {"ids": list(ids)})).scalars())
    if not waiting:
        return []
    await cancel_waiting(conn, waiting, reason)
    return await _end(conn, waiting, reason)


async def was_stopped(conn: AsyncConnection, id: UUID, reason: str) -> bool:
    """Whether an escalation was stopped for a reason."""
    found = await conn.execute(
        text("SELECT stop_reason = :reason FROM notifications WHERE id = :id"),
        {"id": id, "reason": reason},
    )
    return bool(found.scalar_one_or_none())


async def acknowledge(conn: AsyncConnection, id: UUID, by: str) -> bool:
    """Note that somebody acknowledged a notification; False when somebody did before."""
    row = (await conn.execute(_ACKNOWLEDGE, {"id": id, "by": by})).one_or_none()
    if row is None:
        return False
    await events.append(conn, [events.notification_event("acknowledged", row)])
    return True


async def stopped_now(conn: AsyncConnection, ids: Sequence[UUID]) -> list[str]:
    """Return the workflows of what this transaction stopped, to be woken once it is committed."""
    if not ids:
        return []
    return list((await conn.execute(_STOPPED_NOW, {"ids": list(ids)})).scalars())


async def _end(conn: AsyncConnection, ids: Sequence[UUID], reason: str) -> list[UUID]:
    rows = (await conn.execute(_STOP, {"ids": sorted(ids), "reason": reason})).all()
    await events.append(conn, [events.notification_event("stopped", row) for row in rows])
    return [row.id for row in rows]
