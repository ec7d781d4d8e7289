"""Standing approvals: of what a schedule sends again and again, up to a size and until a day.

They are bound to a hash of the definition, so that any change of it voids them.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from domain import approvals as rules
from domain.approvals import Decision, Facts
from domain.contract.schedule import Revoke, StandingApproval
from domain.errors import Conflict, Invalid, NotFound, Problem
from domain.ids import encode
from domain.vocabulary import CategoryClass
from services import approvals, campaign_runs
from services.access import Actor
from services.app import App
from services.campaign_judging import judge, look_up
from services.recurring import definition_hash
from services.scheduled_campaigns import said
from stores import approvals as store
from stores import audiences, campaigns, schedules, users

CAMPAIGN = "campaign"


async def told(app: App, conn: AsyncConnection, row: Any) -> dict[str, Any]:
    """Return {hash, standing} of a schedule that makes campaigns; {} of any other.

    `hash` is what an approval names, null while the definition cannot be sent. Each of `standing`
    is {user, name, largest, until, at, reason, counts, why, …}, the newest first.
    """
    if row.action != CAMPAIGN:
        return {}
    try:
        about = await _facts(app, conn, row)
    except Problem:
        about = None
    records = await store.of_subject(conn, encode("sch", row.id))
    people = await store.find_people(conn)
    known = await users.find_by_ids(conn, sorted({id for one in records for id in one.people}))
    names = {one.id: one.name for one in known}
    shown = []
    for record in reversed(records):
        why: str | None = "it is of another definition"
        if record.decision is Decision.REVOKE:
            why = None
        elif about is not None and about.definition is not None:
            revoked_at = rules.revocation(records, about)
            why = rules.void_because(record, about, about.definition, people, revoked_at=revoked_at)
        counts = why is None and record.decision is Decision.APPROVE
        shown.append({**approvals.view(record, names), "counts": counts, "why": why})
    return {"hash": about.definition if about else None, "standing": shown}


async def approve(app: App, actor: Actor, id: UUID, request: StandingApproval) -> None:
    """Keep a standing approval of what has this hash; runs that wait go on if it covers them.

    Raises Conflict when that is not what stands, Forbidden for its authors and for who may not.
    """

    async def work(conn: AsyncConnection) -> Any:
        row = await _row(conn, id)
        if request.until <= datetime.now(UTC):
            raise Invalid.field("until", "must be later than now")
        about = await _facts(app, conn, row)
        asked = replace(about, audience=request.largest, at=request.until)
        await approvals.approve(
            conn, actor, encode("sch", id), asked, str(about.definition), seen=request.hash,
            reason=request.reason, on_behalf_of=request.on_behalf_of, largest=request.largest,
            until=request.until,
        )  # fmt: skip
        return await campaigns.find_waiting(conn, id)

    for waiting in await app.db.retrying(work):
        await campaign_runs.wake(app, waiting)


async def revoke(app: App, actor: Actor, id: UUID, request: Revoke) -> None:
    """Take standing approvals back: runs that have not begun to send need one of their own."""

    async def work(conn: AsyncConnection) -> None:
        row = await _row(conn, id)
        about = await _facts(app, conn, row)
        await approvals.revoke(conn, actor, encode("sch", id), about, reason=request.reason)

    await app.db.retrying(work)


async def _row(conn: AsyncConnection, id: UUID) -> Any:
    row = await schedules.get(conn, id, lock=True)
    if row is None:
        raise NotFound("There is no such schedule any more.")
    if row.action != CAMPAIGN:
        raise Conflict("Only schedules of campaigns are approved; its notifications need none.")
    return row


async def _facts(app: App, conn: AsyncConnection, row: Any) -> Facts:
    """Return what is approved of a schedule; raises Invalid when it cannot be sent as it is."""
    request, lasts = said(row.definition["action"][CAMPAIGN])
    named = await look_up(conn, row.module_id, request)
    try:
        frozen = judge(request, named, usual_hours=app.settings.off_hours)
    except Problem as problem:
        raise problem.inside(f"action.{CAMPAIGN}") from None
    audience = await audiences.get(conn, UUID(frozen["audience_id"]), row.module_id)
    if audience is None:
        raise Invalid.field(f"action.{CAMPAIGN}.audience", "names no audience of this module")
    return Facts(
        module=row.module_id,
        category=frozen["category"],
        class_=CategoryClass(frozen["class"]),
        audience=1,
        authors=frozenset(row.author_ids),
        definition=await definition_hash(
            conn,
            frozen,
            audience=(audience.id, audience.version),
            lasts=None if lasts is None else float(lasts),
        ),
        at=datetime.now(UTC),
    )
