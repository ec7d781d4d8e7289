"""The webhooks of modules; their secrets are sealed."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

_SELECT = """
    SELECT w.id, w.module_id, m.key AS module_key, w.url, w.events, w.secret, w.hint, w.enabled,
        w.reason, w.failing_since, w.created_at, w.updated_at, w.version
    FROM webhooks w JOIN modules m ON m.id = w.module_id
"""


async def add(
    conn: AsyncConnection,
    *,
    id: UUID,
    module_id: UUID,
    url: str,
    events: Sequence[str],
    secret: bytes,
    hint: str,
    enabled: bool,
) -> None:
    """Insert a webhook."""
    await conn.execute(
        text("""
            INSERT INTO webhooks (id, module_id, url, events, secret, hint, enabled)
            VALUES (:id, :module, :url, CAST(:events AS text[]), :secret, :hint, :enabled)
        """),
        {
            "id": id, "module": module_id, "url": url, "events": list(events),
            "secret": secret, "hint": hint, "enabled": enabled,
        },
    )  # fmt: skip


async def get(
    conn: AsyncConnection, id: UUID, module_id: UUID | None, *, lock: bool = False
) -> Row[Any] | None:
    """Return a webhook; None when there is none or it is another module's."""
    locked = "FOR UPDATE OF w" if lock else ""
    result = await conn.execute(
        text(
            f"{_SELECT} WHERE w.id = :id"
            f" AND (CAST(:module AS uuid) IS NULL OR w.module_id = :module) {locked}"
        ),
        {"id": id, "module": module_id},
    )
    return result.one_or_none()


async def find(
    conn: AsyncConnection, *, module_id: UUID | None, before: UUID | None, most: int
) -> Sequence[Row[Any]]:
    """Return webhooks, newest first: a module's, or all."""
    result = await conn.execute(
        text(
            f"{_SELECT} WHERE (CAST(:module AS uuid) IS NULL OR w.module_id = :module)"
            " AND (CAST(:before AS uuid) IS NULL OR w.id < :before)"
            " ORDER BY w.id DESC LIMIT :most"
        ),
        {"module": module_id, "before": before, "most": most},
    )
    return result.all()


async def find_listening(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Return (id, module_id, events) of every webhook that is switched on."""
    result = await conn.execute(
        text("SELECT id, module_id, events FROM webhooks WHERE enabled ORDER BY id")
    )
    return result.all()


async def count(conn: AsyncConnection, module_id: UUID) -> int:
    """Return how many webhooks a module has."""
    result = await conn.execute(
        text("SELECT count(*) FROM webhooks WHERE module_id = :module"), {"module": module_id}
    )
    return int(result.scalar_one())


async def change(
    conn: AsyncConnection, id: UUID, *, url: str, events: Sequence[str], enabled: bool
) -> None:
    """Replace what can be changed; one that is switched on again starts with a clean slate."""
    await conn.execute(
        text("""
            UPDATE webhooks SET url = :url, events = CAST(:events AS text[]),
                reason = CASE WHEN :enabled THEN '' WHEN enabled THEN 'switched off'
                    ELSE reason END,
                failing_since = CASE WHEN :enabled AND NOT enabled THEN NULL
                    ELSE failing_since END,
                enabled = :enabled, updated_at = clock_timestamp(), version = version + 1
            WHERE id = :id
        """),
        {"id": id, "url": url, "events": list(events), "enabled": enabled},
    )


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Remove a webhook with what it still had to be told."""
    await conn.execute(text("DELETE FROM webhooks WHERE id = :id"), {"id": id})


async def worked(conn: AsyncConnection, id: UUID) -> None:
    """Note that a webhook took a call."""
    await conn.execute(
        text("UPDATE webhooks SET failing_since = NULL WHERE id = :id AND failing_since NOTNULL"),
        {"id": id},
    )


async def failed(conn: AsyncConnection, id: UUID) -> None:
    """Note that a webhook did not take a call."""
    await conn.execute(
        text("""
            UPDATE webhooks SET failing_since = clock_timestamp()
            WHERE id = :id AND failing_since IS NULL
        """),
        {"id": id},
    )


async def give_up(conn: AsyncConnection, id: UUID, reason: str, *, days: float) -> Row[Any] | None:
    """Switch a webhook off that has failed for so many days; None when it is not so."""
    result = await conn.execute(
        text("""
            UPDATE webhooks SET enabled = false, reason = :reason,
                updated_at = clock_timestamp(), version = version + 1
            WHERE id = :id AND enabled
                AND failing_since <= clock_timestamp() - make_interval(secs => :days * 86400)
            RETURNING id, module_id
        """),
        {"id": id, "reason": reason, "days": days},
    )
    return result.one_or_none()


async def sealed_secrets(conn: AsyncConnection) -> Sequence[Row[Any]]:
    """Lock and return (id, url, secret) of every webhook."""
    result = await conn.execute(text("SELECT id, url, secret FROM webhooks ORDER BY id FOR UPDATE"))
    return result.all()


async def reseal(conn: AsyncConnection, ids: Sequence[UUID], secrets: Sequence[bytes]) -> None:
    """Write secrets sealed anew; they are the same, so the version stays."""
    await conn.execute(
        text("""
            UPDATE webhooks w SET secret = r.secret
            FROM unnest(CAST(:ids AS uuid[]), CAST(:secrets AS bytea[])) AS r(id, secret)
            WHERE w.id = r.id
        """),
        {"ids": list(ids), "secrets": list(secrets)},
    )
