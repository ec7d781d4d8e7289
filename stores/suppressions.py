"""Suppressed addresses in PostgreSQL: found, entered many at once, changed and taken away."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.suppression import SuppressionReason, causes_of, strength

FILTERS: Mapping[str, str] = {
    "module_id": "s.module_id = :module_id",
    "module_or_all": "(s.module_id = :module_or_all OR s.module_id IS NULL)",
    "for_all": "(s.module_id IS NULL) = :for_all",
    "channels": "s.channel = ANY(CAST(:channels AS text[]))",
    "addresses": "s.address = ANY(CAST(:addresses AS text[]))",
    "categories": "s.category = ANY(CAST(:categories AS text[]))",
    "causes": "s.reason = ANY(CAST(:causes AS text[]))",
    "other_causes": "s.reason <> ALL(CAST(:other_causes AS text[]))",
    "sources": "s.source = ANY(CAST(:sources AS text[]))",
    "since": "s.created_at >= :since",
    "until": "s.created_at < :until",
    "before": "s.id < :before",
    "q": "(s.address ILIKE :q OR s.note ILIKE :q)",
}
"""The conditions that a list may be narrowed by, each with its bind."""

_SELECT = """
    SELECT s.id, s.module_id, m.key AS module_key, s.channel, s.address, s.category, s.reason,
        s.source, s.note, s.created_by, s.created_at, s.expires_at, s.version,
        (s.expires_at IS NULL OR s.expires_at > clock_timestamp()) AS active
    FROM suppressions s LEFT JOIN modules m ON m.id = s.module_id
"""


def comparable(channel: str, address: str) -> str:
    """Return the SQL of domain.suppression.comparable for two columns.

    In the collation C only ASCII letters have another case, and folding them is quick.
    """
    folded = f"""lower({address} COLLATE "C") COLLATE "default\""""
    return f"CASE WHEN {channel} = 'email' THEN {folded} ELSE {address} END"


def stronger(given: str, kept: str) -> str:
    """Return the SQL that tells whether one cause is stronger than another."""
    return f"{_strength(given)} > {_strength(kept)}"


def _strength(column: str) -> str:
    cases = " ".join(
        f"WHEN {column} = '{cause}' THEN {strength(cause)}"
        for reason in SuppressionReason
        for cause in causes_of(reason)
    )
    return f"(CASE {cases} ELSE 0 END)"


_ENDED: Final = "s.expires_at <= clock_timestamp()"
_TAKES_OVER: Final = f"({_ENDED} IS TRUE OR {stronger('excluded.reason', 's.reason')})"


def _taken(column: str, otherwise: str) -> str:
    return f"{column} = CASE WHEN {_TAKES_OVER} THEN excluded.{column} ELSE {otherwise} END"


_PUT = text(f"""
    INSERT INTO suppressions AS s (id, module_id, channel, address, category, reason, source, note,
        created_by, expires_at)
    SELECT id, module_id, channel, address, category, reason, source, note, created_by, expires_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS g(
        id uuid, module_id uuid, channel text, address text, category text, reason text,
        source text, note text, created_by text, expires_at timestamptz)
    ORDER BY channel, address, module_id, category
    ON CONFLICT (channel, address, module_id, category) DO UPDATE SET
        {_taken("reason", "s.reason")}, {_taken("source", "s.source")},
        {_taken("created_by", "s.created_by")}, {_taken("attempt_id", "s.attempt_id")},
        {_taken("confirmation_id", "s.confirmation_id")},
        note = CASE WHEN excluded.note <> '' THEN excluded.note ELSE s.note END,
        created_at = CASE WHEN {_ENDED} THEN clock_timestamp() ELSE s.created_at END,
        expires_at = CASE WHEN {_ENDED} THEN excluded.expires_at
            WHEN s.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL
            ELSE greatest(s.expires_at, excluded.expires_at) END,
        version = s.version + 1
    RETURNING s.id, s.version = 1 AS added
""")  # noqa: S608 - only constants are put together


async def put(conn: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> Sequence[Row[Any]]:
    """Enter suppressions, each (channel, address, module, category) at most once; return
    {id, added} of each.

    One that is there keeps the stronger reason and the later end; one that has ended begins anew.
    """
    return (await conn.execute(_PUT, {"rows": [dict(row) for row in rows]})).all()


async def find(
    conn: AsyncConnection, filters: Mapping[str, Any], *, most: int
) -> Sequence[Row[Any]]:
    """Return suppressions that pass all filters (keys of FILTERS), newest first."""
    conditions = " AND ".join(f"({FILTERS[name]})" for name in filters) or "true"
    statement = text(f"{_SELECT} WHERE {conditions} ORDER BY s.id DESC LIMIT :most")
    return (await conn.execute(statement, {**filters, "most": most})).all()


async def get(conn: AsyncConnection, id: UUID, *, lock: bool = False) -> Row[Any] | None:
    """Return a suppression; `lock` keeps others from changing it until the end."""
    locked = "FOR UPDATE OF s" if lock else ""
    result = await conn.execute(text(f"{_SELECT} WHERE s.id = :id {locked}"), {"id": id})
    return result.one_or_none()


async def change(
    conn: AsyncConnection, id: UUID, *, expires_at: datetime | None, note: str
) -> None:
    """Set a suppression's end (None: never) and note."""
    await conn.execute(
        text("""
            UPDATE suppressions SET expires_at = CAST(:expires AS timestamptz), note = :note,
                version = version + 1 WHERE id = :id
        """),
        {"id": id, "expires": expires_at, "note": note},
    )


async def remove(conn: AsyncConnection, id: UUID) -> None:
    """Take a suppression away."""
    await conn.execute(text("DELETE FROM suppressions WHERE id = :id"), {"id": id})
