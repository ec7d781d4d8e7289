"""Campaigns: written by authors, edited until they are submitted."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from domain.campaign import CampaignState, Step
from domain.contract.campaign import CampaignPatch, CampaignRequest
from domain.errors import Conflict, Invalid
from domain.ids import encode, new_id
from services import campaign_approvals, campaign_tests, engagements
from services import campaign_runs as runs
from services.access import Actor
from services.app import App
from services.audit_log import names_of
from services.auditing import audit_row, named
from services.campaign_judging import judge, look_up, pace_document
from services.campaign_rows import definition, find_row, refused
from services.campaign_views import view
from services.fields import validated
from services.idempotency import Answer, Idempotency, once
from services.merging import merge
from services.paging import DEFAULT_LIMIT, Page, decode_cursor, next_cursor
from services.positions import seen
from services.searching import pattern
from services.versions import check_version
from stores import campaigns as store

_WHOLE: Final = ("canary", "ab_test")
"""Parts that a patch replaces as a whole: a null in them says something."""


async def create(
    app: App, actor: Actor, request: CampaignRequest, idempotency: Idempotency | None = None
) -> Answer:
    """Make a draft; raises Invalid that names each wrong field."""
    actor.require("campaigns:write")

    async def work(conn: AsyncConnection) -> Answer:
        known = await look_up(conn, actor.module_id, request)
        judge(request, known, usual_hours=app.settings.off_hours)
        id = new_id()
        await store.insert(
            conn,
            {
                "id": id, "module_id": actor.module_id, "name": request.name,
                "definition": definition(request), "created_by": named(actor),
                "author_ids": [actor.user_id] if actor.user_id else [],
            },
        )  # fmt: skip
        row = await find_row(conn, actor, encode("cmp", id))
        await audit_row(conn, actor, "campaign.created", "cmp", row)
        body = view(row)
        return Answer(body, 201, headers={"Location": f"/v1/campaigns/{body['id']}"})

    return await once(app, actor, idempotency, work)


async def judge_draft(app: App, actor: Actor, request: CampaignRequest) -> None:
    """Judge what a draft would be made of, without making it; raises Invalid as `create` does."""
    actor.require("campaigns:write")
    async with app.db.leader() as conn:
        known = await look_up(conn, actor.module_id, request)
    judge(request, known, usual_hours=app.settings.off_hours)


async def find(
    app: App,
    actor: Actor,
    *,
    state: Sequence[str] = (),
    q: str | None = None,
    limit: int = DEFAULT_LIMIT,
    cursor: str | None = None,
    position: str | None = None,
) -> Page:
    """Return a page of campaigns, newest first; `position` is the caller's last write."""
    actor.require("campaigns:read")
    unknown = [one for one in state if one not in list(CampaignState)]
    if unknown:
        raise Invalid.field("state", f"is none of {', '.join(CampaignState)}")
    async with app.db.read(seen(app, actor, position)) as conn:
        rows = await store.listed(
            conn,
            None if actor.all_modules else actor.module_id,
            states=state,
            q=pattern(q),
            before=decode_cursor(cursor),
            most=limit + 1,
        )
        names = await names_of(conn, {row.created_by for row in rows})
    items = [{**view(row), **_written(row, names)} for row in rows[:limit]]
    return Page(items, next_cursor([row.id for row in rows], limit))


async def get(app: App, actor: Actor, id_text: str) -> dict[str, Any]:
    """Return a campaign as it is now; raises NotFound."""
    actor.require("campaigns:read")
    async with app.db.leader() as conn:
        row = await find_row(conn, actor, id_text)
        about = await campaign_approvals.told(conn, row) if row.run else {"approvals": []}
        about |= await campaign_tests.told(conn, row)
        done = await engagements.of_campaign(conn, row)
        names = await names_of(conn, [row.created_by])
    return {**view(row), **_written(row, names), **about, "engagement": done}


async def change(
    app: App, actor: Actor, id_text: str, patch: CampaignPatch, if_match: int | None = None
) -> dict[str, Any]:
    """Apply a merge patch (RFC 7396): anything until it is approved, then only the pace.

    Changing one that waits for approval makes it a draft again: what was approved so far is void,
    and its deliveries, of which none was sent, are taken away. Raises Stale, Invalid, Conflict.
    """
    actor.require("campaigns:write")
    given = patch.model_dump(mode="json", exclude_unset=True)

    async def work(conn: AsyncConnection) -> Any:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        whole = {name: given[name] for name in _WHOLE if given.get(name)}
        request = validated(CampaignRequest, {**merge(row.definition, given), **whole})
        if "window" in given and isinstance(given["window"], dict):
            request = _with_hours_of(given["window"], request, row.definition)
        pace = pace_document(request)
        if set(given) == {"pace"}:
            changed = await store.pace(
                conn, row.id, pace, anew=_begins_ramp(given), version=row.version
            )
        else:
            known = await look_up(conn, row.module_id, request)
            judge(request, known, usual_hours=app.settings.off_hours)
            changed = await store.edit(
                conn, row.id, name=request.name, definition=definition(request),
                author_id=actor.user_id, version=row.version,
            )  # fmt: skip
        if changed is None:
            raise refused(row, Step.EDIT)
        told = {"pace": pace} if "pace" in given else {}
        detail = {"fields": sorted(given), **told}
        await audit_row(conn, actor, "campaign.changed", "cmp", row, detail)
        return await find_row(conn, actor, id_text)

    row = await app.db.retrying(work)
    if row.run:
        await runs.wake(app, row)
    return view(row)


async def delete(app: App, actor: Actor, id_text: str, if_match: int | None = None) -> None:
    """Remove a draft; what was submitted stays, for its record."""
    actor.require("campaigns:write")

    async def work(conn: AsyncConnection) -> None:
        row = await find_row(conn, actor, id_text, lock=True)
        check_version(if_match, row.version)
        if not await store.remove(conn, row.id):
            raise Conflict(f"It is {row.state}: only a draft of which nothing was sent is removed.")
        await audit_row(conn, actor, "campaign.deleted", "cmp", row, {"state": row.state})

    await app.db.retrying(work)


def _written(row: Any, names: Mapping[str, str]) -> dict[str, str]:
    """Return who wrote a campaign, by name where they are known still."""
    return {"created_by_name": names.get(row.created_by, row.created_by)}


def _begins_ramp(given: dict[str, Any]) -> bool:
    """Whether a patch names a ramp, which then begins at its start."""
    pace = given.get("pace")
    return isinstance(pace, dict) and "ramp" in pace


def _with_hours_of(
    window: dict[str, Any], request: CampaignRequest, before: dict[str, Any]
) -> CampaignRequest:
    """Keep `off_hours: null`, which asks for any hour: a merge patch would take it away."""
    if window.get("off_hours", False) is None:
        merged = {**merge(before.get("window"), window), "off_hours": None}
        return validated(CampaignRequest, {**definition(request), "window": merged})
    return request
