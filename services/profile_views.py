"""Profiles as the API answers them, with their groups and devices."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.addresses import listed
from domain.ids import encode
from services.times import stamp
from stores import devices, memberships
from stores.profiles import FIELDS


async def view_all(conn: AsyncConnection, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Return profiles in the contract's shape; two queries, whatever their number."""
    ids = [row.id for row in rows]
    if not ids:
        return []
    groups: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for one in await memberships.of_profiles(conn, ids):
        groups[one.profile_id].append({"id": encode("grp", one.id), "name": one.name})
    owned: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    for device in await devices.of_profiles(conn, ids):
        owned[device.profile_id].append(view_device(device))
    return [_view(row, groups[row.id], owned[row.id]) for row in rows]


def view_device(row: Row[Any]) -> dict[str, Any]:
    """Return a device: a phone has a token, a browser its subscription."""
    return {
        "id": encode("dev", row.id),
        "channel": row.channel,
        "platform": row.platform,
        "token": row.address if row.subscription is None else None,
        "subscription": row.subscription,
        "created_at": stamp(row.created_at),
    }


def _view(
    row: Row[Any], groups: list[dict[str, Any]], owned: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "id": encode("prf", row.id),
        "module": row.module_key,
        **{name: getattr(row, name) for name in FIELDS},
        "addresses": [one.body() for one in listed(dict(row._mapping), row.addresses)],
        "attributes": row.attributes,
        "active": row.active,
        "user_name": row.user_name,
        "groups": groups,
        "devices": owned,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "version": row.version,
    }
