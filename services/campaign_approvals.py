"""Approving campaigns: the record is kept first, and only then may the campaign go on."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.approvals import Facts, Outcome, Verdict
from domain.campaign import CampaignState, Step
from domain.contract.campaign import Approve, Reject
from domain.ids import encode
from domain.vocabulary import CategoryClass
from services import approvals
from services import campaign_runs as runs
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.campaign_rows import find_row, refused
from services.campaign_views import view
from stores import campaigns as store


def facts(row: Any) -> Facts:
    """Return what policies and records are judged by."""
    return Facts(
        module=row.module_id,
        category=row.frozen["category"],
        class_=CategoryClass(row.frozen["class"]),
        audience=row.members,
        authors=frozenset(row.author_ids),
    )


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
    verdict = await approvals.decide(conn, encode("cmp", row.id), facts(row), row.hash)
    if verdict.outcome is Outcome.APPROVED:
        return ""
    why = "; ".join(sorted({reason for _, reason in verdict.void})) or "the rules changed"
    return f"{verdict.left} approval{'' if verdict.left == 1 else 's'} missing: {why}."


async def told(conn: AsyncConnection, row: Any) -> dict[str, Any]:
    """Return what was said about a campaign, and how many approvals it still needs."""
    subject = encode("cmp", row.id)
    found: dict[str, Any] = {"approvals": await approvals.history(conn, subject)}
    if row.state == CampaignState.AWAITING_APPROVAL:
        verdict = await approvals.decide(conn, subject, facts(row), row.hash)
        found["approvals_left"] = verdict.left
    return found


async def _say(conn: AsyncConnection, actor: Actor, row: Any, request: Approve | Reject) -> Verdict:
    subject = encode("cmp", row.id)
    if isinstance(request, Approve):
        return await approvals.approve(
            conn, actor, subject, facts(row), row.hash,
            seen=request.hash, reason=request.reason, on_behalf_of=request.on_behalf_of,
        )  # fmt: skip
    return await approvals.reject(
        conn, actor, subject, facts(row), row.hash,
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
