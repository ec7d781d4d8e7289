"""Records of approvals and rejections: written once, never changed (the table refuses it)."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.approvals import Decision, Person, Record
from domain.ids import new_id
from domain.vocabulary import Role


async def lock(conn: AsyncConnection, subject: str) -> None:
    """Let nobody else decide on a subject until the end of the transaction."""
    await conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"),
        {"name": f"approvals {subject}"},
    )


async def record(conn: AsyncConnection, subject: str, one: Record) -> bool:
    """Keep what a user said; return whether it is new (each says a thing of a hash once)."""
    result = await conn.execute(
        text("""
            INSERT INTO approvals
                (id, subject, hash, user_id, on_behalf_of, decision, largest, reason, at, until)
            VALUES (:id, :subject, :hash, :user, CAST(:on_behalf_of AS uuid), :decision,
                CAST(:largest AS bigint), :reason, :at, CAST(:until AS timestamptz))
            ON CONFLICT DO NOTHING
        """),
        {
            "id": new_id(), "subject": subject, "hash": one.hash, "user": one.user,
            "on_behalf_of": one.on_behalf_of, "decision": one.decision, "largest": one.largest,
            "reason": one.reason, "at": one.at, "until": one.until,
        },
    )  # fmt: skip
    return bool(result.rowcount)


async def of_subject(conn: AsyncConnection, *subjects: str) -> Sequence[Record]:
    """Return what was said of things, oldest first."""
    result = await conn.execute(
        text("""
            SELECT user_id, hash, decision, at, on_behalf_of, largest, reason, until FROM approvals
            WHERE subject = ANY(CAST(:subjects AS text[])) ORDER BY id
        """),
        {"subjects": list(subjects)},
    )
    return [
        Record(row.user_id, row.hash, Decision(row.decision), row.at, row.on_behalf_of,
               row.largest, row.reason, row.until)
        for row in result
    ]  # fmt: skip


async def find_people(conn: AsyncConnection, also: Sequence[UUID] = ()) -> dict[UUID, Person]:
    """Return everybody who may approve, and others by id, as they are now."""
    result = await conn.execute(
        text("""
            SELECT id, role, active FROM users
            WHERE active AND role IN ('administrator', 'approver')
                OR id = ANY(CAST(:also AS uuid[]))
        """),
        {"also": sorted(set(also))},
    )
    return {row.id: Person(row.id, Role(row.role), row.active) for row in result}
