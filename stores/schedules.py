"""Schedules in PostgreSQL; a removed one stays until Temporal's is gone, too."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_SELECT: Final = """
    SELECT s.*, m.key AS module_key FROM schedules s JOIN modules m ON m.id = s.module_id
"""
_UNSYNCED: Final = """
    (s.synced_version <> s.version OR s.deleted_at IS NOT NULL
        OR s.synced_until <= clock_timestamp())
"""


async def add(conn: AsyncConnection, row: dict[str, Any]) -> None:
    """Insert a schedule; raises IntegrityError when its name is taken."""
    await conn.execute(
        text("""
            INSERT INTO schedules (id, module_id, name, action, definition, scopes, anchor_at,
                settled_at, next_at, created_by, created_at, updated_at, author_ids)
            VALUES (:id, :module_id, :name, :action, CAST(:definition AS jsonb),
                CAST(:scopes AS text[]), :anchor_at, :settled_at, :next_at, :created_by,
                :created_at, :created_at, array_remove(ARRAY[CAST(:author AS uuid)], NULL))
        """),
        row,
    )


async def get(conn: AsyncConnection, id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """Return a schedule that was not removed; `lock` keeps others away until the end."""
    locked = "FOR UPDATE OF s" if lock else ""
    result = await conn.execute(
        text(f"{_SELECT} WHERE s.id = :id AND s.deleted_at IS NULL {locked}"), {"id": id}
    )
    return result.one_or_none()


async def find_id(conn: AsyncConnection, module_id: UUID, name: str) -> UUID | None:
    """Return the id of a module's schedule by its name."""
    result = await conn.execute(
        text("""
            SELECT id FROM schedules
            WHERE module_id = :module AND name = :name AND deleted_at IS NULL
        """),
        {"module": module_id, "name": name},
    )
    id: UUID | None = result.scalar_one_or_none()
    return id


