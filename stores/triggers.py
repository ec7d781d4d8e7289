"""Triggers in PostgreSQL."""

from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_SELECT: Final = """
    SELECT t.*, m.key AS module_key FROM triggers t JOIN modules m ON m.id = t.module_id
"""


async def add(conn: AsyncConnection, row: dict[str, Any]) -> None:
    """Insert a trigger; raises IntegrityError when its name is taken."""
    await conn.execute(
        text("""
            INSERT INTO triggers (id, module_id, name, event_type, cancel_type, definition, scopes,
                enabled, created_by)
            VALUES (:id, :module_id, :name, :event_type, :cancel_type,
                CAST(:definition AS jsonb), CAST(:scopes AS text[]), :enabled, :created_by)
        """),
        row,
    )


async def get(conn: AsyncConnection, id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """Return a trigger; `lock` keeps others from changing it until the end."""
    locked = "FOR UPDATE OF t" if lock else ""
    result = await conn.execute(text(f"{_SELECT} WHERE t.id = :id {locked}"), {"id": id})
    return result.one_or_none()


async def find(
    conn: AsyncConnection, *, module_id: UUID | None, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return triggers, newest first: of a module, or of all."""
    result = await conn.execute(
        text(f"""
            {_SELECT}
            WHERE (CAST(:module AS uuid) IS NULL OR t.module_id = :module)
                AND (CAST(:before AS uuid) IS NULL OR t.id < :before)
            ORDER BY t.id DESC LIMIT :most
        """),
        {"module": module_id, "before": before, "most": most},
    )
    return result.all()


async def concerned(conn: AsyncConnection, module_id: UUID, event_type: str) -> Sequence[Row[Any]]:
    """Return the triggers that an event of a type starts or whose messages it cancels, in order."""
    result = await conn.execute(
        text(f"""
            {_SELECT} WHERE t.module_id = :module
                AND (t.event_type = :type OR t.cancel_type = :type) ORDER BY t.id
        """),
        {"module": module_id, "type": event_type},
    )
    return result.all()


async def change(conn: AsyncConnection, id: UUID, row: dict[str, Any]) -> None:
    """Replace what a trigger says; raises IntegrityError when its name is taken."""
    await conn.execute(
        text("""
            UPDATE triggers SET name = :name, event_type = :event_type,
                cancel_type = :cancel_type, definition = CAST(:definition AS jsonb),
                scopes = CAST(:scopes AS text[]), enabled = :enabled, updated_at = now(),
                version = version + 1
            WHERE id = :id
        """),
        {"id": id, **row},
    )


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Take a trigger away; what it has started goes on."""
    await conn.execute(text("DELETE FROM triggers WHERE id = :id"), {"id": id})
