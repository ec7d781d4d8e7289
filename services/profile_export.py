"""All that is kept about one profile, as one JSON document that is made while it is sent."""

import json
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row

from domain.ids import encode
from domain.masking import mask
from services import engagements, notifications, preferences, replies
from services.access import Actor
from services.app import App
from services.erasure import person_of
from services.profile_views import view_all
from services.profiles import find_row
from services.times import stamp
from stores import audit, erasure
from stores import preferences as preference_store
from stores import replies as reply_store
from stores.erasure import Person
from stores.ledger import campaign_rows
from stores.ledger import engagements as engagement_store

_TOGETHER: Final = 20
_PAGE: Final = 200


async def export(app: App, actor: Actor, id_text: str) -> AsyncIterator[str]:
    """Return the pieces of a document {exported_at, profile, scim, preferences, suppressions,
    changes, replies, campaigns, notifications}; raises NotFound. `scim` is what an identity
    provider pushed.

    Notifications are those that an erasure would reach: to the profile, and to its addresses
    without naming a profile. What they say, and their addresses, are shown as everywhere.
    """
    actor.require("profiles:read")
    actor.require("notifications:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        person = await person_of(conn, row)
        (profile,) = await view_all(conn, [row])
        chosen = preferences.view(row.id, await preference_store.get(conn, row.id))
        held = await erasure.find_suppressions(conn, person)
        lines = await audit.of_subject(conn, encode("prf", row.id))
    head = {
        "exported_at": stamp(datetime.now(UTC)),
        "profile": profile,
        "scim": row.scim,
        "preferences": chosen,
        "suppressions": [_suppression(one) for one in held],
        "changes": [_change(one) for one in reversed(lines)],
    }
    return _pieces(app, actor, person, head)


async def _pieces(
    app: App, actor: Actor, person: Person, head: Mapping[str, Any]
) -> AsyncIterator[str]:
    yield f"{_json(head)[:-1]}, "
    lists = {
        "replies": _replies(app, person),
        "campaigns": _campaigns(app, person),
        "notifications": _sent(app, actor, person),
    }
    for number, (name, items) in enumerate(lists.items()):
        yield f'{", " if number else ""}"{name}": ['
        first = True
        async for one in items:
            yield _json(one) if first else f",\n{_json(one)}"
            first = False
        yield "]"
    yield "}\n"


async def _replies(app: App, person: Person) -> AsyncIterator[dict[str, Any]]:
    before = None
    while True:
        async with app.db.leader() as conn:
            rows = await reply_store.of_profile(conn, person.profile_id, before=before, most=_PAGE)
        for row in rows:
            yield replies.view(row)
        if len(rows) < _PAGE:
            return
        before = rows[-1].id


async def _sent(app: App, actor: Actor, person: Person) -> AsyncIterator[dict[str, Any]]:
    async with app.db.leader() as conn:
        ids = await erasure.find_notifications(conn, person)
    for first in range(0, len(ids), _TOGETHER):
        async with app.db.leader() as conn:
            found = [
                await notifications.find_story(conn, actor, encode("ntf", id))
                for id in ids[first : first + _TOGETHER]
            ]
        for one in found:
            yield one


async def _campaigns(app: App, person: Person) -> AsyncIterator[dict[str, Any]]:
    """Yield what campaigns had for a person."""
    async with app.db.leader() as conn:
        ids = await erasure.find_in_campaigns(conn, person)
        rows = await campaign_rows.find_of(conn, ids)
        done = await engagement_store.of_deliveries(conn, [row.id for row in rows])
    for row in rows:
        yield {
            "campaign": encode("cmp", row.campaign_id),
            "delivery": encode("dlv", row.id),
            "channel": row.channel,
            "address": mask(row.address),
            "category": row.category,
            "state": row.state,
            "reason": row.reason,
            "created_at": stamp(row.created_at),
            "engagements": engagements.views(done.get(row.id, ())),
        }


def _suppression(row: Row[Any]) -> dict[str, Any]:
    return {
        "channel": row.channel,
        "address": row.address,
        "category": row.category,
        "reason": row.reason,
        "source": row.source,
        "created_at": stamp(row.created_at),
        "expires_at": stamp(row.expires_at),
    }


def _change(row: Row[Any]) -> dict[str, Any]:
    return {"at": stamp(row.at), "action": row.action, "actor": row.actor, "detail": row.detail}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
