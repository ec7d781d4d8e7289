"""Audiences: who is in them, what they are kept for, and the snapshots of them."""

from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard.audience_forms import titles
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import seen_version
from dashboard.rendering import page, see_other
from domain.errors import Conflict, Invalid, Unavailable
from services import audience_connectors, audience_snapshots
from services import audiences as use

router = APIRouter(prefix="/audiences")

PER_PAGE: Final = 50


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List audiences, newest first, narrowed by name and kind."""
    asked = request.query_params
    filters = {name: said for name in ("q", "kind") if (said := asked.get(name, "").strip()[:100])}
    found = await use.find(
        app,
        session.actor,
        kind=(filters["kind"],) if "kind" in filters else (),
        q=filters.get("q"),
        limit=PER_PAGE,
        cursor=asked.get("cursor"),
    )
    orphans = await audience_snapshots.find_all(app, session.actor, orphans=True)
    older = {**filters, "cursor": found.next_cursor} if found.next_cursor else None
    kinds = titles(audience_connectors.find(session.actor))
    return page(
        request, "audiences.html", items=found.items, filters=filters, kinds=kinds,
        kind_choices=[("", "Any kind"), *kinds.items()],
        older=f"/audiences?{urlencode(older)}" if older else None, paged="cursor" in asked,
        may_write=session.actor.may("audiences:write"), orphans=orphans.items,
    )  # fmt: skip


@router.post("/snapshots/{snapshot}/remove")
async def remove_orphan(snapshot: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Remove a snapshot whose audience is gone."""
    try:
        await audience_snapshots.remove(app, session.actor, snapshot)
    except Conflict as used:
        return see_other("/audiences#orphans", flash=used.detail)
    return see_other("/audiences", flash="The snapshot is gone.")


@router.post("/{id}/remove")
async def remove(id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Remove an audience that no other one uses."""
    try:
        await use.delete(app, session.actor, id, seen_version(fields))
    except Conflict as used:
        return see_other(f"/audiences/{id}", flash=used.detail)
    return see_other("/audiences", flash="The audience is gone; its recipients stay.")


@router.post("/{id}/freeze")
async def freeze(id: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Keep who is in the audience now."""
    try:
        kept = await audience_snapshots.create(app, session.actor, id)
    except (Invalid, Unavailable) as problem:
        return see_other(f"/audiences/{id}", flash=f"Nothing was kept. {problem.detail}")
    return see_other(f"/audiences/{id}#snapshots", flash=f"Kept, with {kept['members']} members.")


@router.post("/{id}/snapshots/{snapshot}/remove")
async def remove_snapshot(
    id: str, snapshot: str, app: Console, session: Signed, _fields: Form
) -> Response:
    """Remove a snapshot that nothing uses."""
    try:
        await audience_snapshots.remove(app, session.actor, snapshot, id)
    except Conflict as used:
        return see_other(f"/audiences/{id}#snapshots", flash=used.detail)
    return see_other(f"/audiences/{id}#snapshots", flash="The snapshot is gone.")
