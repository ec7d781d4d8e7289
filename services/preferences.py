"""Preferences: what a recipient chose to hear, kept beside the profile."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.category import Category
from domain.contract.preferences import PreferencesRequest, UnsubscribeRequest
from domain.decision import is_protected
from domain.errors import FieldError, Invalid
from domain.ids import encode
from domain.vocabulary import Channel
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.idempotency import Answer, Idempotency, once
from services.profiles import find_row
from services.relooking import wake_all
from services.times import stamp
from services.versions import check_version
from stores import categories
from stores import preferences as store
from stores.ledger.relook import relook

NOTHING_CHOSEN: Mapping[str, Any] = {
    "categories": {}, "channel_order": [], "quiet_hours": None, "frequency": [], "digest": {},
    "tracking": True,
}  # fmt: skip


async def get(app: App, actor: Actor, profile: str) -> dict[str, Any]:
    """Return a recipient's preferences, version 0 before any were chosen; raises NotFound."""
    actor.require("profiles:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, profile)
        return view(row.id, await store.get(conn, row.id))


async def put(
    app: App,
    actor: Actor,
    profile: str,
    request: PreferencesRequest,
    if_match: int | None = None,
) -> dict[str, Any]:
    """Replace a recipient's preferences; raises NotFound, Stale, Invalid naming the categories
    that there are not or that cannot be refused.
    """
    actor.require("profiles:write")
    held: list[str] = []

    async def work(conn: AsyncConnection) -> dict[str, Any]:
        row = await find_row(conn, actor, profile, lock=True)
        before = await store.get(conn, row.id)
        check_version(if_match, before.version if before else 0)
        check(request, await categories.load_all(conn))
        document = request.model_dump(mode="json", exclude={"unsubscribed"})
        if request.tracking is None:
            document["tracking"] = may_be_tracked(before)
        gone = request.unsubscribed
        if gone is None:
            gone = [Channel(one) for one in before.unsubscribed] if before else []
        changed = await store.put(conn, row.id, document, _sorted(gone))
        held[:] = await relook(conn, [row.id])
        fields = sorted(request.model_fields_set)
        await audit_row(conn, actor, "preferences.changed", "prf", row, {"fields": fields})
        return view(row.id, changed)

    body = await app.db.retrying(work)
    await wake_all(app, held)
    return body


async def unsubscribe(
    app: App,
    actor: Actor,
    profile: str,
    request: UnsubscribeRequest,
    idempotency: Idempotency | None = None,
) -> Answer:
    """Switch a category off, a channel, both together, or all that can be; repeatable.

    Raises NotFound, Invalid for a category that there is not or that cannot be refused.
    """
    actor.require("profiles:write")
    held: list[str] = []

    async def work(conn: AsyncConnection) -> Answer:
        row = await find_row(conn, actor, profile, lock=True)
        changed = await unsubscribe_profile(conn, row.id, request)
        held[:] = await relook(conn, [row.id])
        detail = {"fields": _named(request)}
        await audit_row(conn, actor, "preferences.unsubscribed", "prf", row, detail)
        return Answer(view(row.id, changed))

    answer = await once(app, actor, idempotency, work)
    await wake_all(app, held)
    return answer


async def unsubscribe_profile(
    conn: AsyncConnection, profile_id: UUID, request: UnsubscribeRequest
) -> Any:
    """Write an unsubscription of a profile that the caller has locked; return its row."""
    before = await store.get(conn, profile_id)
    document = dict(before.document) if before else dict(NOTHING_CHOSEN)
    gone = {Channel(one) for one in before.unsubscribed} if before else set[Channel]()
    channels = [request.channel] if request.channel else list(Channel)
    if request.category is None:
        gone |= set(channels)
    else:
        _check_refusable(request.category, await categories.load_all(conn), "category")
        switches = {**document["categories"].get(request.category, {})}
        switches |= dict.fromkeys((one.value for one in channels), False)
        document["categories"] = {**document["categories"], request.category: switches}
    return await store.put(conn, profile_id, document, _sorted(gone))


def check(request: PreferencesRequest, known: Mapping[str, Category]) -> None:
    """Raise Invalid for categories that there are not, and for those that cannot be refused, capped
    or collected.
    """
    errors: list[FieldError] = []
    for key, switches in request.categories.items():
        if key not in known:
            errors.append(FieldError(f"categories.{key}", _unknown(known)))
        elif is_protected(known[key]):
            errors += [
                FieldError(f"categories.{key}.{channel}", _protected(key))
                for channel, on in switches.items()
                if not on
            ]
    for number, cap in enumerate(request.frequency):
        if cap.category is None:
            continue
        field = f"frequency[{number}].category"
        if cap.category not in known:
            errors.append(FieldError(field, _unknown(known)))
        elif is_protected(known[cap.category]):
            errors.append(FieldError(field, _protected(cap.category)))
    for key in request.digest:
        if key not in known:
            errors.append(FieldError(f"digest.{key}", _unknown(known)))
        elif is_protected(known[key]):
            errors.append(FieldError(f"digest.{key}", _protected(key)))
    if errors:
        raise Invalid(errors=errors)


def may_be_tracked(row: Any) -> bool:
    """Whether a recipient lets it be seen what they open; `row` None where nothing was chosen."""
    return row is None or row.document.get("tracking") is not False


def view(profile_id: UUID, row: Any) -> dict[str, Any]:
    """Return preferences in the contract's shape; `row` None where nothing was chosen."""
    document = row.document if row else NOTHING_CHOSEN
    return {
        "profile": encode("prf", profile_id),
        **{name: document.get(name, empty) for name, empty in NOTHING_CHOSEN.items()},
        "unsubscribed": list(row.unsubscribed) if row else [],
        "updated_at": stamp(row.updated_at) if row else None,
        "version": row.version if row else 0,
    }


def _check_refusable(key: str, known: Mapping[str, Category], field: str) -> None:
    if key not in known:
        raise Invalid.field(field, _unknown(known))
    if is_protected(known[key]):
        raise Invalid.field(field, _protected(key))


def _unknown(known: Mapping[str, Category]) -> str:
    return f"is none of {', '.join(sorted(known))}"


def _protected(key: str) -> str:
    return f"{key} is mandatory: it cannot be switched off, capped or collected"


def _sorted(channels: Any) -> list[Channel]:
    return [one for one in Channel if one in channels]


def _named(request: UnsubscribeRequest) -> list[str]:
    return [f"{name}={value}" for name, value in request.model_dump(exclude_none=True).items()]
