"""Whose addresses are used: the profiles of a module that have an address."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.suppression import comparable
from domain.vocabulary import Channel

Place = tuple[UUID, Channel, str]
"""A module, a channel and an address on it."""

_OWNERS = text("""
    SELECT DISTINCT r.place, p.id
    FROM unnest(CAST(:modules AS uuid[]), CAST(:channels AS text[]), CAST(:addresses AS text[]))
            WITH ORDINALITY AS r(module_id, channel, address, place)
        CROSS JOIN LATERAL (
            SELECT id FROM profiles WHERE r.channel = 'email'
                AND module_id = r.module_id AND lower(email) = lower(r.address)
            UNION ALL SELECT id FROM profiles WHERE r.channel IN ('sms', 'whatsapp')
                AND module_id = r.module_id AND phone = r.address
            UNION ALL SELECT id FROM profiles WHERE r.channel = 'whatsapp'
                AND module_id = r.module_id AND whatsapp = r.address
            UNION ALL SELECT id FROM profiles WHERE r.channel = 'telegram'
                AND module_id = r.module_id AND telegram = r.address
            UNION ALL SELECT id FROM profiles WHERE addresses <> '[]' AND module_id = r.module_id
                AND addresses @> jsonb_build_array(
                    jsonb_build_object('channel', r.channel, 'key', r.address))
            UNION ALL SELECT d.profile_id FROM profile_devices d JOIN profiles o
                ON o.id = d.profile_id AND o.module_id = r.module_id
                WHERE d.address = r.address AND d.channel = r.channel
        ) p
    ORDER BY r.place, p.id
""")


async def find(conn: AsyncConnection, places: Iterable[Place]) -> dict[Place, list[UUID]]:
    """Return the profiles that have addresses, oldest first; mail goes without regard to case."""
    listed = list(dict.fromkeys(places))
    if not listed:
        return {}
    result = await conn.execute(
        _OWNERS,
        {
            "modules": [module for module, _, _ in listed],
            "channels": [channel.value for _, channel, _ in listed],
            "addresses": [comparable(channel, address) for _, channel, address in listed],
        },
    )
    found: defaultdict[Place, list[UUID]] = defaultdict(list)
    for row in result:
        found[listed[row.place - 1]].append(row.id)
    return dict(found)
