"""Repeated requests: the first answer is remembered for a day with the Idempotency-Key."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict, Invalid
from services.access import Actor
from services.app import App


@dataclass(frozen=True, slots=True)
class Idempotency:
    """A client's key for one request: per module and path, valid for 24 hours."""

    key: str
    path: str
    body: bytes

    @property
    def body_hash(self) -> bytes:
        """What a repeated request must match."""
        return hashlib.sha256(self.body).digest()


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx answer; `replayed` says that it is the first one's, told again."""

    content: dict[str, Any]
    status: int = 200
    replayed: bool = False
    headers: dict[str, str] = field(default_factory=dict)


async def once(
    app: App,
    actor: Actor,
    idempotency: Idempotency | None,
    work: Callable[[AsyncConnection], Awaitable[Answer]],
) -> Answer:
    """Do work in one transaction with the record of its key, or tell the first answer again.

    Raises Invalid when the key came with another body, Conflict while the first request runs.
    """
    if idempotency is None:
        return await app.db.retrying(work)

    async def guarded(conn: AsyncConnection) -> Answer:
        told = await _first_answer(conn, actor, idempotency)
        if told is not None:
            return told
        answer = await work(conn)
        await _remember(conn, actor, idempotency, answer)
        return answer

    return await app.db.retrying(guarded)


async def _first_answer(
    conn: AsyncConnection, actor: Actor, idempotency: Idempotency
) -> Answer | None:
    name = f"{actor.module_id}{idempotency.path}\x1f{idempotency.key}"
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    free = await conn.execute(text("SELECT pg_try_advisory_xact_lock(:n)"), {"n": number})
    if not free.scalar_one():
        raise Conflict("A request with this Idempotency-Key is still running; repeat it later.")
    await conn.execute(
        text("""
            DELETE FROM idempotency WHERE module_id = :module AND path = :path AND key = :key
                AND created_at < now() - interval '24 hours'
        """),
        _where(actor, idempotency),
    )
    result = await conn.execute(
        text("""
            SELECT body_hash, status, answer FROM idempotency
            WHERE module_id = :module AND path = :path AND key = :key
        """),
        _where(actor, idempotency),
    )
    row = result.one_or_none()
    if row is None:
        return None
    if bytes(row.body_hash) != idempotency.body_hash:
        raise Invalid.field(
            "Idempotency-Key", "was used with another body; use a new key for a new request"
        )
    return Answer(row.answer["content"], row.status, True, row.answer["headers"])


async def _remember(
    conn: AsyncConnection, actor: Actor, idempotency: Idempotency, answer: Answer
) -> None:
    await conn.execute(
        text("""
            INSERT INTO idempotency (module_id, path, key, body_hash, status, answer)
            VALUES (:module, :path, :key, :hash, :status, CAST(:answer AS jsonb))
        """),
        {
            **_where(actor, idempotency),
            "hash": idempotency.body_hash,
            "status": answer.status,
            "answer": {"content": answer.content, "headers": answer.headers},
        },
    )


async def forget(app: App, actor: Actor, idempotency: Idempotency) -> None:
    """Free a key whose work was taken back."""
    async with app.db.leader() as conn:
        await conn.execute(
            text(
                "DELETE FROM idempotency WHERE module_id = :module AND path = :path AND key = :key"
            ),
            _where(actor, idempotency),
        )


def _where(actor: Actor, idempotency: Idempotency) -> dict[str, Any]:
    return {"module": actor.module_id, "path": idempotency.path, "key": idempotency.key}
