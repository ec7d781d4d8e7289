"""Changing a notification until it is being sent: a merge patch, judged like a new request."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.content import Content
from domain.contract.notification import NotificationPatch
from domain.digests import is_urgent, uncollectable
from domain.errors import Conflict, Invalid, Stale
from domain.ids import encode, new_id
from domain.orders import Order
from domain.retry import LIFETIMES
from domain.rules import Rule, binding
from domain.rules_content import with_footers
from domain.vocabulary import CategoryClass, Channel, Priority, State
from services import notifications, starting
from services.acceptance import check_words, choose_channels
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.fields import field_errors
from services.merging import merge
from services.notification_rows import find_row
from services.template_checks import refuse_supplied
from services.templates import check_data
from services.temporal import TemporalDown
from stores import rules, templates
from stores.ledger import change as changes
from workflows.attributes import Facts


async def change(
    app: App, actor: Actor, id_text: str, patch: NotificationPatch, if_match: int | None = None
) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396) to a notification that is not being sent yet.

    Raises Conflict from sending on, Stale when `if_match` is not the present version, Invalid.
    """
    actor.require("notifications:write")
    given = patch.model_dump(exclude_unset=True)

    async def work(conn: AsyncConnection) -> tuple[Any, dict[str, Any]]:
        row = await find_row(conn, actor, id_text)
        if row.otp_id is not None:
            raise Conflict("It carries a one-time code and cannot be changed; ask for a new one.")
        if if_match is not None and if_match != row.version:
            raise Stale("It was changed meanwhile; read it again and repeat the change.")
        if row.finished_at is not None or row.state == State.SENDING:
            raise Conflict("It is being sent or was sent already.")
        changed = await _changed(conn, row, given, app.settings.otp_start_seconds)
        leaves = (
            "send_at" in given or is_urgent(changed["priority"]) or bool(changed["uncollected"])
        )
        written = await changes.change(conn, row.id, row.version, changed, leaves_digest=leaves)
        if not written:
            raise Conflict("It changed this moment; read it again.")
        await audit_row(conn, actor, "notification.changed", "ntf", row, {"fields": sorted(given)})
        return row, changed

    before, after = await app.db.retrying(work)
    await _follow(app, before, after)
    return await notifications.get(app, actor, id_text)


async def _changed(
    conn: AsyncConnection, row: Any, given: Mapping[str, Any], otp_start_seconds: float
) -> dict[str, Any]:
    now = datetime.now(UTC)
    send_at = given.get("send_at", row.send_at)
    due = max(send_at, now) if send_at else now
    expires = _expiry(row, given, due)
    if expires <= due:
        raise Invalid.field("expires_at", "must be later than now and than send_at")
    otp = row.class_ == CategoryClass.OTP
    priority = Priority.HIGH if otp else given.get("priority") or row.priority
    if wrong := refuse_supplied(given.get("data") or {}):
        raise Invalid(errors=wrong)
    data = merge(row.data, given["data"]) if given.get("data") else row.data
    standing = (await rules.of_modules(conn, [row.module_id]))[row.module_id]
    bound = binding(standing.rules, row.category, CategoryClass(row.class_))
    content = _content(row, given)
    if content is not None:
        content = with_footers(bound, content)
    channels = [Channel(name) for name in row.channels]
    if content is not None and "content" in given:
        channels = _channels(row, content)
    await _check(conn, row, content, data, channels, bound)
    later = send_at is not None and send_at > now
    moved = priority != row.priority
    return {
        "send_at": send_at if later else None,
        "expires_at": expires,
        "priority": priority,
        "data": data,
        "content": content,
        "channels": channels,
        "metadata": merge(row.metadata, given.get("metadata") or {}),
        "due_at": due,
        "start_deadline": due + timedelta(seconds=otp_start_seconds) if otp else None,
        "workflow_id": encode("moved", new_id()) if moved else row.workflow_id,
        "state": State.SCHEDULED if later else State.ACCEPTED,
        "expiry_asked": given["expires_at"] is not None
        if "expires_at" in given
        else row.expiry_asked,
        "uncollected": list(row.uncollected) if content is None else uncollectable([content]),
    }


def _expiry(row: Any, given: Mapping[str, Any], due: datetime) -> datetime:
    """Return the asked expiry; else the present one, which moves along with `send_at`."""
    if "expires_at" in given:
        asked: datetime | None = given["expires_at"]
        return asked or due + LIFETIMES[CategoryClass(row.class_)]
    stored: datetime = row.expires_at
    return stored + (due - row.due_at) if "send_at" in given else stored


def _channels(row: Any, content: Mapping[str, Any]) -> list[Channel]:
    """Return the channels as they were, without those whose words are gone, with new ones last."""
    having = choose_channels(None, content)
    before = [Channel(name) for name in row.channels]
    new = [channel for channel in having if channel not in (row.content or {})]
    return [channel for channel in before if channel in having] + new


def _content(row: Any, given: Mapping[str, Any]) -> dict[str, Any] | None:
    if not given.get("content"):
        stored: dict[str, Any] | None = row.content
        return stored
    if row.content is None:
        raise Invalid.field("content", "comes from a template here; change data instead")
    merged = merge(row.content, given["content"])
    try:
        checked = Content.model_validate(merged)
    except ValidationError as error:
        raise Invalid(errors=field_errors(error, "content")) from None
    return checked.model_dump(mode="json", by_alias=True, exclude_none=True)


async def _check(
    conn: AsyncConnection,
    row: Any,
    content: Mapping[str, Any] | None,
    data: Mapping[str, Any],
    channels: list[Any],
    bound: list[Rule],
) -> None:
    errors = []
    words = content
    if words is None:
        key = (row.template_id, row.template_version)
        version = (await templates.load_versions(conn, [key]))[key]
        words = version.content
        errors += check_data(version, data)
    errors += check_words(words, data, channels, rules=bound)
    if errors:
        raise Invalid(errors=errors)


async def _follow(app: App, before: Any, after: Mapping[str, Any]) -> None:
    """Make the workflow see the change: wake it, or start one on the new lane."""
    if after["workflow_id"] == before.workflow_id:
        await starting.wake(app, before.workflow_id)
        return
    order = Order(
        workflow_id=after["workflow_id"],
        notification_ids=[encode("ntf", before.id)],
        priority=after["priority"],
        due_at=after["send_at"],
    )
    facts = Facts(before.module_key, before.category, tuple(after["channels"]))
    try:
        await app.temporal.start(order, summary="moved to another lane", facts=facts)
    except TemporalDown:
        return
