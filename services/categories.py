"""Categories: the kinds of messages that all modules share."""

import base64
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.category import DEFAULT_PRIORITIES, PRESET, Category
from domain.contract.category import CategoryPatch, CategoryRequest
from domain.errors import Conflict, Invalid, NotFound
from domain.tracking import Tracking, may_track
from domain.vocabulary import CategoryClass, Priority
from services.access import Actor
from services.app import App
from services.auditing import audit_subject
from services.idempotency import Answer, Idempotency, once
from services.paging import DEFAULT_LIMIT, Page
from services.times import stamp
from services.versions import check_version
from stores import categories as store


async def create(
    app: App, actor: Actor, request: CategoryRequest, idempotency: Idempotency | None = None
) -> Answer:
    """Make a category; raises Conflict when its key is taken, Invalid."""
    actor.require("categories:write")
    category = Category(
        key=request.key,
        name=request.name or request.key,
        class_=request.class_,
        mandatory=request.mandatory,
        priority=request.priority or DEFAULT_PRIORITIES[request.class_],
        tracking=Tracking(request.tracking.opens, request.tracking.clicks),
    )
    _check(category)

    async def work(conn: AsyncConnection) -> Answer:
        row = await store.add(conn, category)
        if row is None:
            raise Conflict(f"There is a category {request.key} already.")
        await audit_subject(conn, actor, "category.created", request.key, actor.module_id)
        return Answer(_body(row), 201, headers={"Location": f"/v1/categories/{request.key}"})

    return await once(app, actor, idempotency, work)


async def find(
    app: App, actor: Actor, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return a page of categories, newest first."""
    actor.require("categories:read")
    async with app.db.leader() as conn:
        rows = await store.find(conn, after=_decode_cursor(cursor), most=limit + 1)
    more = len(rows) > limit
    shown = rows[:limit]
    return Page([_body(row) for row in shown], _encode_cursor(shown[-1].key) if more else None)


async def get(app: App, actor: Actor, key: str) -> dict[str, Any]:
    """Return a category; raises NotFound."""
    actor.require("categories:read")
    async with app.db.leader() as conn:
        return _body(await _find_row(conn, key))


async def change(
    app: App, actor: Actor, key: str, patch: CategoryPatch, if_match: int | None = None
) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396): null sets a default. Raises Stale, Invalid, Conflict."""
    actor.require("categories:write")
    given = patch.model_dump(exclude_unset=True)

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await _find_row(conn, key, lock=True)
        check_version(if_match, row.version)
        changed = _changed(row, given)
        _check(changed)
        if changed.class_ != row.class_:
            await _check_class(conn, key)
        updated = await store.change(conn, changed)
        await audit_subject(conn, actor, "category.changed", key, actor.module_id)
        return _body(updated)

    return await app.db.retrying(work)


async def remove(app: App, actor: Actor, key: str, if_match: int | None = None) -> None:
    """Remove a category; the audit line stays. Raises NotFound, Stale, Conflict while in use."""
    actor.require("categories:write")

    async def work(conn: AsyncConnection) -> None:
        row = await _find_row(conn, key, lock=True)
        check_version(if_match, row.version)
        if row.key in PRESET:
            raise Conflict(f"The category {row.key} stands for its class and stays.")
        used = await store.uses(conn, row.key)
        if used:
            raise Conflict(f"The category {row.key} is used by {' and '.join(used)}.")
        await store.remove(conn, row.key)
        await audit_subject(conn, actor, "category.removed", row.key, actor.module_id)

    await app.db.retrying(work)


async def _check_class(conn: AsyncConnection, key: str) -> None:
    """Raise Conflict where another class would change what was promised of messages."""
    if key in PRESET:
        raise Conflict(f"The category {key} stands for its class; make another one.")
    if await store.uses(conn, key) or await store.was_sent(conn, key):
        raise Conflict(f"The category {key} is in use, so its class stays; make another one.")


def _changed(row: Any, given: dict[str, Any]) -> Category:
    class_ = given.get("class_", CategoryClass(row.class_))
    if class_ is None:
        raise Invalid.field("class", "cannot be taken away")
    priority = given.get("priority", Priority(row.priority))
    return Category(
        key=row.key,
        name=given.get("name", row.name) or row.key,
        class_=class_,
        mandatory=bool(given.get("mandatory", row.mandatory)),
        priority=priority or DEFAULT_PRIORITIES[class_],
        tracking=_tracking(row, given),
    )


def _tracking(row: Any, given: dict[str, Any]) -> Tracking:
    """Return what is seen after a merge patch: null takes away, at either level."""
    before = {"opens": row.track_opens, "clicks": row.track_clicks}
    asked = given.get("tracking", {})
    merged = {} if asked is None else {**before, **asked}
    return Tracking(**{name: bool(value) for name, value in merged.items()})


def _check(category: Category) -> None:
    if category.tracking.is_on and not may_track(category.class_, mandatory=category.mandatory):
        raise Invalid.field(
            "tracking", "must be off for the class otp, and for what is mandatory and may be secret"
        )
    if category.class_ is CategoryClass.OTP and category.priority is not Priority.HIGH:
        raise Invalid.field("priority", "is always high for the class otp")


async def _find_row(conn: AsyncConnection, key: str, *, lock: bool = False) -> Any:
    row = await store.get(conn, key.replace("\x00", ""), lock=lock)
    if row is None:
        raise NotFound(f"There is no category {key[:80]}.")
    return row


def _body(row: Any) -> dict[str, Any]:
    return {
        "key": row.key, "name": row.name, "class": row.class_, "mandatory": row.mandatory,
        "priority": row.priority,
        "tracking": {"opens": row.track_opens, "clicks": row.track_clicks},
        "created_at": stamp(row.created_at), "version": row.version,
    }  # fmt: skip


def _encode_cursor(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def _decode_cursor(cursor: str | None) -> str | None:
    if cursor is None:
        return None
    try:
        return base64.urlsafe_b64decode(cursor + "==").decode().replace("\x00", "")
    except ValueError:
        raise Invalid.field("cursor", "is not a cursor of this list; leave it out") from None
