"""Devices: the phones and browsers on which a profile gets push messages."""

from typing import Any, get_args
from urllib.parse import urlsplit

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.contract.profile import DeviceRequest
from domain.device_tokens import Platform, check_token
from domain.errors import Invalid, NotFound
from domain.ids import InvalidId, decode, new_id
from domain.vocabulary import Channel
from services.access import Actor
from services.app import App
from services.idempotency import Answer, Idempotency, once
from services.profile_views import view_device
from services.profiles import find_row
from stores import devices as store
from stores import profiles

_KEYS = ("p256dh", "auth")
_MAX_ADDRESS = 4096


async def add(
    app: App,
    actor: Actor,
    profile: str,
    request: DeviceRequest,
    idempotency: Idempotency | None = None,
) -> Answer:
    """Add a device to a profile, or renew the one with the same token or subscription.

    Raises NotFound, Invalid.
    """
    actor.require("profiles:write")
    address = _address(request)

    async def work(conn: AsyncConnection) -> Answer:
        row = await find_row(conn, actor, profile, lock=True)
        device = await store.add(
            conn,
            id=new_id(),
            profile_id=row.id,
            channel=request.channel,
            platform=request.platform,
            address=address,
            subscription=request.subscription,
        )
        await profiles.touch(conn, row.id)
        body = view_device(device)
        return Answer(
            body, 201, headers={"Location": f"/v1/profiles/{profile}/devices/{body['id']}"}
        )

    return await once(app, actor, idempotency, work)


async def find(app: App, actor: Actor, profile: str) -> list[dict[str, Any]]:
    """Return a profile's devices, oldest first."""
    actor.require("profiles:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, profile)
        return [view_device(device) for device in await store.of_profiles(conn, [row.id])]


async def remove(app: App, actor: Actor, profile: str, device: str) -> None:
    """Remove a device from a profile; raises NotFound."""
    actor.require("profiles:write")

    async def work(conn: AsyncConnection) -> None:
        row = await find_row(conn, actor, profile, lock=True)
        try:
            gone = await store.remove(conn, decode("dev", device), row.id)
        except InvalidId:
            gone = False
        if not gone:
            raise NotFound(f"The profile has no device {device[:80]}.")
        await profiles.touch(conn, row.id)

    await app.db.retrying(work)


def _address(request: DeviceRequest) -> str:
    """Return what deliveries name: a token, or the endpoint of a subscription (RFC 8030)."""
    if request.channel == Channel.PUSH:
        if request.subscription is not None:
            raise Invalid.field("subscription", "belongs to webpush; push takes a token")
        if request.token is None:
            raise Invalid.field("token", "is required for push")
        if request.platform not in (None, *get_args(Platform)):
            raise Invalid.field("platform", "must be android or ios, as phones with push are")
        if wrong := check_token(request.token, request.platform):
            raise Invalid.field("token", wrong)
        return request.token
    if request.token is not None:
        raise Invalid.field("token", "belongs to push; webpush takes a subscription")
    return _endpoint(request.subscription or {})


def _endpoint(subscription: dict[str, Any]) -> str:
    endpoint, keys = subscription.get("endpoint"), subscription.get("keys")
    if not isinstance(endpoint, str) or not 0 < len(endpoint) <= _MAX_ADDRESS:
        raise Invalid.field("subscription.endpoint", "is required for webpush")
    if not _is_https(endpoint):
        raise Invalid.field("subscription.endpoint", "must be an https URL")
    for name in _KEYS:
        if not isinstance(keys, dict) or not isinstance(keys.get(name), str):
            raise Invalid.field(f"subscription.keys.{name}", "is required for webpush")
    return endpoint


def _is_https(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname) and url.isprintable() and " " not in url
