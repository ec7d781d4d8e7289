"""Dry runs: what a campaign would come to over its real audience, without asking for anything.

The audience is read page by page and planned by the same rules as when it is submitted. After that
the frozen snapshot is read instead, so that an approver sees precisely what will go out.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from activities.campaign_planning import plan_now, recipients_for
from activities.planning import recipients_of
from domain.contract.campaign import CampaignPreview, CampaignRequest
from domain.delivery import Planned
from domain.errors import Invalid
from domain.frozen_campaign import Frozen
from domain.vocabulary import State
from services.access import Actor
from services.app import App
from services.audience_definitions import read
from services.audience_resolving import resolve
from services.campaign_estimates import estimate, senders, timetable
from services.campaign_judging import judge, look_up
from services.campaign_rows import find_row
from services.campaign_samples import Person, render_locales, render_samples
from services.fields import validated
from stores import audience_snapshots, audiences
from stores.campaign_trials import Tried

_PAGE: Final = 2_000
_MEASURED: Final = 200
"""Recipients whose words are rendered, to estimate parts and costs."""


@dataclass(slots=True)
class Tally:
    """What was counted so far."""

    members: int = 0
    channels: Counter[str] = field(default_factory=Counter)
    suppressed: Counter[str] = field(default_factory=Counter)
    zones: Counter[str] = field(default_factory=Counter)
    measured: list[Person] = field(default_factory=list)

    @property
    def asked(self) -> int:
        """How many deliveries there would be."""
        return sum(self.channels.values()) + sum(self.suppressed.values())


async def preview(app: App, actor: Actor, id_text: str, request: CampaignPreview) -> dict[str, Any]:
    """Return {members, measured, counts, estimate, timetable, contents, senders, samples,
    problems}; docs/campaigns.md tells what they mean.

    Raises Invalid where the campaign or its audience is wrong, Unavailable where a source is down.
    """
    actor.require("campaigns:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        frozen = await _frozen(conn, row, app.settings.off_hours)
    tally = Tally()
    async with app.db.engine.connect() as conn, Tried(conn) as tried:
        async for page in _members(app, row):
            await _count(app, row.module_id, frozen, page, tally, tried)
        doubled = await tried.count_duplicates()
    for channel, number in doubled.items():
        tally.channels[channel] -= number
        tally.suppressed["duplicate"] += number
    channels = dict(+tally.channels)
    shown = await render_samples(
        app, frozen, tally.measured, most=request.samples, in_full=actor.may("profiles:read")
    )
    contents = await render_locales(app, frozen, tally.measured)
    return {
        "members": tally.members,
        "measured": len(tally.measured),
        "counts": {
            "asked": tally.asked,
            "channels": channels,
            "suppressed": dict(tally.suppressed),
        },
        "estimate": await estimate(app, row, frozen, channels, shown.segments),
        "timetable": timetable(row, frozen, tally.zones),
        "contents": contents,
        "senders": await senders(app, frozen, contents),
        "samples": shown.samples,
        "problems": shown.problems,
    }


async def _frozen(conn: AsyncConnection, row: Any, usual_hours: str) -> Frozen:
    """Return what a submission froze, or would freeze now."""
    if row.snapshot_id is not None and row.frozen:
        return Frozen.read(row.frozen)
    request = validated(CampaignRequest, row.definition)
    named = await look_up(conn, row.module_id, request)
    return Frozen.read(judge(request, named, usual_hours=usual_hours))


async def _members(app: App, row: Any) -> AsyncIterator[Sequence[Any]]:
    """Yield the members (key, profile_id, member) of the snapshot, or of the audience as it is."""
    if row.snapshot_id is not None:
        after: UUID | None = None
        while True:
            async with app.db.leader() as conn:
                page = await audience_snapshots.find_members(
                    conn, row.snapshot_id, after=after, most=_PAGE
                )
            if not page:
                return
            yield page
            after = page[-1].key
    async with app.db.leader() as conn:
        request = validated(CampaignRequest, row.definition)
        named = await look_up(conn, row.module_id, request)
        audience = (
            await audiences.get(conn, named.audience_id, row.module_id)
            if named.audience_id
            else None
        )
    if audience is None:
        raise Invalid.field("audience", "names no audience of this module")
    async with resolve(app, row.module_id, read(app.seal.open(audience.definition))) as found:
        async for members in found.members():
            for first in range(0, len(members), _PAGE):
                yield [_Member(one) for one in members[first : first + _PAGE]]


class _Member:
    """A member of a resolved audience, in the form in which a snapshot keeps it."""

    __slots__ = ("key", "member", "profile_id")

    def __init__(self, row: Any) -> None:
        self.key: UUID = row["key"]
        self.profile_id: UUID | None = row["known"]
        self.member: dict[str, Any] = row["member"] or {}


async def _count(
    app: App, module_id: UUID, frozen: Frozen, page: Sequence[Any], tally: Tally, tried: Tried
) -> None:
    async with app.db.leader() as conn:
        asked = recipients_for(frozen, module_id, page)
        recipients = await recipients_of(conn, asked)
        planned = await plan_now(conn, asked, recipients)
    by_recipient: defaultdict[UUID, list[Planned]] = defaultdict(list)
    for one in planned:
        by_recipient[one.notification.id].append(one)
        if one.state is State.SUPPRESSED:
            tally.suppressed[one.reason] += 1
        else:
            tally.channels[one.channel] += 1
            tally.zones[recipients[one.notification.id].timezone or "UTC"] += 1
    await tried.add(
        [(one.channel, one.address) for one in planned if one.state is not State.SUPPRESSED]
    )
    tally.members += len(page)
    for person in asked[: max(0, _MEASURED - len(tally.measured))]:
        data = person.recipient.get("data") or {}
        tally.measured.append(Person(recipients[person.id], data, by_recipient[person.id]))
