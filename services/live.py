"""Live events from the sealed outbox, for pages and `tocsin tail`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from domain.ids import encode
from services.access import Actor
from services.app import App
from stores import outbox, users

POLL_SECONDS = 0.5


async def events(app: App, actor: Actor, after: int | None = None) -> AsyncIterator[dict[str, Any]]:
    """Yield events as {seq, …}, from a batch number on or from now.

    An empty dict is a sign of life. Events of other modules are left out. It ends when the user
    whom the actor is, or is bound to, is deactivated; else never by itself.
    """
    actor.require("events:read")
    module = None if actor.all_modules else encode("mod", actor.module_id)
    async with app.db.leader() as conn:
        seq = await outbox.newest_batch(conn) if after is None else after
    quiet = 0
    while True:
        async with app.db.leader() as conn:
            if actor.user_id and not await users.is_active(conn, actor.user_id):
                return
            batches = await outbox.read_batches(conn, after=seq)
        for batch in batches:
            seq = batch.seq
            for event in batch.events:
                if module in (None, event["module"]):
                    yield {"seq": seq, **event}
        quiet = 0 if batches else quiet + 1
        if quiet % 30 == 29:
            yield {}
        await asyncio.sleep(POLL_SECONDS)
