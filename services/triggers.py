"""Triggers: which event starts what. Kept as data, judged when they are made."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from channels import rendering
from domain.contract.event import TriggerRequest
from domain.contract.notification import NotificationRequest
from domain.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from domain.ids import InvalidId, decode, encode, new_id
from domain.vocabulary import CategoryClass
from services.acceptance import APPROVED, look_up
from services.access import Actor
from services.app import App
from services.auditing import audit_row, named
from services.event_mapping import MAPPED, syntax_errors
from services.fields import validated
from services.idempotency import Answer, Idempotency, once
from services.merging import merge
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, page_of
from services.times import stamp
from services.versions import check_version
from stores import triggers as store

_SCOPES: Final = ("notifications:write", "campaigns:write")
_NOT_GIVEN: Final = ("send_at", "expires_at")
_SOMEBODY: Final = {"email": "sam@example.com"}


async def create(
    app: App, actor: Actor, request: TriggerRequest, idempotency: Idempotency | None = None
) -> Answer:
    """Make a trigger; raises Invalid, Forbidden, Conflict when its name is taken."""
    actor.require("triggers:write")

    async def work(conn: AsyncConnection) -> Answer:
        id = new_id()
        row = await _row(conn, actor, request)
        await store.add(
            conn, {**row, "id": id, "module_id": actor.module_id, "created_by": named(actor)}
        )
        made = await find_row(conn, actor, encode("trg", id))
        await _audit(conn, actor, "trigger.created", made)
        body = view(made)
        return Answer(body, 201, headers={"Location": f"/v1/triggers/{body['id']}"})

    try:
        return await once(app, actor, idempotency, work)
    except IntegrityError:
        raise _taken(request.name) from None


async def find(
    app: App, actor: Actor, *, limit: int = DEFAULT_LIMIT, cursor: str | None = None
) -> Page:
    """Return a page of triggers, newest first."""
    actor.require("triggers:read")
    async with app.db.leader() as conn:
        rows = await store.find(
            conn,
            module_id=actor.sees,
            before=decode_cursor(cursor),
            most=limit + 1,
        )
    return page_of(rows, limit, view)


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a trigger; raises NotFound."""
    actor.require("triggers:read")
    async with app.db.leader() as conn:
        return view(await find_row(conn, actor, id_text))


async def change(
    app: App, actor: Actor, id_text: str, patch: Mapping[str, Any], if_match: int | None = None
) -> dict[str, Any]:
    """Change a trigger (RFC 7396); raises NotFound, Stale, Invalid, Forbidden, Conflict."""
    actor.require("triggers:write")

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        request = validated(TriggerRequest, merge(row.definition, patch))
        by = replace(actor, module_id=row.module_id, module_key=row.module_key)
        await store.change(conn, row.id, await _row(conn, by, request))
        await _audit(conn, actor, "trigger.changed", row)
        return view(await store.get(conn, row.id))

    try:
        return await app.db.retrying(work)
    except IntegrityError:
        raise _taken(str(patch.get("name"))) from None


async def remove(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Remove a trigger; what it has started goes on, and is no longer cancelled by events."""
    actor.require("triggers:write")

    async def work(conn: AsyncConnection) -> None:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        await store.remove(conn, row.id)
        await _audit(conn, actor, "trigger.removed", row)

    await app.db.retrying(work)


async def find_row(conn: AsyncConnection, actor: Actor, id_text: str, *, lock: bool = False) -> Any:
    """Return the stored row of a trigger; raises NotFound, also for another module's."""
    try:
        row = await store.get(conn, decode("trg", id_text), lock=lock)
    except InvalidId:
        row = None
    if row is None or (row.module_id != actor.module_id and not actor.all_modules):
        raise NotFound(f"There is no trigger {id_text[:80]}.")
    return row


def view(row: Any) -> dict[str, Any]:
    """Return a trigger in the contract's shape."""
    return {
        "id": encode("trg", row.id),
        "name": row.name,
        "event_type": row.event_type,
        "filter": row.definition.get("filter", {}),
        "notification": row.definition["notification"],
        "delay_seconds": row.definition.get("delay_seconds", 0),
        "cancel_on": row.definition.get("cancel_on"),
        "enabled": row.enabled,
        "module": row.module_key,
        "created_by": row.created_by,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "version": row.version,
    }


async def _row(conn: AsyncConnection, actor: Actor, request: TriggerRequest) -> dict[str, Any]:
    """Return the columns that a request makes; raises Invalid, Forbidden."""
    actor.require("notifications:write")
    await _check(conn, actor, request.notification)
    definition = request.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    return {
        "name": request.name,
        "event_type": request.event_type,
        "cancel_type": request.cancel_on.type if request.cancel_on else None,
        "definition": {**definition, "notification": request.notification,
                       "filter": request.filter},
        "scopes": [scope for scope in _SCOPES if actor.may(scope)],
        "enabled": request.enabled,
    }  # fmt: skip


async def _check(conn: AsyncConnection, actor: Actor, body: Mapping[str, Any]) -> None:
    """Judge what of a notification can be judged without an event."""
    try:
        errors = [
            FieldError(name, "is the trigger's to say; leave it out and use delay_seconds")
            for name in _NOT_GIVEN
            if body.get(name) is not None
        ]
        errors += syntax_errors(body)
        if not isinstance(body.get("recipient"), str | Mapping):
            errors.append(FieldError("recipient", "is required, such as {{ event.data.customer }}"))
        if isinstance(body.get("data"), Mapping) and "event" in body["data"]:
            errors.append(FieldError("data.event", "is the event itself; take another name"))
        if errors:
            raise Invalid(errors=errors)
        plain = {name: value for name, value in body.items() if name not in MAPPED}
        request = validated(NotificationRequest, {**plain, "recipient": _SOMEBODY})
        await _check_names(conn, actor, request)
    except Invalid as problem:
        raise problem.inside("notification") from None


async def _check_names(conn: AsyncConnection, actor: Actor, request: NotificationRequest) -> None:
    known = await look_up(conn, actor, [request])
    template = known.templates.get(request.template) if request.template else None
    if request.template and template is None:
        raise Invalid.field("template", "names no published template of this module")
    key = request.category or (template.category if template else None) or "transactional"
    category = known.categories.get(key)
    if category is None:
        raise Invalid.field("category", f"is none of {', '.join(sorted(known.categories))}")
    if category.class_ is CategoryClass.OTP:
        raise Invalid.field("category", "is for codes that somebody asked for this moment")
    if category.class_ in APPROVED and not actor.may("campaigns:write"):
        raise Forbidden(f"{key} messages by events need the scope campaigns:write.")
    if request.content is not None:
        words = request.content.model_dump(mode="json", by_alias=True, exclude_none=True)
        if errors := rendering.check(words):
            raise Invalid(errors=errors)


def _taken(name: str) -> Conflict:
    return Conflict(f"There is a trigger {name} already.")


async def _audit(conn: AsyncConnection, actor: Actor, action: str, row: Any) -> None:
    detail = {"name": row.name, "event_type": row.event_type}
    await audit_row(conn, actor, action, "trg", row, detail)
