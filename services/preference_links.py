"""Signed links to the preference centre, and what their holders may do without signing in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.category import Category
from domain.contract.preferences import LinkRequest, PreferencesRequest, UnsubscribeRequest
from domain.decision import is_protected
from domain.engagement import Engagement, EngagementKind
from domain.errors import Gone, NotFound, Stale
from domain.ids import encode
from domain.preference_links import Link, LinkExpired, LinkRing, Purpose
from domain.signed_tokens import TokenWrong
from domain.vocabulary import CategoryClass, Channel
from services.access import Actor
from services.app import App
from services.auditing import named
from services.brands import PLAIN, Look, look_of
from services.preferences import check, unsubscribe_profile, view
from services.profiles import find_row
from services.relooking import wake_all
from services.times import stamp
from stores import audit, categories, profiles, unsubscriptions
from stores import preferences as store
from stores.ledger import engagements
from stores.ledger.relook import relook

RECIPIENT = "recipient"
"""Who acts, in the audit log, when the holder of a link does."""


@dataclass(frozen=True, slots=True)
class Centre:
    """What a recipient sees of the preference centre."""

    module: str
    locale: str | None
    timezone: str
    channels: Sequence[Channel]
    """Those on which the recipient can be reached."""
    categories: Sequence[Category]
    protected: Sequence[Category]
    chosen: Mapping[str, Any]
    look: Look = PLAIN

    def is_on(self, category: str, channel: Channel) -> bool:
        """Whether messages of a category may come on a channel."""
        switched_off = self.chosen["categories"].get(category, {}).get(channel) is False
        return not switched_off and channel not in self.chosen["unsubscribed"]

    def daily(self, category: str) -> str:
        """Return the time of day at which a category is collected, empty where it is not."""
        return str(self.chosen["digest"].get(category, {}).get("at", ""))


@dataclass(frozen=True, slots=True)
class Leaving:
    """What the link of a mail unsubscribes from."""

    module: str
    category: str
    locale: str | None = None
    protected: bool = False
    look: Look = PLAIN
    link: Link = field(repr=False, kw_only=True)


def read_link(ring: LinkRing, token: str, *purposes: Purpose) -> Link:
    """Return the link of a token for one of some purposes; raises NotFound, Gone."""
    try:
        link = ring.read(token, datetime.now(UTC))
    except TokenWrong:
        raise NotFound("This link is not valid.") from None
    except LinkExpired:
        raise Gone("This link has expired.") from None
    if link.purpose not in purposes:
        raise NotFound("This link is not valid.")
    return link


async def issue(app: App, actor: Actor, profile: str, request: LinkRequest) -> dict[str, Any]:
    """Return {token, url, expires_at} of a link to a recipient's preferences; raises NotFound."""
    actor.require("profiles:write")
    expires_at = datetime.now(UTC) + timedelta(seconds=request.ttl_seconds)
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, profile)
        subject = encode("prf", row.id)
        await audit.record(
            conn, module_id=row.module_id, actor=named(actor), action="preferences.link_issued",
            subject=subject,
        )  # fmt: skip
    token = app.links.sign(Link(Purpose.CENTRE, row.id, expires_at))
    url = f"{app.settings.base_url}/p/{token}"
    return {"token": token, "url": url, "expires_at": stamp(expires_at.replace(microsecond=0))}


async def look(app: App, token: str) -> Centre:
    """Return what the holder of a link sees; raises NotFound, Gone."""
    link = read_link(app.links, token, Purpose.CENTRE)
    async with app.db.leader() as conn:
        return await _centre(conn, link)


async def save(
    app: App,
    token: str,
    *,
    version: int,
    switched_on: set[tuple[str, str]],
    quiet_hours: Mapping[str, str] | None,
    daily: Mapping[str, str],
    tracking: bool,
) -> None:
    """Keep what a recipient ticked: `switched_on` holds (category, channel), `daily` the time of
    day (HH:MM, or nothing) at which a category is collected into one message, `tracking` whether
    it may be seen what they open.

    Categories and channels that the page does not show stay as they were. Raises Stale when the
    preferences were changed since the page was made, a ValueError for times.
    """
    link = read_link(app.links, token, Purpose.CENTRE)
    held: list[str] = []

    async def work(conn: AsyncConnection) -> None:
        await _lock(conn, link)
        centre = await _centre(conn, link)
        if centre.chosen["version"] != version:
            raise Stale("It was changed meanwhile; look at it again.")
        switches = {key: dict(value) for key, value in centre.chosen["categories"].items()}
        for category in centre.categories:
            switches.setdefault(category.key, {}).update(
                {one.value: (category.key, one.value) in switched_on for one in centre.channels}
            )
        collected = dict(centre.chosen["digest"])
        for category in centre.categories:
            if category.key in daily:
                collected.pop(category.key, None)
                if at := daily[category.key]:
                    collected[category.key] = {"every": "day", "at": at}
        heard = {channel for _, channel in switched_on}
        document = PreferencesRequest.model_validate(
            {
                "categories": switches,
                "channel_order": centre.chosen["channel_order"],
                "quiet_hours": quiet_hours,
                "frequency": centre.chosen["frequency"],
                "digest": collected,
                "tracking": tracking,
            }
        )
        check(document, await categories.load_all(conn))
        gone = [one for one in centre.chosen["unsubscribed"] if one not in heard]
        stored = document.model_dump(mode="json", exclude={"unsubscribed"})
        await store.put(conn, link.id, stored, gone)
        held[:] = await relook(conn, [link.id])
        await _audit(conn, link, "preferences.changed")

    await app.db.retrying(work)
    await wake_all(app, held)


