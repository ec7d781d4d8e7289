"""Addresses that a one-time password has proved: whoever knows the code reads what goes there."""

from dataclasses import replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.addresses import listed, merged
from domain.ids import encode
from domain.suppression import comparable
from services.access import Actor
from services.auditing import named
from stores import audit, otps, profiles


async def note(conn: AsyncConnection, actor: Actor, otp_id: UUID) -> None:
    """Note as verified the address of a profile that a verified code was sent to.

    Nothing is noted where it went to several: any of them may have been read.
    """
    places = await otps.find_places(conn, otp_id)
    if len(places) != 1:
        return
    [place] = places
    row = await profiles.get(conn, place.profile_id, actor.module_id, lock=True)
    if row is None:
        return
    addresses = listed(dict(row._mapping), row.addresses)
    proved = [
        one
        for one in addresses
        if not one.verified
        and comparable(one.channel, one.address) == comparable(place.channel, place.address)
    ]
    if not proved:
        return
    known = [replace(one, verified=True) if one in proved else one for one in addresses]
    _, stored = merged(addresses, {}, known)
    await profiles.keep_addresses(conn, row.id, stored)
    await audit.record(
        conn, module_id=row.module_id, actor=named(actor), action="profile.address_verified",
        subject=encode("prf", row.id), detail={"channels": sorted({one.channel for one in proved})},
    )  # fmt: skip
