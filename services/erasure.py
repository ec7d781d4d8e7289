"""Erases a profile: what is personal goes everywhere, what is counted stays.

Suppressions stay as they are, so that an erased address that was suppressed is not written to
when it comes back. What waits for the person is cancelled. Where a step of somebody else's
notification went to the person, that delivery is cleared and the notification goes on.
"""

import re
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.addresses import listed
from domain.ids import encode
from domain.vocabulary import State
from services import profiles
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.versions import check_version
from stores import devices, erasure, schedules
from stores import profiles as store
from stores.erasure import Person
from stores.ledger import escalations
from stores.ledger.cancelling import cancel_steps, cancel_waiting
from stores.ledger.close import close_unplanned
from stores.ledger.fold import fold

_LEAST: Final = 6
"""A shorter word says nothing about whose call it stands in."""


async def erase(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Erase a profile with all that is personal in what was sent to it; raises NotFound, Stale.

    Also what the module sent to the profile's addresses without naming a profile. Bytes that are
    leaving at this moment cannot be called back; they are tried no second time.
    """
    actor.require("profiles:write")

    async def work(conn: AsyncConnection) -> None:
        row = await profiles.find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        await erase_row(app, conn, actor, row)

    await app.db.retrying(work)


async def erase_row(app: App, conn: AsyncConnection, actor: Actor, row: Any) -> None:
    """Erase a profile that the caller has locked, and may erase."""
    person = await person_of(conn, row)
    ids = await erasure.find_notifications(conn, person)
    ids += await erasure.find_in_campaigns(conn, person)
    await close_unplanned(conn, ids, [State.CANCELLED] * len(ids), erasure.REASON)
    stopped = await escalations.stop(conn, ids, erasure.REASON)
    await fold(conn, [*stopped, *await cancel_waiting(conn, ids, erasure.REASON)])
    steps = await cancel_steps(conn, row.id, erasure.REASON)
    await escalations.hasten(conn, steps)
    await fold(conn, steps)
    await erasure.scrub(conn, person, ids)
    await erasure.scrub_steps(conn, person)
    names = [encode("prf", row.id), *filter(None, [row.external_id])]
    await schedules.remove_of_person(conn, row.module_id, names=names, addresses=person.addresses)
    if row.external_id is not None:
        await erasure.remember(conn, row.module_id, subject(app, row.module_id, row.external_id))
    await store.remove(conn, row.id)
    await audit_row(conn, actor, "profile.erased", "prf", row, {"notifications": len(ids)})


def subject(app: App, module_id: UUID, external_id: str) -> bytes:
    """Return under what it is known that somebody was erased: a keyed hash, no name."""
    return app.codes.subject("erased", str(module_id), external_id)


async def person_of(conn: AsyncConnection, row: Any) -> Person:
    """Return under what a profile is known: its addresses and devices, its own name at a client."""
    tokens = [device.address for device in await devices.of_profiles(conn, [row.id])]
    senders = sorted({*(one.address for one in listed(dict(row._mapping), row.addresses)), *tokens})
    named = sorted({*senders, row.external_id} - {None})
    needles = {
        form
        for address in senders
        for form in (address, quote(address, safe=""), address.removeprefix("+"))
        if len(form) >= _LEAST
    }
    return Person(
        profile_id=row.id,
        module_id=row.module_id,
        addresses=[one.lower() for one in senders],
        senders=senders,
        needles=sorted(needles),
        patterns=[_pattern(one) for one in named],
    )


def _pattern(word: str) -> str:
    """Return what finds a word between others in octets as PostgreSQL's `escape` shows them."""
    shown = "".join(chr(octet) if octet < 0x80 else f"\\{octet:03o}" for octet in word.encode())
    escaped = re.sub(r"([^A-Za-z0-9])", r"\\\1", shown)
    return f"(^|[^[:alnum:]]){escaped}([^[:alnum:]]|$)"