async def leave_all(app: App, token: str) -> None:
    """Unsubscribe the holder of a link from everything that can be refused."""
    link = read_link(app.links, token, Purpose.CENTRE)
    held = await app.db.retrying(lambda conn: _leave_profile(conn, link, UnsubscribeRequest()))
    await wake_all(app, held)


async def look_leaving(app: App, token: str) -> Leaving:
    """Return what a mail's link unsubscribes from; raises NotFound, Gone."""
    link = read_link(app.links, token, Purpose.PROFILE, Purpose.DELIVERY)
    async with app.db.leader() as conn:
        return await _leaving(conn, link)


async def leave(app: App, token: str) -> Leaving:
    """Unsubscribe as a mail's link says; repeatable. A mandatory category stays as it is."""
    link = read_link(app.links, token, Purpose.PROFILE, Purpose.DELIVERY)
    held: list[str] = []

    async def work(conn: AsyncConnection) -> Leaving:
        leaving = await _leaving(conn, link)
        if leaving.protected:
            return leaving
        if link.purpose is Purpose.DELIVERY:
            await unsubscriptions.refuse(conn, link.id)
            await _note(conn, link.id)
            await _audit(conn, link, "suppression.created")
        else:
            wish = UnsubscribeRequest(category=link.category, channel=Channel(link.channel))
            held[:] = await _leave_profile(conn, link, wish)
        return leaving

    left = await app.db.retrying(work)
    await wake_all(app, held)
    return left


async def _lock(conn: AsyncConnection, link: Link) -> Any:
    row = await profiles.get(conn, link.id, None, lock=True)
    if row is None:
        raise Gone("The recipient of this link is no longer there.")
    return row


async def _centre(conn: AsyncConnection, link: Link) -> Centre:
    recipient = (await profiles.load_recipients(conn, [link.id])).get(link.id)
    row = await profiles.get(conn, link.id, None)
    if row is None or recipient is None:
        raise Gone("The recipient of this link is no longer there.")
    look = await look_of(conn, row.module_id, link.delivery)
    known = sorted((await categories.load_all(conn)).values(), key=lambda one: one.name)
    shown = [one for one in known if one.class_ is not CategoryClass.OTP]
    return Centre(
        module=look.name,
        locale=row.locale,
        timezone=row.timezone or "UTC",
        channels=[one for one in Channel if recipient.addresses(one)],
        categories=[one for one in shown if not is_protected(one)],
        protected=[one for one in shown if is_protected(one)],
        chosen=view(link.id, await store.get(conn, link.id)),
        look=look,
    )


async def _leaving(conn: AsyncConnection, link: Link) -> Leaving:
    if link.purpose is Purpose.DELIVERY:
        found = await unsubscriptions.find_delivery(conn, link.id)
        if found is None:
            raise Gone("The message of this link is no longer there.")
        look = await look_of(conn, found.module_id, link.id)
        return Leaving(look.name, found.name, protected=found.mandatory, look=look, link=link)
    row = await _lock(conn, link)
    look = await look_of(conn, row.module_id, link.delivery)
    category = (await categories.load_all(conn)).get(link.category)
    if category is None:
        raise Gone("What this link unsubscribes from is no longer there.")
    protected = is_protected(category)
    return Leaving(look.name, category.name, row.locale, protected, look, link=link)


async def _leave_profile(conn: AsyncConnection, link: Link, wish: UnsubscribeRequest) -> list[str]:
    await _lock(conn, link)
    await unsubscribe_profile(conn, link.id, wish)
    if link.delivery is not None:
        await _note(conn, link.delivery)
    await _audit(conn, link, "preferences.unsubscribed")
    return await relook(conn, [link.id])


async def _note(conn: AsyncConnection, delivery_id: UUID) -> None:
    """Note which message made its recipient leave."""
    left = Engagement(delivery_id, EngagementKind.UNSUBSCRIBED, datetime.now(UTC))
    await engagements.record(conn, [left])


async def _audit(conn: AsyncConnection, link: Link, action: str) -> None:
    module_id, subject = None, encode("dlv", link.id)
    if link.purpose is not Purpose.DELIVERY:
        row = await profiles.get(conn, link.id, None)
        module_id, subject = (row.module_id if row else None), encode("prf", link.id)
    await audit.record(conn, module_id=module_id, actor=RECIPIENT, action=action, subject=subject)
