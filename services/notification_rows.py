"""The rows of notifications, as far as an actor may see them or work on them."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.errors import Conflict, NotFound
from domain.ids import InvalidId, decode, encode
from services.access import Actor
from stores import campaign_recipients, notifications


async def find_shown(conn: AsyncConnection, actor: Actor, id_text: str) -> Any:
    """Return a notification, or a campaign's recipient as one; raises NotFound, also for another
    module's.
    """
    try:
        id = decode("ntf", id_text)
    except InvalidId:
        raise NotFound(f"There is no notification {id_text[:80]}.") from None
    module = None if actor.all_modules else actor.module_id
    row = await notifications.get(conn, id, module)
    if row is None:
        row = await campaign_recipients.get(conn, id, module)
    if row is None:
        raise NotFound(f"There is no notification {id_text[:80]}.")
    return row


async def find_row(conn: AsyncConnection, actor: Actor, id_text: str) -> Any:
    """Return a notification to be worked on; raises NotFound, and Conflict for what a campaign
    sends.
    """
    row = await find_shown(conn, actor, id_text)
    if row.campaign_id is not None:
        raise Conflict(f"The campaign {encode('cmp', row.campaign_id)} sends it; work on that.")
    return row
