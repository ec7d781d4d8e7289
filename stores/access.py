"""Modules, keys, users and sessions in PostgreSQL."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

FAILURES_ALLOWED = 5


async def find_key(conn: AsyncConnection, key_hash: bytes) -> Row[Any] | None:
    """Return a live key with its module and user; none of a user who is deactivated."""
    result = await conn.execute(
        text("""
            SELECT k.id, k.name, k.scopes, k.user_id, k.module_id, m.key AS module_key, u.role
            FROM api_keys k
            JOIN modules m ON m.id = k.module_id LEFT JOIN users u ON u.id = k.user_id
            WHERE k.key_hash = :hash AND k.revoked_at IS NULL
                AND (k.user_id IS NULL OR u.active)
        """),
        {"hash": key_hash},
    )
    return result.one_or_none()


async def default_module(conn: AsyncConnection) -> Row[Any]:
    """Return the module in whose name signed-in users act."""
    return (await conn.execute(text("SELECT id, key FROM modules WHERE key = 'default'"))).one()


async def find_user(conn: AsyncConnection, email: str) -> Row[Any] | None:
    """Return an active user by e-mail address, whatever its case."""
    result = await conn.execute(
        text(
            "SELECT id, name, email, role, password_hash FROM users"
            " WHERE lower(email) = lower(:e) AND active"
        ),
        {"e": email.replace("\x00", "")},
    )
    return result.one_or_none()


async def add_user(
    conn: AsyncConnection, *, id: UUID, name: str, email: str, role: str, password_hash: str
) -> None:
    """Add a user whose password is temporary."""
    await conn.execute(
        text("""
            INSERT INTO users (id, name, email, role, password_hash, password_temporary)
            VALUES (:id, :name, :email, :role, :hash, true)
        """),
        {"id": id, "name": name, "email": email, "role": role, "hash": password_hash},
    )


async def set_password(
    conn: AsyncConnection, user_id: UUID, password_hash: str, *, temporary: bool
) -> None:
    """Replace a user's password."""
    await conn.execute(
        text("""
            UPDATE users SET password_hash = :hash, password_temporary = :temporary,
                version = version + 1 WHERE id = :id
        """),
        {"id": user_id, "hash": password_hash, "temporary": temporary},
    )


async def count_failure(conn: AsyncConnection, subjects: Sequence[str]) -> None:
    """Count a failed sign-in; from the fifth on the subject is locked for longer each time."""
    await conn.execute(
        text("""
            INSERT INTO sign_in_failures AS f (subject, failures, locked_until)
            SELECT subject, 1, clock_timestamp() FROM unnest(CAST(:subjects AS text[])) AS subject
            ORDER BY subject
            ON CONFLICT (subject) DO UPDATE SET failures = f.failures + 1,
                locked_until = clock_timestamp() + CASE WHEN f.failures + 1 >= :allowed
                    THEN make_interval(secs => least(900, 2 ^ least(f.failures + 1, 20) / 2))
                    ELSE interval '0' END
        """),
        {"subjects": list(subjects), "allowed": FAILURES_ALLOWED},
    )


async def locked_seconds(conn: AsyncConnection, subjects: Sequence[str]) -> int:
    """Return for how many more seconds sign-in is refused; 0 when it is not."""
    result = await conn.execute(
        text("""
            SELECT ceil(extract(epoch FROM max(locked_until) - clock_timestamp()))
            FROM sign_in_failures WHERE subject = ANY(CAST(:subjects AS text[]))
        """),
        {"subjects": list(subjects)},
    )
    return max(0, int(result.scalar_one() or 0))


async def forget_failures(conn: AsyncConnection, subjects: Sequence[str]) -> None:
    """Forget failed sign-ins after a right one."""
    await conn.execute(
        text("DELETE FROM sign_in_failures WHERE subject = ANY(CAST(:subjects AS text[]))"),
        {"subjects": list(subjects)},
    )


async def add_session(
    conn: AsyncConnection, *, token_hash: bytes, user_id: UUID, csrf: str, hours: int
) -> None:
    """Open a session."""
    await conn.execute(
        text("""
            INSERT INTO sessions (token_hash, user_id, csrf, expires_at)
            VALUES (:hash, :user, :csrf, now() + make_interval(hours => :hours))
        """),
        {"hash": token_hash, "user": user_id, "csrf": csrf, "hours": hours},
    )


async def find_session(conn: AsyncConnection, token_hash: bytes) -> Row[Any] | None:
    """Return a live session with its user."""
    result = await conn.execute(
        text("""
            SELECT s.csrf, s.expires_at, u.id AS user_id, u.name, u.email, u.role,
                   u.password_temporary
            FROM sessions s JOIN users u ON u.id = s.user_id
            WHERE s.token_hash = :hash AND s.expires_at > now() AND u.active
        """),
        {"hash": token_hash},
    )
    return result.one_or_none()


async def remove_session(conn: AsyncConnection, token_hash: bytes) -> None:
    """Close a session."""
    await conn.execute(text("DELETE FROM sessions WHERE token_hash = :h"), {"h": token_hash})


async def remove_other_sessions(conn: AsyncConnection, user_id: UUID, kept: bytes) -> None:
    """Close a user's sessions but for one."""
    await conn.execute(
        text("DELETE FROM sessions WHERE user_id = :user AND token_hash <> :kept"),
        {"user": user_id, "kept": kept},
    )
