"""Looks after campaigns that wait for approval: reminds approvers, and lets them expire in time.

All that is done at a moment is one transaction with the note that it was done, so that a workflow
that looks twice, or is lost, reminds nobody twice.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.approvals import Facts, Outcome, Verdict
from domain.campaign import CampaignState, Step
from domain.contract.content import Content
from domain.contract.notification import NotificationRequest
from domain.errors import Problem
from domain.ids import decode, encode
from services import approval_words, approvals, starting
from services.acceptance import Accepted
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.campaign_approvals import asking_of, facts, stands
from services.fields import validated
from services.promising import promise
from stores import campaigns, templates, users

log = structlog.get_logger()

_NOT_IN_TIME: Final = "Nobody approved it in time"


@dataclass(frozen=True, slots=True)
class _Told:
    """Somebody who is to hear of a campaign; `on_behalf_of` names those for whom they decide."""

    email: str
    name: str
    on_behalf_of: str = ""


async def attend(app: App, id: UUID, run: int) -> datetime | None:
    """Do what is due for a campaign that waits: approve it where it recurs and a standing approval
    holds, let it expire, or remind its approvers.

    Return when to look again; None when it waits no more, or for nothing but a decision.
    """
    promised: list[Accepted] = []

    async def work(conn: AsyncConnection) -> tuple[datetime | None, Actor | None]:
        promised.clear()
        row = await campaigns.find(conn, id, lock=True)
        if row is None or row.run != run or row.state != CampaignState.AWAITING_APPROVAL:
            return None, None
        by = Actor("system", row.module_id, row.module_key, frozenset({"notifications:write"}))
        return await _attend(app, conn, by, row, promised), by

    due_at, by = await app.db.retrying(work)
    if promised and by is not None:
        await starting.start_all(app, by, promised)
    return due_at


async def _attend(
    app: App, conn: AsyncConnection, by: Actor, row: Any, promised: list[Accepted]
) -> datetime | None:
    now, about = datetime.now(UTC), await facts(conn, row)
    verdict = await stands(conn, row, about)
    # What was doubted before is approved by hand, or the same doubt would come back at once.
    if about.definition and verdict.outcome is Outcome.APPROVED and row.problem is None:
        await campaigns.step(conn, row.id, Step.APPROVE, run=row.run)
        schedule = encode("sch", row.schedule_id)
        await audit_row(
            conn, by, "campaign.approved", "cmp", row, {"hash": row.hash, "standing": schedule}
        )
        return None
    asking = await asking_of(conn, row, about)
    if asking.is_over(now):
        promised += await _expire(app, conn, by, row, asking.deadline)
        return None
    if asking.is_due(now, row.reminded_at):
        promised += await _remind(app, conn, by, row, about, verdict, asking.deadline)
        await campaigns.reminded(conn, row.id, now)
    return asking.next(now)


async def _remind(
    app: App,
    conn: AsyncConnection,
    by: Actor,
    row: Any,
    about: Facts,
    verdict: Verdict,
    deadline: datetime | None,
) -> list[Accepted]:
    waiting = await approvals.waiting_for(conn, verdict)
    told: dict[str, _Told] = {one["email"]: _Told(one["email"], one["name"]) for one in waiting}
    for one in waiting:
        deputy = one["deputy"]
        if deputy is not None and decode("usr", deputy["user"]) not in about.authors:
            known = told.get(deputy["email"])
            away = ", ".join(filter(None, [known.on_behalf_of if known else "", one["name"]]))
            told[deputy["email"]] = _Told(deputy["email"], deputy["name"], away)
    data = {
        **_data(app, row, deadline, "/approval"),
        "recipients": row.members,
        "approvals_left": verdict.left,
        "reminder": row.reminded_at is not None,
    }
    promised = await _tell(app, conn, by, row, approval_words.ASKED, data, list(told.values()))
    detail = {"approvals_left": verdict.left, "told": len(promised)}
    await audit_row(conn, by, "approval.asked", "cmp", row, detail)
    return promised


async def _expire(
    app: App, conn: AsyncConnection, by: Actor, row: Any, deadline: datetime | None
) -> list[Accepted]:
    """End a submission that nobody approved in time, and tell its authors."""
    data = _data(app, row, deadline)
    detail = f"It was to be approved by {data['approve_by']}. Submit it again to ask once more."
    problem = {"title": _NOT_IN_TIME, "detail": detail}
    await campaigns.step(conn, row.id, Step.EXPIRE, run=row.run, problem=problem)
    await audit_row(conn, by, "campaign.expired", "cmp", row, {"hash": row.hash})
    authors = await users.find_by_ids(conn, list(row.author_ids))
    told = [_Told(one.email, one.name) for one in authors if one.active]
    return await _tell(app, conn, by, row, approval_words.EXPIRED, data, told)


def _data(app: App, row: Any, deadline: datetime | None, page: str = "") -> dict[str, Any]:
    told = f"{deadline.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if deadline else ""
    return {
        "campaign": row.name,
        "link": f"{app.settings.base_url}/campaigns/{encode('cmp', row.id)}{page}",
        "approve_by": told,
    }


async def _tell(
    app: App,
    conn: AsyncConnection,
    by: Actor,
    row: Any,
    key: str,
    data: Mapping[str, Any],
    told: Sequence[_Told],
) -> list[Accepted]:
    """Promise a notification to each; a template of the module that cannot be used is passed over,
    and what cannot be promised at all holds nothing else up.
    """
    own = await templates.find_published(conn, row.module_id, [key])
    left = list(told)
    promised: list[Accepted] = []
    for template in [key, None] if own else [None]:
        asked = [_request(row, key, template, data, one) for one in left]
        results = await promise(app, conn, by, asked) if asked else []
        promised += [one for one in results if not isinstance(one, Problem)]
        refused = [one for one in results if isinstance(one, Problem)]
        left = [
            one for one, result in zip(left, results, strict=True) if isinstance(result, Problem)
        ]
        if refused:
            log.warning(
                "approval.telling_refused", campaign=encode("cmp", row.id), template=template,
                why=str(refused[0].errors or refused[0].detail)[:300],
            )  # fmt: skip
    return promised


def _request(
    row: Any, key: str, template: str | None, data: Mapping[str, Any], one: _Told
) -> NotificationRequest:
    words = None if template else validated(Content, approval_words.BUILT_IN[key])
    return NotificationRequest(
        recipient={"email": one.email, "name": one.name},
        template=template,
        content=words,
        category=None if template else "transactional",
        data={**data, "name": one.name, "on_behalf_of": one.on_behalf_of},
        metadata={"campaign": encode("cmp", row.id)},
    )
