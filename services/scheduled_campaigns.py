"""Campaigns that schedules make: one at each time, which goes by a standing approval or waits."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import CampaignState, Step
from domain.contract.base import Request
from domain.contract.campaign import CampaignRequest
from domain.contract.schedule import Overlap
from domain.errors import Invalid, Problem
from domain.ids import encode, new_id
from services import campaign_runs
from services.access import Actor
from services.app import App
from services.auditing import audit_row
from services.campaign_judging import judge, look_up
from services.campaign_rows import definition
from services.fields import validated
from services.schedule_occasions import Occasion
from services.times import stamp
from stores import campaigns as store

_NOT_GIVEN: Final = ("start_at", "end_at")
_BEFORE_SENDING: Final = (
    CampaignState.RESOLVING, CampaignState.AWAITING_APPROVAL, CampaignState.APPROVED,
)  # fmt: skip
_NAME: Final = 200


class _Lasting(Request):
    lasts_seconds: Annotated[int, Field(ge=60, le=31_536_000)] | None = None


def said(body: Mapping[str, Any]) -> tuple[CampaignRequest, int | None]:
    """Return what recurs, without a time, and how many seconds each run's window lasts.

    Raises Invalid that names each wrong field; `window` has off_hours and lasts_seconds here.
    """
    window = body.get("window")
    if not isinstance(window, Mapping):
        return validated(CampaignRequest, body), None
    for name in _NOT_GIVEN:
        if window.get(name) is not None:
            raise Invalid.field(f"window.{name}", "is the schedule's to say; use lasts_seconds")
    given = {name: value for name, value in window.items() if name == "lasts_seconds"}
    try:
        lasting = validated(_Lasting, given)
    except Invalid as problem:
        raise problem.inside("window") from None
    left = {name: value for name, value in window.items() if name not in given}
    return validated(CampaignRequest, {**body, "window": left}), lasting.lasts_seconds


class RunCampaign:
    """Makes a campaign from its definition, judged anew each time, and submits it."""

    prefix = "cmp"
    scope = "campaigns:write"
    overlap = Overlap.ALLOW_ALL  # each is a campaign of its own, which may wait for its approval

    async def check(
        self, app: App, conn: AsyncConnection, actor: Actor, body: Mapping[str, Any]
    ) -> None:
        """Judge the body as a submission does."""
        request, _ = said(body)
        named = await look_up(conn, actor.module_id, request)
        judge(request, named, usual_hours=app.settings.off_hours)

    async def fire(
        self,
        app: App,
        conn: AsyncConnection,
        actor: Actor,
        body: Mapping[str, Any],
        occasions: Sequence[Occasion],
    ) -> list[Any | Problem]:
        """Make and submit a campaign for each occasion; its metadata names schedule and time."""
        request, lasts = said(body)
        named = await look_up(conn, actor.module_id, request)
        done: list[Any | Problem] = []
        for one in occasions:
            asked = _asked(request, lasts, one)
            try:
                frozen = judge(asked, named, usual_hours=app.settings.off_hours)
            except Problem as problem:
                done.append(problem)
                continue
            done.append(await _make(conn, actor, asked, frozen, one))
        return done

    async def begin(self, app: App, actor: Actor, done: Sequence[Row[Any]]) -> None:  # noqa: ARG002
        """Start the workflows; what cannot be started now is left to the sweeper."""
        for row in done:
            await campaign_runs.start(app, row)

    async def unfinished(self, conn: AsyncConnection, ids: Sequence[UUID]) -> set[UUID]:
        """Return which campaigns are on their way."""
        return await store.find_unfinished(conn, ids)

    async def cancel(self, conn: AsyncConnection, ids: Sequence[UUID]) -> None:
        """Abort campaigns of which nothing was sent; their workflows are waked by the sweeper."""
        for id in sorted(ids):
            row = await store.find(conn, id, lock=True)
            if row is not None and row.state in _BEFORE_SENDING and row.started_at is None:
                await store.step(conn, id, Step.ABORT)


def _asked(request: CampaignRequest, lasts: int | None, one: Occasion) -> CampaignRequest:
    """Return the campaign of one occasion: named for its day, and with the window of its time."""
    day = f"{one.at.astimezone(ZoneInfo(one.timezone)):%Y-%m-%d %H:%M}"
    window: dict[str, Any] = {"start_at": one.due_at}
    if lasts is not None:
        window["end_at"] = one.due_at + timedelta(seconds=lasts)
    schedule = {"schedule": encode("sch", one.schedule_id), "scheduled_at": stamp(one.at)}
    return request.model_copy(
        update={
            "name": f"{request.name[: _NAME - len(day) - 1]} {day}",
            "window": request.window.model_copy(update=window),
            "metadata": {**request.metadata, **schedule},
        }
    )


async def _make(
    conn: AsyncConnection,
    actor: Actor,
    asked: CampaignRequest,
    frozen: Mapping[str, Any],
    one: Occasion,
) -> Row[Any]:
    id = new_id()
    await store.insert(
        conn,
        {
            "id": id, "module_id": actor.module_id, "name": asked.name,
            "definition": definition(asked), "created_by": actor.name,
            "author_ids": list(one.authors), "schedule_id": one.schedule_id,
            "scheduled_at": one.at,
        },
    )  # fmt: skip
    row = await store.step(
        conn, id, Step.SUBMIT, frozen=frozen, start_at=asked.window.start_at,
        end_at=asked.window.end_at,
    )  # fmt: skip
    if row is None:
        raise Problem("A campaign that was made this moment could not be submitted.")
    await audit_row(
        conn, actor, "campaign.submitted", "cmp", row,
        {"run": row.run, "schedule": encode("sch", one.schedule_id)},
    )  # fmt: skip
    return row