async def find(
    conn: AsyncConnection, *, module_id: UUID | None, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return schedules, newest first: of a module, or of all."""
    result = await conn.execute(
        text(f"""
            {_SELECT}
            WHERE s.deleted_at IS NULL
                AND (CAST(:module AS uuid) IS NULL OR s.module_id = :module)
                AND (CAST(:before AS uuid) IS NULL OR s.id < :before)
            ORDER BY s.id DESC LIMIT :most
        """),
        {"module": module_id, "before": before, "most": most},
    )
    return result.all()


async def change(conn: AsyncConnection, id: UUID, row: dict[str, Any]) -> None:
    """Replace what a schedule says; raises IntegrityError when its name is taken."""
    await conn.execute(
        text("""
            UPDATE schedules SET name = :name, action = :action, anchor_at = :anchor_at,
                definition = CAST(:definition AS jsonb), scopes = CAST(:scopes AS text[]),
                settled_at = :settled_at, next_at = :next_at, updated_at = clock_timestamp(),
                author_ids = array_remove(array_remove(author_ids, CAST(:author AS uuid))
                    || CAST(:author AS uuid), NULL),
                version = version + 1
            WHERE id = :id
        """),
        {"id": id, **row},
    )


async def pause(conn: AsyncConnection, id: UUID, note: str) -> None:
    """Let a schedule rest, with the reason."""
    await conn.execute(
        text("""
            UPDATE schedules SET paused_at = clock_timestamp(), note = :note,
                updated_at = clock_timestamp(), version = version + 1
            WHERE id = :id
        """),
        {"id": id, "note": note},
    )


async def resume(conn: AsyncConnection, id: UUID) -> None:
    """Let a schedule go on."""
    await conn.execute(
        text("""
            UPDATE schedules SET paused_at = NULL, note = '', updated_at = clock_timestamp(),
                version = version + 1
            WHERE id = :id
        """),
        {"id": id},
    )


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Remove a schedule from sight; what it says goes at once, the row when Temporal has heard."""
    await conn.execute(
        text("""
            UPDATE schedules SET deleted_at = clock_timestamp(), next_at = NULL, definition = '{}'
            WHERE id = :id
        """),
        {"id": id},
    )


async def remove_of_person(
    conn: AsyncConnection, module_id: UUID, *, names: Sequence[str], addresses: Sequence[str]
) -> list[UUID]:
    """Remove a module's schedules to one person: by profile id or external id, or by address."""
    result = await conn.execute(
        text("""
            UPDATE schedules s SET deleted_at = clock_timestamp(), next_at = NULL, definition = '{}'
            WHERE s.module_id = :module AND s.deleted_at IS NULL AND (
                definition #>> '{action,notification,recipient}' = ANY(CAST(:names AS text[]))
                OR definition #>> '{action,notification,recipient,external_id}'
                    = ANY(CAST(:names AS text[]))
                OR jsonb_typeof(definition #> '{action,notification,recipient}') = 'object'
                    AND EXISTS (
                        SELECT FROM jsonb_each_text(
                            CASE WHEN jsonb_typeof(definition #> '{action,notification,recipient}')
                                = 'object' THEN definition #> '{action,notification,recipient}'
                                ELSE '{}' END)
                        WHERE lower(value) = ANY(CAST(:addresses AS text[]))))
            RETURNING s.id
        """),
        {"module": module_id, "names": list(names), "addresses": list(addresses)},
    )
    return list(result.scalars().all())


async def settle(
    conn: AsyncConnection, id: UUID, *, settled_at: datetime, next_at: datetime | None
) -> None:
    """Note up to when all times are accounted for, and which comes next."""
    await conn.execute(
        text("UPDATE schedules SET settled_at = :settled_at, next_at = :next_at WHERE id = :id"),
        {"id": id, "settled_at": settled_at, "next_at": next_at},
    )


async def find_overdue(conn: AsyncConnection, *, grace: float, most: int) -> list[UUID]:
    """Return schedules whose time came `grace` seconds ago, and those whose times wait."""
    result = await conn.execute(
        text("""
            SELECT id FROM schedules WHERE paused_at IS NULL AND deleted_at IS NULL
                AND next_at <= clock_timestamp() - make_interval(secs => :grace)
            UNION
            SELECT s.id FROM schedule_runs r JOIN schedules s ON s.id = r.schedule_id
            WHERE r.open AND r.state = 'waiting' AND s.paused_at IS NULL AND s.deleted_at IS NULL
            ORDER BY 1 LIMIT :most
        """),
        {"grace": grace, "most": most},
    )
    return list(result.scalars().all())


async def lock_sync(conn: AsyncConnection, id: UUID) -> bool:
    """Keep others from telling Temporal of a schedule; False when somebody does just now."""
    result = await conn.execute(
        text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 1))"), {"name": str(id)}
    )
    return bool(result.scalar_one())


async def find_unsynced(
    conn: AsyncConnection, *, most: int, id: UUID | None = None
) -> Sequence[Row[Any]]:
    """Return schedules that Temporal has not heard of as they are, removed ones included."""
    result = await conn.execute(
        text(f"""
            {_SELECT} WHERE {_UNSYNCED} AND (CAST(:id AS uuid) IS NULL OR s.id = :id)
            ORDER BY s.id LIMIT :most
        """),
        {"id": id, "most": most},
    )
    return result.all()


async def synced(conn: AsyncConnection, id: UUID, *, version: int, until: datetime | None) -> None:
    """Note which version Temporal has, and until when its times last; a removed row goes."""
    await conn.execute(
        text("DELETE FROM schedules WHERE id = :id AND deleted_at IS NOT NULL"), {"id": id}
    )
    await conn.execute(
        text("""
            UPDATE schedules SET synced_version = :version,
                synced_until = CAST(:until AS timestamptz)
            WHERE id = :id
        """),
        {"id": id, "version": version, "until": until},
    )


async def pausings(conn: AsyncConnection) -> dict[UUID, bool]:
    """Return every schedule that was not removed, and whether it is paused."""
    result = await conn.execute(
        text("SELECT id, paused_at IS NOT NULL AS paused FROM schedules WHERE deleted_at IS NULL")
    )
    return {row.id: row.paused for row in result.all()}


async def forget_sync(conn: AsyncConnection, ids: Sequence[UUID]) -> None:
    """Let Temporal be told of schedules again."""
    await conn.execute(
        text("""
            WITH chosen AS (
                SELECT id FROM schedules WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR UPDATE
            )
            UPDATE schedules s SET synced_version = 0 FROM chosen c WHERE s.id = c.id
        """),
        {"ids": sorted(ids)},
    )
