"""Puts deliveries that are collected into their digests, in the transaction that plans them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.delivery import Planned
from domain.digests import Collecting, identity
from domain.retry import LIFETIMES
from stores.ledger import digests
from stores.ledger.digests import Joined, Wanted


async def join(conn: AsyncConnection, planned: list[Planned], workflow_id: str) -> list[Planned]:
    """Return deliveries with the digests that they wait for, and when these leave.

    Their notifications go to the workflow that carries the digest; where the client said nothing
    of their expiry, they live as long after it as they would have without it.
    """
    wanted = {one.id: _wanted(one, one.collecting) for one in planned if one.collecting is not None}
    if not wanted:
        return planned
    found = await digests.join(conn, wanted.values(), workflow_id)
    joined = [
        _joined(one, found[wanted[one.id].identity]) if one.id in wanted else one for one in planned
    ]
    await digests.move(conn, _moved(joined, {one.id: one for one in found.values()}))
    return joined


def _wanted(one: Planned, collecting: Collecting) -> Wanted:
    asked = one.notification
    shared = identity(
        asked.module_id, asked.profile_id, one.channel, one.address, asked.category, collecting
    )
    return Wanted(
        asked.module_id, shared, collecting.source, collecting.key, asked.id,
        one.due_at or asked.expires_at,
    )  # fmt: skip


def _joined(one: Planned, digest: Joined) -> Planned:
    asked = one.notification
    expires_at = asked.expires_at
    if not asked.expiry_asked:
        expires_at = max(expires_at, digest.due_at + LIFETIMES[asked.class_])
    # One that expires before is looked at when it does, to be told as expired at once.
    return replace(
        one, notification=replace(asked, expires_at=expires_at), digest_id=digest.id,
        due_at=min(digest.due_at, expires_at),
    )  # fmt: skip


def _moved(
    joined: Sequence[Planned], digest: dict[UUID, Joined]
) -> list[tuple[UUID, str, datetime]]:
    """Return each notification with the workflow of its first digest, and its expiry."""
    first: dict[UUID, tuple[datetime, str, datetime]] = {}
    for one in joined:
        if one.digest_id is None:
            continue
        found = digest[one.digest_id]
        its = (found.due_at, found.workflow_id, one.notification.expires_at)
        first[one.notification.id] = min(first.get(one.notification.id, its), its)
    return [(id, workflow, expiry) for id, (_, workflow, expiry) in first.items()]
