"""Modules and their API keys in PostgreSQL."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.trial import ModuleMode


async def add(
    conn: AsyncConnection, id: UUID, key: str, name: str, *, mode: str = ModuleMode.LIVE
) -> Row[Any]:
    """Insert a module."""
    result = await conn.execute(
        text("""
            INSERT INTO modules (id, key, name, mode) VALUES (:id, :key, :name, :mode) RETURNING *
        """),
        {"id": id, "key": key, "name": name, "mode": mode},
    )
    return result.one()


async def find(conn: AsyncConnection, *, before: UUID | None, most: int) -> Sequence[Row[Any]]:
    """Return modules, newest first."""
    result = await conn.execute(
        text("""
            SELECT * FROM modules WHERE CAST(:before AS uuid) IS NULL OR id < :before
            ORDER BY id DESC LIMIT :most
        """),
        {"before": before, "most": most},
    )
    return result.all()


async def get(
    conn: AsyncConnection, *, id: UUID | None, key: str | None, lock: bool = False
) -> Row[Any] | None:
    """Return a module by id or by key; `lock` keeps others from changing it until the end."""
    locked = "FOR UPDATE" if lock else ""
    result = await conn.execute(
        text(f"SELECT * FROM modules WHERE id = :id OR key = :key {locked}"),  # noqa: S608
        {"id": id, "key": key},
    )
    return result.one_or_none()


async def change(conn: AsyncConnection, id: UUID, changed: Mapping[str, Any]) -> Row[Any]:
    """Replace a module's {name, mode, safelist, redirect_to, brand}."""
    result = await conn.execute(
        text("""
            UPDATE modules SET name = :name, mode = :mode,
                safelist = CAST(:safelist AS text[]), redirect_to = CAST(:redirect_to AS jsonb),
                brand = CAST(:brand AS jsonb),
                version = version + 1
            WHERE id = :id RETURNING *
        """),
        {"id": id, **changed},
    )
    return result.one()


async def add_key(
    conn: AsyncConnection,
    *,
    id: UUID,
    module_id: UUID,
    name: str,
    scopes: Sequence[str],
    key_hash: bytes,
    hint: str,
    user_id: UUID | None = None,
) -> Row[Any]:
    """Insert an API key by its hash."""
    result = await conn.execute(
        text("""
            WITH k AS (
                INSERT INTO api_keys (id, module_id, user_id, name, scopes, key_hash, hint)
                VALUES (:id, :module, CAST(:user AS uuid), :name, CAST(:scopes AS text[]),
                    :hash, :hint) RETURNING *
            )
            SELECT k.*, m.key AS module_key FROM k JOIN modules m ON m.id = k.module_id
        """),
        {
            "id": id, "module": module_id, "name": name, "scopes": list(scopes),
            "hash": key_hash, "hint": hint, "user": user_id,
        },
    )  # fmt: skip
    return result.one()


async def find_keys(
    conn: AsyncConnection,
    *,
    module_id: UUID | None,
    user_id: UUID | None = None,
    id: UUID | None = None,
    before: UUID | None = None,
    most: int = 1,
) -> Sequence[Row[Any]]:
    """Return live keys, newest first: a module's, a user's, or all, or the one of an id."""
    result = await conn.execute(
        text("""
            SELECT k.*, m.key AS module_key FROM api_keys k JOIN modules m ON m.id = k.module_id
            WHERE k.revoked_at IS NULL
                AND (CAST(:module AS uuid) IS NULL OR k.module_id = :module)
                AND (CAST(:user AS uuid) IS NULL OR k.user_id = :user)
                AND (CAST(:id AS uuid) IS NULL OR k.id = :id)
                AND (CAST(:before AS uuid) IS NULL OR k.id < :before)
            ORDER BY k.id DESC LIMIT :most
        """),
        {"module": module_id, "user": user_id, "id": id, "before": before, "most": most},
    )
    return result.all()


async def revoke_key(conn: AsyncConnection, id: UUID) -> None:
    """End a key's life; its row stays for the audit."""
    await conn.execute(
        text("UPDATE api_keys SET revoked_at = now(), version = version + 1 WHERE id = :id"),
        {"id": id},
    )
