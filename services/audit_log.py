"""The audit log for reading: who did what, and whether the log is as it was written."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.audit_chain import Head, HeadWrong, fault
from domain.errors import Forbidden, Invalid
from domain.ids import InvalidId, decode, encode
from services.access import Actor
from services.app import App
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.times import stamp
from stores import audit, audit_sealing, users

log = structlog.get_logger()

PREFIX: Final = "adt"
_TOGETHER: Final = 1_000


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Which lines are wanted; several of one kind mean OR.

    actor: a user's id or e-mail, `key:NAME`, `operator`, `system`. action: one, or all that begin
    with a word (`template`).
    """

    actor: Sequence[str] = ()
    action: Sequence[str] = ()
    subject: Sequence[str] = ()
    module: Sequence[str] = ()
    after: datetime | None = None
    before: datetime | None = None


async def find(
    app: App,
    actor: Actor,
    filters: AuditFilters,
    *,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
) -> Page:
    """Return a page of lines, newest first: a module's own, or all for who works for all."""
    actor.require("audit:read")
    async with app.db.leader() as conn:
        rows = await audit.find(
            conn,
            await _conditions(conn, actor, filters),
            before=decode_cursor(cursor),
            most=limit + 1,
        )
        names = await names_of(conn, [row.actor for row in rows[:limit]])
    items = [_view(row, names) for row in rows[:limit]]
    return Page(items, next_cursor([row.id for row in rows], limit))


async def verify(app: App, actor: Actor, head: str | None = None) -> dict[str, Any]:
    """Return {intact, lines, unsealed, head, broken: {line, id, why} or null}.

    `broken` is the first line, in the order of the chain, that is not as it was written. A head
    that was kept elsewhere also shows whether the log was cut or built anew since. Raises Invalid
    for a head that is none, Forbidden for who may not see every module.
    """
    actor.require("audit:read")
    if not actor.for_all:
        raise Forbidden("The log is one for all modules; a key with the scope * may check it.")
    kept = _head(head)
    async with app.db.leader() as conn:
        found = await audit_sealing.read_head(conn)
        last, broken = await _walk(app, conn, kept, found.unmarked if found else 0)
        unsealed = await audit_sealing.find_unsealed(conn, most=_TOGETHER)
    present = Head(found.seq, bytes(found.hash)) if found else None
    broken = broken or _end(last, present, kept) or _waiting(app, unsealed)
    return {
        "intact": broken is None,
        "lines": last.seq,
        "unsealed": len(unsealed),
        "head": str(last),
        "broken": broken,
    }


async def head(app: App, actor: Actor) -> dict[str, Any]:
    """Return {head, sealed_at}: what to keep elsewhere."""
    actor.require("audit:read")
    async with app.db.leader() as conn:
        found = await audit_sealing.read_head(conn)
    if found is None:
        return {"head": str(Head()), "sealed_at": None}
    return {"head": str(Head(found.seq, bytes(found.hash))), "sealed_at": stamp(found.sealed_at)}


async def seal(app: App) -> int:
    """Seal all committed lines; return how many."""
    total = 0
    while True:
        async with app.db.leader() as conn:
            done = await audit_sealing.seal_next(conn)
        total += done
        if not done:
            return total


async def log_head(app: App) -> None:
    """Tell the log of this process where the chain ends: logs are kept elsewhere."""
    async with app.db.leader() as conn:
        found = await audit_sealing.read_head(conn)
    if found is None:
        log.error("audit.head_missing")
    else:
        log.info("audit.head", head=str(Head(found.seq, bytes(found.hash))))


async def names_of(conn: AsyncConnection, actors: Iterable[str]) -> dict[str, str]:
    """Return what people are called who are named by id in `user:usr_…`; not those who are gone."""
    ids = {}
    for one in actors:
        try:
            ids[one] = decode("usr", one.removeprefix("user:"))
        except InvalidId:
            continue
    found = {row.id: row.email for row in await users.find_by_ids(conn, list(ids.values()))}
    return {one: f"user:{found[id]}" for one, id in ids.items() if id in found}


async def _walk(
    app: App, conn: AsyncConnection, kept: Head | None, unmarked: int
) -> tuple[Head, dict[str, Any] | None]:
    """Follow the chain; return where it ends or breaks, and the break."""
    last = Head()
    while rows := await audit_sealing.read_sealed(conn, after=last.seq, most=_TOGETHER):
        for row in rows:
            sealed = audit_sealing.sealed_of(row)
            why = fault(last, sealed)
            if why is None and (sealed.mark or sealed.seq > unmarked):
                why = app.marks.fault(sealed.line, sealed.mark)
            if why is not None:
                number = last.seq + 1 if sealed.seq != last.seq + 1 else sealed.seq
                return last, _broken(number, row.id if number == sealed.seq else None, why)
            last = Head(sealed.seq, sealed.hash)
            if kept is not None and kept.seq == last.seq and kept.hash != last.hash:
                return last, _broken(last.seq, row.id, "it differs from the head that was given")
    return last, None


def _end(last: Head, present: Head | None, kept: Head | None) -> dict[str, Any] | None:
    if present is None:
        return _broken(last.seq + 1, None, "the table audit_head is empty")
    if present.seq > last.seq:
        return _broken(last.seq + 1, None, f"the lines up to {present.seq} are missing")
    if kept is not None and kept.seq > last.seq:
        return _broken(last.seq + 1, None, f"the lines up to {kept.seq} are missing")
    if present != last:
        return _broken(last.seq, None, "the table audit_head says otherwise")
    return None


def _waiting(app: App, rows: Sequence[Any]) -> dict[str, Any] | None:
    for row in rows:
        mark = audit_sealing.mark_of(row)
        why = app.marks.fault(audit_sealing.line_of(row), mark)
        if why is not None:
            return _broken(None, row.id, why)
    return None


def _broken(number: int | None, id: Any, why: str) -> dict[str, Any]:
    return {"line": number, "id": encode(PREFIX, id) if id else None, "why": why}


def _head(given: str | None) -> Head | None:
    if given is None or not given.strip():
        return None
    try:
        return Head.of(given)
    except HeadWrong as error:
        raise Invalid.field("head", str(error)) from None


async def _conditions(conn: AsyncConnection, actor: Actor, filters: AuditFilters) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not actor.for_all:
        found["module_id"] = actor.module_id
    if filters.actor:
        found["actors"] = [await _actor(conn, one.replace("\x00", "")) for one in filters.actor]
    for name, given in (
        ("actions", filters.action), ("subjects", filters.subject), ("modules", filters.module),
    ):  # fmt: skip
        if given:
            found[name] = [one.replace("\x00", "") for one in given]
    if filters.after is not None:
        found["after"] = filters.after
    if filters.before is not None:
        found["before"] = filters.before
    return found


async def _actor(conn: AsyncConnection, given: str) -> str:
    """Return how lines name an actor that is given by e-mail address."""
    plain = given.removeprefix("user:")
    if "@" not in plain:
        return plain if plain.startswith("usr_") else given
    row = await users.find_by_email(conn, plain)
    return encode("usr", row.id) if row else given


def _view(row: Any, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": encode(PREFIX, row.id),
        "at": stamp(row.at),
        "actor": row.actor,
        "actor_name": names.get(row.actor, row.actor),
        "action": row.action,
        "subject": row.subject,
        "module": row.module_key,
        "detail": row.detail,
        "line": row.seq,
        "hash": row.hash.hex() if row.hash else None,
    }
