"""The audience of a campaign, resolved and kept as a snapshot when it is submitted."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row

from domain.errors import Invalid
from domain.ids import InvalidId, decode, new_id
from services.app import App
from services.audience_definitions import read
from services.audience_resolving import resolve
from stores import audience_snapshots as store
from stores import audiences


async def freeze(app: App, row: Row[Any]) -> UUID:
    """Keep who is in the audience of a campaign's row; return the snapshot's id.

    Raises Invalid when the audience is gone or names what is gone, Unavailable when a source does
    not answer; nothing is kept then.
    """
    async with app.db.leader() as conn:
        try:
            id = decode("aud", row.definition["audience"])
        except InvalidId:
            id = None
        audience = await audiences.get(conn, id, row.module_id) if id else None
    if audience is None:
        raise Invalid.field("audience", "there is no such audience any more")
    snapshot_id = new_id()
    selection = read(app.seal.open(audience.definition))
    async with resolve(app, row.module_id, selection) as found:
        async with app.db.leader() as conn:
            await store.add(conn, snapshot_id, audience)
        try:
            await found.freeze(snapshot_id)
        except BaseException:
            async with app.db.leader() as conn:
                await store.remove(conn, snapshot_id)
            raise
    return snapshot_id
