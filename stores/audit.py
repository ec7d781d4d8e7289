"""The audit log: who did what to what; rows are only ever added, and sealed soon after."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit_chain import Line, MarkRing
from domain.ids import new_id

MARKS: Final = "audit_marks"
"""Where a connection holds the MarkRing of its process."""
_CONDITIONS: Final = {
    "module_id": "a.module_id = :module_id",
    "modules": "m.key = ANY(CAST(:modules AS text[]))",
    "actors": "EXISTS (SELECT FROM unnest(CAST(:actors AS text[])) AS given"
    " WHERE a.actor = given OR (given LIKE 'usr\\_%' AND strpos(a.actor, given) > 0))",
    "actions": "EXISTS (SELECT FROM unnest(CAST(:actions AS text[])) AS given"
    " WHERE a.action = given OR starts_with(a.action, given || '.'))",
    "subjects": "a.subject = ANY(CAST(:subjects AS text[]))",
    "after": "a.at >= :after",
    "before": "a.at < :before",
}


async def record(
    conn: AsyncConnection,
    *,
    module_id: UUID | None,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line; `subject` is the public id of the thing, detail holds no personal data.

    It is marked with the key of its database connection, if that has one, and takes no lock.
    """
    plain = json.loads(json.dumps(dict(detail or {}), default=str))  # as it will be read
    line = Line(new_id(), datetime.now(UTC), module_id, actor, action, subject, plain)
    ring: MarkRing | None = conn.info.get(MARKS)
    await conn.execute(
        text("""
            INSERT INTO audit (id, at, module_id, actor, action, subject, detail, mark)
            VALUES (:id, :at, :module, :actor, :action, :subject, CAST(:detail AS jsonb),
                CAST(:mark AS bytea))
        """),
        {
            "id": line.id, "at": line.at, "module": module_id, "actor": actor, "action": action,
            "subject": subject, "detail": plain, "mark": ring.mark(line) if ring else None,
        },
    )  # fmt: skip


async def find(
    conn: AsyncConnection, conditions: Mapping[str, Any], *, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return lines newest first; the conditions are any of `_CONDITIONS`."""
    wanted = [_CONDITIONS[name] for name in conditions]
    result = await conn.execute(
        text(f"""
            SELECT a.id, a.at, a.actor, a.action, a.subject, a.detail, a.seq, a.hash,
                m.key AS module_key
            FROM audit a LEFT JOIN modules m ON m.id = a.module_id
            WHERE {" AND ".join(["true", *wanted])}
                AND (CAST(:before_id AS uuid) IS NULL OR a.id < :before_id)
            ORDER BY a.id DESC LIMIT :most
        """),  # noqa: S608 - the conditions are ours
        {**conditions, "before_id": before, "most": most},
    )
    return result.all()


async def of_subject(
    conn: AsyncConnection, subject: str, *, before: UUID | None = None, most: int | None = None
) -> Sequence[Row[Any]]:
    """Return the lines about a thing, newest first: id, at, actor, action, detail."""
    result = await conn.execute(
        text("""
            SELECT id, at, actor, action, detail FROM audit WHERE subject = :subject
                AND (CAST(:before AS uuid) IS NULL OR id < :before)
            ORDER BY id DESC LIMIT :most
        """),
        {"subject": subject, "before": before, "most": most},
    )
    return result.all()
