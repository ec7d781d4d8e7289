"""Users of the dashboard in PostgreSQL, and who decides for whom while they are away."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_COLUMNS: Final = "id, name, email, role, active, password_temporary, created_at, version"


async def find(
    conn: AsyncConnection,
    *,
    roles: Sequence[str] = (),
    active: bool | None = None,
    before: UUID | None = None,
    most: int,
) -> Sequence[Row[Any]]:
    """Return users, newest first."""
    result = await conn.execute(
        text(f"""
            SELECT {_COLUMNS} FROM users
            WHERE (cardinality(CAST(:roles AS text[])) = 0 OR role = ANY(CAST(:roles AS text[])))
                AND (CAST(:active AS boolean) IS NULL OR active = :active)
                AND (CAST(:before AS uuid) IS NULL OR id < :before)
            ORDER BY id DESC LIMIT :most
        """),  # noqa: S608 - the columns are ours
        {"roles": list(roles), "active": active, "before": before, "most": most},
    )
    return result.all()


async def find_by_ids(conn: AsyncConnection, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
    """Return those users of some ids that are still there."""
    if not ids:
        return []
    result = await conn.execute(
        text(f"SELECT {_COLUMNS} FROM users WHERE id = ANY(CAST(:ids AS uuid[]))"),  # noqa: S608
        {"ids": sorted(set(ids))},
    )
    return result.all()


async def find_by_email(conn: AsyncConnection, email: str) -> Row[Any] | None:
    """Return a user by e-mail address, active or not."""
    result = await conn.execute(
        text(f"SELECT {_COLUMNS} FROM users WHERE lower(email) = lower(:email)"),  # noqa: S608
        {"email": email},
    )
    return result.one_or_none()


async def get(conn: AsyncConnection, id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """Return a user; `lock` keeps others from changing it until the end."""
    locked = "FOR UPDATE" if lock else ""
    result = await conn.execute(
        text(f"SELECT {_COLUMNS} FROM users WHERE id = :id {locked}"),  # noqa: S608
        {"id": id},
    )
    return result.one_or_none()


async def is_active(conn: AsyncConnection, id: UUID) -> bool:
    """Whether a user is there and not deactivated."""
    result = await conn.execute(text("SELECT active FROM users WHERE id = :id"), {"id": id})
    return bool(result.scalar_one_or_none())


async def lock_administrators(conn: AsyncConnection) -> set[UUID]:
    """Return the active administrators; until the end nobody else takes one of them away."""
    result = await conn.execute(
        text("""
            SELECT id FROM users WHERE role = 'administrator' AND active ORDER BY id FOR UPDATE
        """)
    )
    return set(result.scalars())


async def change(conn: AsyncConnection, id: UUID, changed: Mapping[str, Any]) -> Row[Any]:
    """Replace a user's {name, role, active}."""
    result = await conn.execute(
        text(f"""
            UPDATE users SET name = :name, role = :role, active = :active, version = version + 1
            WHERE id = :id RETURNING {_COLUMNS}
        """),  # noqa: S608 - the columns are ours
        {"id": id, **changed},
    )
    return result.one()


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Remove a user with their sessions and keys."""
    await conn.execute(text("DELETE FROM users WHERE id = :id"), {"id": id})


async def get_delegation(
    conn: AsyncConnection, user_id: UUID, *, now_only: bool = False
) -> Row[Any] | None:
    """Return who decides for a user, with the deputy's name; `now_only` if it is in force."""
    result = await conn.execute(
        text("""
            SELECT d.user_id, d.deputy_id, d.from_at, d.until_at, d.version, u.name AS deputy_name
            FROM delegations d JOIN users u ON u.id = d.deputy_id
            WHERE d.user_id = :user AND (NOT :now_only
                OR clock_timestamp() >= d.from_at AND clock_timestamp() < d.until_at)
        """),
        {"user": user_id, "now_only": now_only},
    )
    return result.one_or_none()


async def find_deputies(conn: AsyncConnection, ids: Sequence[UUID]) -> dict[UUID, UUID]:
    """Return who decides now for those of some users who are away."""
    result = await conn.execute(
        text("""
            SELECT user_id, deputy_id FROM delegations
            WHERE user_id = ANY(CAST(:ids AS uuid[]))
                AND clock_timestamp() >= from_at AND clock_timestamp() < until_at
        """),
        {"ids": sorted(ids)},
    )
    return {row.user_id: row.deputy_id for row in result}


async def put_delegation(
    conn: AsyncConnection, user_id: UUID, deputy_id: UUID, from_at: datetime, until_at: datetime
) -> None:
    """Name the deputy of a user for a time, in place of one that was named before."""
    await conn.execute(
        text("""
            INSERT INTO delegations AS d (user_id, deputy_id, from_at, until_at)
            VALUES (:user, :deputy, :from_at, :until_at)
            ON CONFLICT (user_id) DO UPDATE SET deputy_id = excluded.deputy_id,
                from_at = excluded.from_at, until_at = excluded.until_at, version = d.version + 1
        """),
        {"user": user_id, "deputy": deputy_id, "from_at": from_at, "until_at": until_at},
    )


async def remove_delegation(conn: AsyncConnection, user_id: UUID) -> bool:
    """End a delegation; return whether there was one."""
    result = await conn.execute(
        text("DELETE FROM delegations WHERE user_id = :user"), {"user": user_id}
    )
    return bool(result.rowcount)
