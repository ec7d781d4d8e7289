"""Users and groups as SCIM answers them (RFC 7643 §3.1, §4)."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.ids import encode
from domain.scim.documents import Document
from domain.scim.projection import Projection
from domain.scim.schemas import GROUP, USER
from services.app import App
from services.idempotency import Answer
from services.times import stamp
from stores import memberships
from stores import scim_groups as group_store

MOST_MEMBERS: Final = 10_000
"""In one answer; a group whose members do not fit comes without them, never with some."""


def base(app: App) -> str:
    """Return the address of `/scim/v2` as clients reach it."""
    return f"{app.settings.base_url}/scim/v2"


def login_of(row: Any) -> str:
    """Return the userName of a profile; of one that nobody pushed, what comes next to it."""
    found = row.user_name or row.email or row.external_id
    return str(found or encode("prf", row.id))


def document_of(row: Any) -> Document:
    """Return what is known of a profile as a document: what was pushed, else its own fields."""
    pushed = dict(row.scim) if row.scim is not None else _own(row)
    head: Document = {"userName": login_of(row)}
    if row.external_id is not None:
        head["externalId"] = row.external_id
    return {**head, **{k: v for k, v in pushed.items() if k not in _OURS}, "active": row.active}


_OURS: Final = frozenset({"userName", "externalId", "active"})


def _own(row: Any) -> Document:
    found: Document = {
        "displayName": row.name, "locale": row.locale, "timezone": row.timezone,
        "emails": row.email and [{"value": row.email, "type": "work", "primary": True}],
        "phoneNumbers": row.phone and [{"value": row.phone, "type": "mobile", "primary": True}],
    }  # fmt: skip
    return {name: value for name, value in found.items() if value}


async def users(
    app: App, conn: AsyncConnection, rows: Sequence[Any], projection: Projection
) -> list[dict[str, Any]]:
    """Return users in full, with their groups where these are asked for."""
    joined: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
    if rows and projection.asks_for("groups"):
        for one in await memberships.of_profiles(conn, [row.id for row in rows]):
            joined[one.profile_id].append(_group_of_user(app, one))
    return [_user(app, row, joined[row.id]) for row in rows]


async def groups(
    app: App, conn: AsyncConnection, rows: Sequence[Any], projection: Projection
) -> list[dict[str, Any]]:
    """Return groups, with their members where these are asked for and fit into one answer."""
    told: dict[UUID, list[dict[str, Any]]] = {}
    if rows and projection.asks_for("members"):
        sizes = await group_store.sizes(conn, [row.id for row in rows], MOST_MEMBERS + 1)
        room = MOST_MEMBERS
        for row in rows:
            if sizes[row.id] <= room:
                room -= sizes[row.id]
                told[row.id] = []
        for one in await group_store.members(conn, list(told)):
            told[one.group_id].append(_member(app, one))
    return [_group(app, row, told.get(row.id)) for row in rows]


def answered(resource: dict[str, Any], projection: Projection, status: int = 200) -> Answer:
    """Return a resource as an answer, with its version as the ETag and its address."""
    headers = {"ETag": resource["meta"]["version"], "Location": resource["meta"]["location"]}
    return Answer(projection.of(resource), status, headers=headers)


def _user(app: App, row: Any, joined: list[dict[str, Any]]) -> dict[str, Any]:
    document = document_of(row)
    extensions = [name for name in document if name.startswith("urn:")]
    return {
        "schemas": [USER, *extensions],
        "id": encode("prf", row.id),
        **document,
        "groups": joined,
        "meta": _meta(app, "User", encode("prf", row.id), row),
    }


def _group(app: App, row: Any, members: list[dict[str, Any]] | None) -> dict[str, Any]:
    found: dict[str, Any] = {
        "schemas": [GROUP],
        "id": encode("grp", row.id),
        "externalId": row.external_id,
        "displayName": row.name,
        "members": members,
        "meta": _meta(app, "Group", encode("grp", row.id), row),
    }
    return {name: value for name, value in found.items() if value is not None}


def _meta(app: App, kind: str, id: str, row: Any) -> dict[str, Any]:
    return {
        "resourceType": kind,
        "created": stamp(row.created_at),
        "lastModified": stamp(row.updated_at),
        "location": _address(app, kind, id),
        "version": f'W/"{row.version}"',
    }


def _address(app: App, kind: str, id: str) -> str:
    return f"{base(app)}/{kind}s/{id}"


def _group_of_user(app: App, one: Any) -> dict[str, Any]:
    id = encode("grp", one.id)
    return {
        "value": id, "display": one.name, "type": "direct", "$ref": _address(app, "Group", id),
    }  # fmt: skip


def _member(app: App, one: Any) -> dict[str, Any]:
    """Return a member: ids alone, for an answer that is remembered must name nobody."""
    id = encode("prf", one.profile_id)
    return {"value": id, "type": "User", "$ref": _address(app, "User", id)}
