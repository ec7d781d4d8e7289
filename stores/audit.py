"""The audit log: who did what to what; rows are only ever added."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import new_id


async def record(
    conn: AsyncConnection,
    *,
    module_id: UUID | None,
    actor: str,
    action: str,
    subject: str,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line; `subject` is the public id of the thing, detail holds no personal data."""
    await conn.execute(
        text("""
            INSERT INTO audit (id, module_id, actor, action, subject, detail)
            VALUES (:id, :module, :actor, :action, :subject, CAST(:detail AS jsonb))
        """),
        {
            "id": new_id(), "module": module_id, "actor": actor, "action": action,
            "subject": subject, "detail": dict(detail or {}),
        },
    )  # fmt: skip


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
