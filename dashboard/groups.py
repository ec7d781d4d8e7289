"""Groups: named sets of profiles, and who is in them."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from dashboard import profile_words
from dashboard.choices import owners_of
from dashboard.guard import Console, Form, Signed
from dashboard.message_forms import checked, form_errors, seen_version
from dashboard.rendering import page, see_other
from domain.contract.profile import GroupRequest, MembersRequest
from domain.errors import Conflict, Invalid, NotFound, Problem, Stale
from services import group_members, profiles
from services import groups as use
from services.access import Session
from services.app import App
from services.profile_filters import ProfileFilters

router = APIRouter(prefix="/groups")

PER_PAGE: Final = 50


@router.get("")
async def show(request: Request, app: Console, session: Signed) -> Response:
    """List groups, newest first."""
    return await _list(request, app, session, {})


@router.post("")
async def create(request: Request, app: Console, session: Signed, fields: Form) -> Response:
    """Make an empty group."""
    try:
        asked = checked(GroupRequest, {"name": fields.get("name", "").strip()})
        made = await use.create(app, session.actor, asked, module=fields.get("owner") or None)
    except (Invalid, Conflict) as problem:
        return await _list(request, app, session, fields, problem)
    return see_other(f"/groups/{made.content['id']}", flash="The group is there; add its members.")


@router.get("/{id}")
async def look(request: Request, id: str, app: Console, session: Signed) -> Response:
    """Show a group with its members."""
    return await _detail(request, id, app, session, {})


@router.post("/{id}/rename")
async def rename(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Give a group another name."""
    try:
        asked = checked(GroupRequest, {"name": fields.get("name", "").strip()})
        await use.rename(app, session.actor, id, asked, seen_version(fields))
    except (Invalid, Conflict, Stale) as problem:
        return await _detail(request, id, app, session, fields, problem)
    return see_other(f"/groups/{id}", flash="Renamed.")


@router.post("/{id}/remove")
async def remove(
    request: Request, id: str, app: Console, session: Signed, fields: Form
) -> Response:
    """Remove a group; its profiles stay."""
    try:
        await use.delete(app, session.actor, id, seen_version(fields))
    except Stale as problem:
        return await _detail(request, id, app, session, fields, problem)
    return see_other("/groups", flash="The group is gone; its profiles stay.")


@router.post("/{id}/members")
async def add(request: Request, id: str, app: Console, session: Signed, fields: Form) -> Response:
    """Add the profile that a line names."""
    group = await use.get(app, session.actor, id)
    try:
        it = await _named(app, session, group, fields.get("who", "").strip())
        await group_members.move(app, session.actor, id, MembersRequest(add=[it["id"]]))
    except Invalid as problem:
        return await _detail(request, id, app, session, fields, problem)
    return see_other(f"/groups/{id}", flash=f"{profile_words.title(it, session)} is a member.")


@router.post("/{id}/members/{profile}/remove")
async def take_out(id: str, profile: str, app: Console, session: Signed, _fields: Form) -> Response:
    """Take a profile out of a group."""
    it = await profiles.get(app, session.actor, profile)
    await group_members.move(app, session.actor, id, MembersRequest(remove=[it["id"]]))
    return see_other(f"/groups/{id}", flash=f"{profile_words.title(it, session)} is out.")


async def _named(app: App, session: Session, group: Mapping[str, Any], who: str) -> dict[str, Any]:
    """Return the one profile of the group's module that a line names; raises Invalid."""
    if not who:
        raise Invalid.field("who", "is needed: an address, an external id or a profile's id")
    if who.startswith("prf_"):
        try:
            found = [await profiles.get(app, session.actor, who)]
        except NotFound:
            found = []
    else:
        kind = "email" if "@" in who else "phone" if who.startswith("+") else "external_id"
        one: Any = {kind: (who,)}
        found = (await profiles.find(app, session.actor, ProfileFilters(**one))).items
    found = [one for one in found if one["module"] == group["module"]]
    if not found:
        raise Invalid.field("who", f"names no profile of the module {group['module']}")
    if len(found) > 1:
        raise Invalid.field("who", f"names {len(found)} profiles; give the external id or the id")
    return found[0]


async def _list(
    request: Request,
    app: App,
    session: Session,
    fields: Mapping[str, str],
    problem: Problem | None = None,
) -> Response:
    given = request.query_params
    q = given.get("q", "").strip()[:200]
    found = await use.find(
        app, session.actor, q=q or None, limit=PER_PAGE, cursor=given.get("cursor")
    )
    errors, others = _told(problem, "name")
    return page(
        request, "groups.html", status=problem.status if problem else 200,
        items=found.items, q=q, fields=fields, errors=errors, others=others,
        older=_older("/groups", q, found.next_cursor), paged="cursor" in given,
        may_write=session.actor.may("groups:write"), owners=await owners_of(app, session.actor),
    )  # fmt: skip


async def _detail(
    request: Request,
    id: str,
    app: App,
    session: Session,
    fields: Mapping[str, str],
    problem: Problem | None = None,
) -> Response:
    it = await use.get(app, session.actor, id)
    given = request.query_params
    q = given.get("q", "").strip()[:200]
    found = await profiles.find_in_group(
        app, session.actor, id,
        ProfileFilters(q=q or None, limit=PER_PAGE, cursor=given.get("cursor")),
    )  # fmt: skip
    errors, others = _told(problem, "name", "who")
    members = [
        {
            "id": one["id"],
            "title": profile_words.title(one, session),
            "addresses": [a.shown for a in profile_words.addresses(one, session)],
        }
        for one in found.items
    ]
    return page(
        request, "group.html", status=problem.status if problem else 200,
        it=it, members=members, q=q, fields=fields, errors=errors, others=others,
        older=_older(f"/groups/{id}", q, found.next_cursor), paged="cursor" in given,
        may_write=session.actor.may("groups:write"),
    )  # fmt: skip


def _told(problem: Problem | None, *known: str) -> tuple[dict[str, str], list[str]]:
    if isinstance(problem, Conflict):
        return {"name": problem.detail}, []
    return form_errors(problem, set(known)) if problem else ({}, [])


def _older(base: str, q: str, cursor: str | None) -> str | None:
    if cursor is None:
        return None
    return f"{base}?{urlencode({**({'q': q} if q else {}), 'cursor': cursor})}"
