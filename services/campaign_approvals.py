"""Approving campaigns: the record is kept first, and only then may the campaign go on."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.approval_reminders import Asking, asking
from domain.approvals import Facts, Outcome, Verdict, fitting
from domain.campaign import CampaignState, Step
from domain.contract.campaign import Approve, Reject
from domain.errors import Conflict
from domain.ids import encode
from domain.vocabulary import CategoryClass
from services import approval_policies, approvals, recurring
from services import campaign_runs as runs
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.campaign_rows import find_row, refused
from services.campaign_views import view
from services.times import stamp
from stores import audience_snapshots
from stores import campaigns as store


async def facts(conn: AsyncConnection, row: Any) -> Facts:
    """Return what policies and records are judged by.

    What a schedule made recurs, as long as nobody took it further: what was changed, or is to be
    sent once more, goes by approvals of its own.
    """
    recurs = row.schedule_id is not None and row.run == 1 and row.snapshot_id is not None
    return Facts(
        module=row.module_id,
        category=row.frozen["category"],
        class_=CategoryClass(row.frozen["class"]),
        audience=row.members,
        authors=frozenset(row.author_ids),
        definition=await recurring.definition_of_run(conn, row) if recurs else None,
        at=row.scheduled_at,
    )


async def stands(conn: AsyncConnection, row: Any, about: Facts) -> Verdict:
    """Return what the approvals of a campaign amount to, those of its schedule among them."""
    schedule = encode("sch", row.schedule_id) if about.definition is not None else None
    return await approvals.decide(conn, encode("cmp", row.id), about, row.hash, recurring=schedule)


async def asking_of(conn: AsyncConnection, row: Any, about: Facts) -> Asking:
    """Return how long a campaign's submission waits, and when its approvers hear of it."""
    found = fitting(await approval_policies.find(conn, about), about)
    ends = [one for one in (row.approve_by, row.end_at) if one is not None]
    return asking(found, row.asked_at, min(ends, default=None))


async def approve(app: App, actor: Actor, id_text: str, request: Approve) -> dict[str, Any]:
    """Keep an approval of what has this hash; with the last one that is needed it goes on.

    Raises Conflict when that is not what stands, Forbidden for its authors and for who may not.
    """
    return await _decide(app, actor, id_text, request)


async def reject(app: App, actor: Actor, id_text: str, request: Reject) -> dict[str, Any]:
    """Keep a rejection, and give the campaign back to its author; raises as `approve` does."""
    return await _decide(app, actor, id_text, request)


async def doubts(conn: AsyncConnection, row: Any) -> str:
    """Tell why the approvals of a campaign count no more, such as that of somebody who may approve
    no longer; an empty text when they do. To be asked right before it starts.
    """
    verdict = await stands(conn, row, await facts(conn, row))
    if verdict.outcome is Outcome.APPROVED:
        return ""
    why = "; ".join(sorted({reason for _, reason in verdict.void})) or "the rules changed"
    return f"{verdict.left} approval{'' if verdict.left == 1 else 's'} missing: {why}."


async def told(conn: AsyncConnection, row: Any) -> dict[str, Any]:
    """Return what was said about a campaign, and the frozen audience; of one that waits, how many
    approvals are missing, whose (`approvers`), and by when.
    """
    found: dict[str, Any] = {"approvals": await approvals.history(conn, encode("cmp", row.id))}
    if row.snapshot_id is not None:
        kept = await audience_snapshots.get(conn, row.snapshot_id)
        found["snapshot"] = {
            "id": encode("snp", kept.id), "members": kept.members, "hash": kept.hash,
            "created_at": stamp(kept.created_at),
        }  # fmt: skip
    if row.state == CampaignState.AWAITING_APPROVAL:
        about = await facts(conn, row)
        verdict = await stands(conn, row, about)
        found["approvals_left"] = verdict.left
        found["approvers"] = await approvals.waiting_for(conn, verdict)
        found["approve_by"] = stamp((await asking_of(conn, row, about)).deadline)
    return found


async def _say(conn: AsyncConnection, actor: Actor, row: Any, request: Approve | Reject) -> Verdict:
    subject, about = encode("cmp", row.id), await facts(conn, row)
    if isinstance(request, Approve):
        if (await asking_of(conn, row, about)).is_over(datetime.now(UTC)):
            raise Conflict("The time to approve it is over; its author may submit it again.")
        return await approvals.approve(
            conn, actor, subject, about, row.hash,
            seen=request.hash, reason=request.reason, on_behalf_of=request.on_behalf_of,
        )  # fmt: skip
    return await approvals.reject(
        conn, actor, subject, about, row.hash,
        seen=row.hash, reason=request.reason, on_behalf_of=request.on_behalf_of,
    )  # fmt: skip


async def _decide(
    app: App, actor: Actor, id_text: str, request: Approve | Reject
) -> dict[str, Any]:
    actor.require("approvals:write")
    approving = isinstance(request, Approve)
    step = Step.APPROVE if approving else Step.REJECT

    async def work(conn: AsyncConnection) -> tuple[Any, dict[str, Any], bool]:
        row = await find_row(conn, actor, id_text, lock=True)
        if row.state != CampaignState.AWAITING_APPROVAL:
            raise refused(row, step)
        verdict = await _say(conn, actor, row, request)
        taken = verdict.outcome is (Outcome.APPROVED if approving else Outcome.REJECTED)
        if taken:
            if await store.step(conn, row.id, step) is None:
                raise refused(row, step)
            action = "campaign.approved" if approving else "campaign.rejected"
            await audit_row(conn, actor, action, "cmp", row, {"hash": row.hash})
        row = await find_row(conn, actor, id_text)
        return row, await told(conn, row), taken

    row, about, taken = await app.db.retrying(work)
    if taken:
        await runs.wake(app, row)
    return {**view(row), **about}
