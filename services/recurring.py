"""What recurs of a campaign that a schedule makes: all of it but who is in the audience, and when.

A standing approval is bound to this hash, so it is void as soon as any of it changes.
"""

from collections.abc import Mapping
from hashlib import sha256
from json import dumps
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.frozen_campaign import NOT_SHOWN, Frozen
from stores import audience_snapshots, templates


async def definition_hash(
    conn: AsyncConnection,
    frozen: Mapping[str, Any],
    *,
    audience: tuple[UUID | None, int | None],
    lasts: float | None,
) -> str:
    """Return the hash of what a submission froze, of what its template's version says, of its
    audience's id and version, and of how many seconds its window lasts.
    """
    kept = Frozen.read(frozen)
    bound = {name: value for name, value in kept.column().items() if name not in NOT_SHOWN}
    found = await templates.load_versions(conn, kept.templates) if kept.templates else {}
    words = [
        {"content": found[one].content, "locales": found[one].locales} for one in kept.templates
    ]
    whole = {**bound, "words": words, "audience": audience, "lasts": lasts}
    canonical = dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return sha256(canonical.encode()).hexdigest()


async def definition_of_run(conn: AsyncConnection, row: Any) -> str:
    """Return the hash of what recurs of a campaign's row that was resolved."""
    snapshot = await audience_snapshots.get(conn, UUID(str(row.snapshot_id)))
    lasts = (row.end_at - row.start_at).total_seconds() if row.end_at and row.start_at else None
    return await definition_hash(
        conn, row.frozen, audience=(snapshot.audience_id, snapshot.audience_version), lasts=lasts
    )
