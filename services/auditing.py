"""Writes what somebody did to the audit log; every use case goes through here.

Lines name people by their ids alone: who is erased later leaves nothing personal in the log, and
its chain holds.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import encode
from services.access import Actor
from stores import audit


async def audit_row(
    conn: AsyncConnection,
    actor: Actor,
    action: str,
    prefix: str,
    row: Any,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line about a stored row (of `id` and `module_id`), in the transaction of the deed."""
    await audit_subject(conn, actor, action, encode(prefix, row.id), row.module_id, detail)


async def audit_subject(
    conn: AsyncConnection,
    actor: Actor,
    action: str,
    subject: str,
    module_id: UUID | None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add a line about anything that has a name; without a module it concerns all of them."""
    await audit.record(
        conn,
        module_id=module_id,
        actor=named(actor),
        action=action,
        subject=subject,
        detail=detail,
    )


def named(actor: Actor) -> str:
    """Return how the log names an actor: `user:usr_…`, `key:NAME`, `key:NAME (usr_…)`, operator."""
    if actor.user_id is None:
        return actor.name
    user = encode("usr", actor.user_id)
    return f"{actor.name} ({user})" if actor.name.startswith("key:") else f"user:{user}"
