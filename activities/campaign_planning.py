"""Plans a campaign's deliveries: for a page of its audience, and for those whose channel failed.

The same rules as for notifications, but that nothing is held yet: what is to wait for quiet hours
or for allowed hours does so when its turn comes, which may be weeks later.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from activities.campaign_dealing import Dealing, keys_of
from activities.planning import plan_all
from domain.delivery import Planned, Unplanned
from domain.frozen_campaign import Frozen
from domain.ids import new_id
from domain.recipient import Recipient
from domain.vocabulary import ChannelPolicy, State
from stores.ledger import campaign_rows

_OWN: Final = ("name", "locale", "timezone")
_KEPT: Final = (*_OWN, "email", "phone", "telegram", "whatsapp")


async def plan_page(
    conn: AsyncConnection,
    row: Row[Any],
    frozen: Frozen,
    members: Sequence[Row[Any]],
    page: int,
    dealing: Dealing,
) -> None:
    """Write the deliveries of a page of the audience's members (key, profile_id, member)."""
    asked = recipients_for(frozen, row.module_id, members)
    planned = await plan_now(conn, asked)
    places = dealing.places(page, keys_of(asked, members), planned)
    await campaign_rows.insert(conn, row.id, planned, places)


def recipients_for(frozen: Frozen, module_id: UUID, members: Sequence[Any]) -> list[Unplanned]:
    """Return members of the audience (key, profile_id, member) as planning takes them."""
    return [
        campaign_rows.recipient_of(
            frozen,
            module_id=module_id,
            id=new_id(),
            profile_id=one.profile_id,
            member=_kept(one.member or {}, known=one.profile_id is not None),
        )
        for one in members
    ]


async def plan_now(
    conn: AsyncConnection,
    asked: Sequence[Unplanned],
    recipients: Mapping[UUID, Recipient] | None = None,
) -> list[Planned]:
    """Return the deliveries that recipients need; what would be held is looked at in its turn."""
    return [_now(one) for one in await plan_all(conn, asked, recipients)]


async def plan_fallbacks(
    conn: AsyncConnection, campaign_id: UUID, module_id: UUID, frozen: Frozen, ids: Sequence[UUID]
) -> None:
    """Give recipients whose channel failed or was suppressed the next one, or address."""
    if frozen.channel_policy != ChannelPolicy.FIRST_SUCCESS:
        return
    asked, places = await campaign_rows.find_fallbacks(conn, campaign_id, module_id, frozen, ids)
    if asked:
        planned = await plan_now(conn, asked)
        await campaign_rows.insert(conn, campaign_id, planned, places)


def _now(one: Planned) -> Planned:
    """Return a delivery that is looked at when its turn comes."""
    if one.state is not State.HELD:
        return one
    return replace(one, state=State.ACCEPTED, reason="", due_at=None, decision=None)


def _kept(member: Mapping[str, Any], *, known: bool) -> dict[str, Any]:
    """Return what is kept of a member with its deliveries: addresses only where no profile has
    them, and the audience's own data.
    """
    kept = {name: member[name] for name in (_OWN if known else _KEPT) if member.get(name)}
    return {**kept, "data": member["attributes"]} if member.get("attributes") else kept
